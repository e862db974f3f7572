// Reads one object of the Prometheus operator as JSON from standard input into the operator's own
// Go type; a key that the type does not have is an error, as it is for kubectl's strict validation.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

func check(input io.Reader) error {
	raw, err := io.ReadAll(input)
	if err != nil {
		return err
	}
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if head.APIVersion != monitoring.SchemeGroupVersion.String() {
		return fmt.Errorf("apiVersion is %q", head.APIVersion)
	}
	objects := map[string]any{
		monitoring.PodMonitorsKind:     &monitoring.PodMonitor{},
		monitoring.PrometheusRuleKind:  &monitoring.PrometheusRule{},
		monitoring.ProbesKind:          &monitoring.Probe{},
		monitoring.ServiceMonitorsKind: &monitoring.ServiceMonitor{},
	}
	object, known := objects[head.Kind]
	if !known {
		return fmt.Errorf("kind is %q", head.Kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(object)
}

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
