package main

import (
	"encoding"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// current is the configuration whose Validate is tried; baseline is what it says of the default.
var (
	current  reflect.Value
	baseline map[string]bool
)

func complaints() (found map[string]bool) {
	found = map[string]bool{}
	defer func() {
		if recover() != nil {
			found = map[string]bool{"panic": true}
		}
	}()
	if !current.IsValid() {
		return
	}
	if err := validate(current.Addr().Interface()); err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			if !baseline[line] {
				found[line] = true
			}
		}
	}
	return
}

func try(v reflect.Value, number int64) string {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	defer v.Set(old)
	switch {
	case v.CanInt():
		v.SetInt(number)
	case v.CanUint():
		v.SetUint(uint64(number))
	default:
		v.SetFloat(float64(number))
	}
	for line := range complaints() {
		return line
	}
	return ""
}

// bounds notes what Validate says of -1, 0 and 1, where it says it of nothing larger.
func bounds(v reflect.Value, node map[string]any) {
	if !v.IsValid() || !v.CanSet() || !current.IsValid() {
		return
	}
	below := ""
	if !v.CanUint() {
		below = try(v, -1)
	}
	zero, one := try(v, 0), try(v, 1)
	switch {
	case zero != "" && one == "":
		node["gt"] = zero
	case below != "" && zero == "":
		node["ge"] = below
	}
}

// nonEmpty notes what Validate says of a text that is emptied.
func nonEmpty(v reflect.Value, node map[string]any) {
	if !v.IsValid() || !v.CanSet() || !current.IsValid() || v.String() == "" {
		return
	}
	old := v.String()
	defer v.SetString(old)
	v.SetString("")
	for line := range complaints() {
		node["ne"] = line
		return
	}
}

type leaf struct {
	path  []string
	value reflect.Value
}

// leaves are the fields that a default configuration has whatever is written; way is where the
// walk is; depth counts the sections around it that are only there when written.
var (
	leaves []leaf
	way    []string
	depth  int
)

type need struct {
	Says  string     `json:"says"`
	AnyOf [][]string `json:"any"`
}

// findNeeds lists what the default configuration lacks, and which fields, each alone, fill that.
func findNeeds() []need {
	found := []need{}
	for range 6 {
		baseline = nil
		held := complaints()
		baseline = held
		progress := false
		for _, says := range slices.Sorted(maps.Keys(held)) {
			if strings.Contains(says, "no such file") {
				continue // it depends on the machine
			}
			one := need{Says: says}
			var clean [][]string
			var fill, cleanFill func()
			for _, each := range leaves {
				old := reflect.New(each.value.Type()).Elem()
				old.Set(each.value)
				for _, filled := range fillings(each.value) {
					each.value.Set(filled)
					baseline = nil
					now := complaints()
					if now[says] || now["panic"] {
						continue
					}
					set := func() { each.value.Set(filled) }
					one.AnyOf = append(one.AnyOf, each.path)
					if fill == nil {
						fill = set
					}
					if len(now) < len(held) {
						clean = append(clean, each.path)
						if cleanFill == nil {
							cleanFill = set
						}
					}
					break
				}
				each.value.Set(old)
			}
			if len(clean) > 0 {
				one.AnyOf, fill = clean, cleanFill
			} else if !slices.ContainsFunc(one.AnyOf, func(path []string) bool {
				return strings.Contains(says, path[len(path)-1])
			}) {
				continue // another complaint only took its place
			}
			if len(one.AnyOf) > 0 && len(one.AnyOf) <= 8 {
				found = append(found, one)
				fill()
				progress = true
				break
			}
		}
		if !progress {
			break
		}
	}
	return found
}

func fillings(v reflect.Value) []reflect.Value {
	found := []reflect.Value{}
	add := func(set func(reflect.Value)) {
		made := reflect.New(v.Type()).Elem()
		set(made)
		found = append(found, made)
	}
	switch v.Kind() {
	case reflect.String:
		for _, text := range []string{"localhost:4317", "http://localhost:4318", "x", "/tmp/x"} {
			add(func(made reflect.Value) { made.SetString(text) })
		}
	case reflect.Slice:
		add(func(made reflect.Value) { made.Set(reflect.MakeSlice(v.Type(), 1, 1)) })
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		for _, number := range []int64{1, 100, 1000000000} {
			if !v.OverflowInt(number) {
				add(func(made reflect.Value) { made.SetInt(number) })
			}
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		add(func(made reflect.Value) { made.SetUint(1) })
		add(func(made reflect.Value) { made.SetUint(100) })
	case reflect.Float32, reflect.Float64:
		add(func(made reflect.Value) { made.SetFloat(1) })
	case reflect.Bool:
		add(func(made reflect.Value) { made.SetBool(true) })
	}
	return found
}

// literals are the texts that the sources of a package hold: all that its types can take by name.
func literals(pkg string) []string {
	dir, err := exec.Command("go", "list", "-mod=mod", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil
	}
	found := []string{}
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil || strings.HasSuffix(file, "_test.go") {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && len(text) < 60 {
					found = append(found, text)
				}
			}
			return true
		})
	}
	return found
}

// choices notes which words a text is one of, where it is not any text at all.
func choices(ty reflect.Type, node map[string]any) {
	accept := func(text string) (err error) {
		defer func() {
			if recover() != nil {
				err = nil
			}
		}()
		return reflect.New(ty).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	const odd = "zz-nonsense"
	refused := accept(odd)
	if refused == nil {
		return
	}
	taken := []string{}
	for _, word := range literals(ty.PkgPath()) {
		if len(word) > 0 && !strings.ContainsAny(word[:1], "0123456789") && accept(word) == nil && !slices.Contains(taken, word) {
			taken = append(taken, word)
		}
	}
	// Those that take words in general, as an id does, are not a choice.
	if len(taken) == 0 || accept("word") == nil {
		return
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	node["of"] = taken
	node["says"] = strings.ReplaceAll(refused.Error(), odd, "%s")
	node["empty"] = accept("") == nil
	folds := true
	for _, word := range taken {
		folds = folds && accept(strings.ToUpper(word)) == nil
	}
	node["fold"] = folds
	if folds {
		for i := range taken {
			taken[i] = strings.ToLower(taken[i])
		}
		slices.Sort(taken)
		node["of"] = slices.Compact(taken)
	}
}

// isStrict tells whether a type with an Unmarshal of its own refuses a key that it does not know.
func isStrict(ty reflect.Type) (strict bool) {
	defer func() {
		if recover() != nil {
			strict = false
		}
	}()
	conf := confmap.NewFromStringMap(map[string]any{"zz_nonsense": 1})
	err := reflect.New(ty).Interface().(confmap.Unmarshaler).Unmarshal(conf)
	return err != nil && strings.Contains(err.Error(), "invalid keys")
}
