// Prints the texts of errors and log lines that the Go packages in the given folders can print,
// one a line as JSON. What is not a literal is "…".
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Functions that make an error or write a log line, by the last part of their name.
var printing = regexp.MustCompile(`^(New|Newf|Error|Errorf|Errorw|ErrorDepth|Warn|Warnf|Warning|Warningf|WarningDepth|` +
	`Info|Infof|Printf|Println|Print|Log|Logf|logf|Fatal|Fatalf|Wrap|Wrapf|NewError|NewPermanent|` +
	`\w*[eE]rror[fs]?|connectionErrorf|ContextErr|badStringError|` +
	`newRequestErrorf|http2ConnectionErrorf|MakeErr|NewThrottleRetry|vlogf|condlogf|serveErrorf)$`)

func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			left, isLeft := text(e.X)
			right, isRight := text(e.Y)
			if isLeft || isRight {
				if !isLeft {
					left = "…"
				}
				if !isRight {
					right = "…"
				}
				return left + right, true
			}
		}
	case *ast.ParenExpr:
		return text(e.X)
	case *ast.CallExpr: // fmt.Sprintf and conversions
		if len(e.Args) > 0 {
			return text(e.Args[0])
		}
	}
	return "", false
}

func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// isText tells methods that write an error's text.
func isText(f *ast.FuncDecl) bool {
	return f.Name.Name == "Error" || f.Name.Name == "String"
}

func walk(file *ast.File, found func(string)) {
	visit := func(e ast.Expr) {
		if s, ok := text(e); ok {
			found(s)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if printing.MatchString(name(n.Fun)) {
				for _, each := range n.Args {
					visit(each)
				}
			}
		case *ast.CompositeLit:
			if strings.Contains(strings.ToLower(name(n.Type)), "error") {
				for _, each := range n.Elts {
					if pair, ok := each.(*ast.KeyValueExpr); ok {
						each = pair.Value
					}
					visit(each)
				}
			}
		case *ast.ValueSpec: // var alertText = map[alert]string{…}, const error texts
			for i, each := range n.Values {
				lower := strings.ToLower(n.Names[i].Name)
				if table, ok := each.(*ast.CompositeLit); ok && lower == "alerttext" {
					for _, one := range table.Elts {
						if pair, ok := one.(*ast.KeyValueExpr); ok {
							if s, ok := text(pair.Value); ok {
								found("remote error: tls: " + s)
								found("local error: tls: " + s)
							}
						}
					}
				} else if strings.Contains(lower, "err") || strings.Contains(lower, "msg") {
					visit(each)
				}
			}
		case *ast.AssignStmt: // msg := fmt.Sprintf(…)
			for i, each := range n.Rhs {
				if lower := strings.ToLower(name(n.Lhs[i])); i < len(n.Lhs) && (strings.HasSuffix(lower, "msg") || strings.HasSuffix(lower, "err")) {
					visit(each)
				}
			}
		case *ast.FuncDecl:
			if isText(n) && n.Body != nil {
				ast.Inspect(n.Body, func(m ast.Node) bool {
					switch m := m.(type) {
					case *ast.ReturnStmt:
						for _, each := range m.Results {
							visit(each)
						}
					case *ast.AssignStmt:
						for _, each := range m.Rhs {
							visit(each)
						}
					}
					return true
				})
			}
		}
		return true
	})
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, folder := range os.Args[1:] {
		deep := strings.HasSuffix(folder, "/...")
		folder = filepath.Clean(strings.TrimSuffix(folder, "/..."))
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				skipped := entry.Name() == "testdata" || entry.Name() == "examples" || strings.HasSuffix(entry.Name(), "test")
				if path != folder && (!deep || skipped) {
					return filepath.SkipDir
				}
				return nil
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			if file.Name.Name == "main" {
				return nil
			}
			walk(file, func(s string) { _ = out.Encode(s) })
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
