package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"go.opentelemetry.io/collector/confmap"
)

type table struct {
	nodes []any
	index map[string]int
}

func newTable() *table { return &table{index: map[string]int{}} }

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	unmType      = reflect.TypeFor[confmap.Unmarshaler]()
	validType    = reflect.TypeFor[interface{ Validate() error }]()
	durationType = reflect.TypeFor[time.Duration]()
)

func (t *table) put(node map[string]any) int {
	b, err := json.Marshal(node)
	if err != nil {
		panic(err)
	}
	if i, ok := t.index[string(b)]; ok {
		return i
	}
	t.nodes = append(t.nodes, node)
	t.index[string(b)] = len(t.nodes) - 1
	return len(t.nodes) - 1
}

func (t *table) root(cfg any) int {
	v := reflect.ValueOf(cfg)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	p := reflect.New(v.Type()).Elem()
	p.Set(v)
	current, baseline = p, nil
	baseline = complaints()
	defer func() { current = reflect.Value{} }()
	leaves = nil
	depth = 0
	node := t.walk(p.Type(), p, nil)
	needs := findNeeds()
	if len(needs) == 0 {
		return node
	}
	return t.put(map[string]any{"k": "needs", "e": node, "needs": needs})
}

// plain tells whether a type decodes as its fields say, though it has an Unmarshal of its own.
func plain(ty reflect.Type) bool {
	return strings.HasPrefix(ty.PkgPath(), "go.opentelemetry.io/collector/") ||
		strings.HasSuffix(ty.PkgPath(), "/exporter/fileexporter") ||
		strings.HasSuffix(ty.PkgPath(), "/internal/healthcheck") ||
		strings.HasSuffix(ty.PkgPath(), "/pkg/kafka/configkafka")
}

// opaque is a type whose own Unmarshal decides: at most the names of its keys are known.
func (t *table) opaque(ty reflect.Type) map[string]any {
	if ty.Kind() != reflect.Struct || !isStrict(ty) {
		return map[string]any{"k": "any"}
	}
	fields := map[string]any{}
	t.fields(ty, reflect.Value{}, []reflect.Type{ty}, fields, map[string]any{})
	for key := range fields {
		fields[key] = t.put(map[string]any{"k": "any"})
	}
	return map[string]any{"k": "struct", "t": name(ty), "f": fields}
}

func name(ty reflect.Type) string {
	s := ty.String()
	if i := strings.Index(s, "["); i > 0 {
		s = s[:i]
	}
	return s
}

func (t *table) walk(ty reflect.Type, v reflect.Value, stack []reflect.Type) int {
	for _, s := range stack {
		if s == ty && ty.Kind() == reflect.Struct {
			return t.put(map[string]any{"k": "any", "t": name(ty)})
		}
	}
	if len(stack) > 40 {
		return t.put(map[string]any{"k": "any"})
	}
	stack = append(stack, ty)
	pt := reflect.PointerTo(ty)
	node := map[string]any{}
	if ty.Name() != "" && ty.PkgPath() != "" {
		if ty.Implements(validType) || pt.Implements(validType) {
			node["v"] = name(ty)
		}
		if pt.Implements(unmType) && !strings.HasPrefix(ty.Name(), "Optional[") {
			if !plain(ty) {
				return t.put(t.opaque(ty))
			}
			node["u"] = name(ty)
		}
	}
	if ty == durationType {
		node["k"] = "dur"
		bounds(v, node)
		if v.IsValid() {
			node["d"] = time.Duration(v.Int()).String()
		}
		return t.put(node)
	}
	if strings.HasPrefix(ty.Name(), "Optional[") {
		f, _ := ty.FieldByName("value")
		node["k"] = "opt"
		delete(node, "v")
		var inner reflect.Value
		if v.IsValid() {
			flavor := v.FieldByName("flavor").Int()
			if flavor != 0 {
				inner = exposed(v, "value")
				if flavor != 2 {
					depth++
					defer func() { depth-- }()
				}
				held := exposed(v, "flavor")
				held.SetInt(2)
				defer held.SetInt(flavor)
			}
			node["d"] = flavor
		}
		node["e"] = t.walk(f.Type, inner, stack)
		return t.put(node)
	}
	if pt.Implements(textType) {
		node["k"] = "text"
		node["t"] = name(ty)
		node["b"] = ty.Kind().String()
		choices(ty, node)
		if v.IsValid() && ty.Kind() == reflect.String {
			node["d"] = v.String()
		} else if v.IsValid() {
			p := reflect.New(ty)
			p.Elem().Set(v)
			if s, ok := p.Interface().(fmt.Stringer); ok {
				func() { defer func() { recover() }(); node["d"] = s.String() }()
			}
		}
		return t.put(node)
	}
	switch ty.Kind() {
	case reflect.Pointer:
		var inner reflect.Value
		if v.IsValid() && !v.IsNil() {
			inner = v.Elem()
		} else {
			node["d"] = nil
		}
		in := t.walk(ty.Elem(), inner, stack)
		node["k"], node["e"] = "ptr", in
	case reflect.Struct:
		node["k"] = "struct"
		node["t"] = name(ty)
		fields := map[string]any{}
		t.fields(ty, v, stack, fields, node)
		node["f"] = fields
	case reflect.Map:
		node["k"] = "map"
		if reflect.PointerTo(ty.Key()).Implements(textType) {
			node["key"] = name(ty.Key())
		}
		node["e"] = t.walk(ty.Elem(), reflect.Value{}, stack)
		if v.IsValid() && v.Len() > 0 {
			node["n"] = v.Len()
		}
	case reflect.Slice, reflect.Array:
		node["k"] = "list"
		node["e"] = t.walk(ty.Elem(), reflect.Value{}, stack)
		if v.IsValid() && v.Len() > 0 {
			node["n"] = v.Len()
		}
	case reflect.Interface, reflect.Func, reflect.Chan:
		node["k"] = "any"
	case reflect.String:
		node["k"] = "str"
		nonEmpty(v, node)
		if v.IsValid() && v.String() != "" {
			node["d"] = v.String()
		}
	case reflect.Bool:
		node["k"] = "bool"
		if v.IsValid() && v.Bool() {
			node["d"] = true
		}
	case reflect.Float32, reflect.Float64:
		node["k"] = "float"
		bounds(v, node)
		if v.IsValid() {
			node["d"] = v.Float()
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		node["k"], node["b"] = "int", ty.Bits()
		bounds(v, node)
		if v.IsValid() {
			node["d"] = v.Int()
		}
	default:
		node["k"], node["b"] = "uint", ty.Bits()
		bounds(v, node)
		if v.IsValid() {
			node["d"] = v.Uint()
		}
	}
	return t.put(node)
}

func exposed(v reflect.Value, field string) reflect.Value {
	if !v.CanAddr() {
		p := reflect.New(v.Type()).Elem()
		p.Set(v)
		v = p
	}
	f := v.FieldByName(field)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func (t *table) fields(ty reflect.Type, v reflect.Value, stack []reflect.Type, fields map[string]any, node map[string]any) {
	for i := 0; i < ty.NumField(); i++ {
		f := ty.Field(i)
		tag := strings.Split(f.Tag.Get("mapstructure"), ",")
		// The exported fields of an embedded struct are decoded, whatever its own name.
		if !f.IsExported() && !(f.Anonymous && len(tag) > 1) {
			continue
		}
		var fv reflect.Value
		if v.IsValid() {
			fv = v.Field(i)
		}
		squash, remain := false, false
		for _, p := range tag[1:] {
			squash = squash || p == "squash"
			remain = remain || p == "remain"
		}
		if tag[0] == "-" {
			continue
		}
		if remain {
			node["r"] = true
			continue
		}
		if squash {
			st, sv := f.Type, fv
			for st.Kind() == reflect.Pointer {
				st = st.Elem()
				if sv.IsValid() && !sv.IsNil() {
					sv = sv.Elem()
				} else {
					sv = reflect.Value{}
				}
			}
			if st.Kind() == reflect.Struct {
				if strings.HasPrefix(st.Name(), "Optional[") {
					panic("squashed optional")
				}
				if reflect.PointerTo(st).Implements(validType) {
					vs, _ := node["vs"].([]string)
					node["vs"] = append(vs, name(st))
				}
				if reflect.PointerTo(st).Implements(unmType) {
					vs, _ := node["us"].([]string)
					node["us"] = append(vs, name(st))
				}
				t.fields(st, sv, stack, fields, node)
				continue
			}
		}
		key := tag[0]
		if key == "" {
			key = f.Name
		}
		way = append(way, key)
		if fv.IsValid() && fv.CanSet() && depth == 0 {
			leaves = append(leaves, leaf{append([]string{}, way...), fv})
		}
		fields[key] = t.walk(f.Type, fv, stack)
		way = way[:len(way)-1]
	}
}
