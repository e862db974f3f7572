// Expands the templates of a Grafana-managed alert rule as Grafana does: with the expander of
// Prometheus, Grafana's option for what is missing, and the data that one evaluation leaves.
//
// With "prometheus": true it expands those of an alerting rule of Prometheus, as Prometheus does; each
// query of a template then finds one series, with an address, what changed, and the value 2.
//
// Standard input holds {"templates": {"name": "text"}, "labels": {…}, "values": {"A": 1.5}, "value": "…"};
// standard output gets {"name": {"text": "…"}}, or {"name": {"error": "…"}} where it cannot be expanded.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
)

// Labels and Value have the types, fields and names that Grafana's templates see.
type Labels map[string]string

type Value struct {
	Labels Labels
	Value  float64
}

type data struct {
	Labels Labels
	Values map[string]Value
	Value  string
}

type evaluation struct {
	Templates map[string]string  `json:"templates"`
	Labels    Labels             `json:"labels"`
	Values    map[string]float64 `json:"values"`
	Value     string             `json:"value"`

	Prometheus bool `json:"prometheus"`
}

type expanded struct {
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

// What Grafana puts before every template, and its option (pkg/services/ngalert/state/template).
const variables = "{{- $labels := .Labels -}}{{- $values := .Values -}}{{- $value := .Value -}}"

var options = []string{"missingkey=invalid"}

// Grafana has no queries within templates.
func noQuery(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }

func expand(name, text string, about data) expanded {
	expander := template.NewTemplateExpander(context.Background(), variables+text, "__alert_"+name, about, model.Now(), noQuery, &url.URL{}, options)
	result, err := expander.Expand()
	if err != nil {
		return expanded{Error: err.Error()}
	}
	return expanded{Text: result}
}

// What Prometheus puts before every template (rules/alerting.go).
const variablesOfPrometheus = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

func oneAddress(context.Context, string, time.Time) (promql.Vector, error) {
	return promql.Vector{promql.Sample{Metric: labels.FromStrings("address", "192.0.2.1", "what", "acceptable_cas"), F: 2}}, nil
}

func expandAsPrometheus(name, text string, of Labels, value float64) expanded {
	about := template.AlertTemplateData(of, nil, "http://prometheus:9090", promql.Sample{F: value})
	expander := template.NewTemplateExpander(context.Background(), variablesOfPrometheus+text, "__alert_"+name, about, model.Now(), oneAddress, &url.URL{}, nil)
	result, err := expander.Expand()
	if err != nil {
		return expanded{Error: err.Error()}
	}
	return expanded{Text: result}
}

func main() {
	var given evaluation
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	about := data{Labels: given.Labels, Values: map[string]Value{}, Value: given.Value}
	for name, value := range given.Values {
		about.Values[name] = Value{Labels: given.Labels, Value: value}
	}
	results := map[string]expanded{}
	for name, text := range given.Templates {
		if given.Prometheus {
			results[name] = expandAsPrometheus(name, text, given.Labels, given.Values["A"])
		} else {
			results[name] = expand(name, text, about)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
