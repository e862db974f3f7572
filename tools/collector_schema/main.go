// Prints what the configurations of a Collector's components look like, found by reflection on the
// defaults of their factories, and what their Validate says of values that are tried on them.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

type entry struct {
	section string
	factory component.Factory
}

var entries []entry

func add(section string, f component.Factory) {
	entries = append(entries, entry{section, f})
}

func main() {
	addAll()
	out := newTable()
	result := map[string]map[string]any{}
	for _, e := range entries {
		if result[e.section] == nil {
			result[e.section] = map[string]any{}
		}
		node := map[string]any{"config": out.root(e.factory.CreateDefaultConfig()), "signals": signals(e.factory)}
		result[e.section][e.factory.Type().String()] = node
		if holder, ok := e.factory.(interface{ DeprecatedAlias() component.Type }); ok && holder.DeprecatedAlias().String() != "" {
			result[e.section][holder.DeprecatedAlias().String()] = node
		}
	}
	tele := out.root(otelconftelemetry.NewFactory().CreateDefaultConfig())
	b, err := json.Marshal(map[string]any{"components": result, "telemetry": tele, "nodes": out.nodes})
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(os.Args[1], b, 0o644); err != nil {
		panic(err)
	}
}

// signals lists what a factory makes components for: traces, or traces:metrics of a connector.
func signals(factory component.Factory) []string {
	found := []string{}
	v := reflect.ValueOf(factory)
	names := []string{"Traces", "Metrics", "Logs", "Profiles"}
	note := func(method, text string) {
		if m := v.MethodByName(method + "Stability"); m.IsValid() && m.Type().NumIn() == 0 {
			if level := m.Call(nil)[0]; level.CanInt() && level.Int() != 0 {
				found = append(found, text)
			}
		}
	}
	for _, one := range names {
		note(one, strings.ToLower(one))
		for _, other := range names {
			note(one+"To"+other, strings.ToLower(one+":"+other))
		}
	}
	return found
}
