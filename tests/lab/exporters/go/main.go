// The Collector's own clients and the Go SDK's exporters, answering cases (../README.md).
//
// Its argument names the exporter: collector, collector-http, go-grpc or go-http.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
)

const exportTimeout = 5 * time.Second

type fileCase struct {
	ID       string `json:"id"`
	Cert     string `json:"cert"`
	Key      string `json:"key"`
	CA       string `json:"ca"`
	Endpoint string `json:"endpoint"`
}

type answer struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"`
	Text    string `json:"text"`
}

// logged collects what the SDK reports while it reads its settings: it goes on all the same.
var logged struct {
	sync.Mutex
	lines []string
}

var exporters = map[string]func(fileCase) (outcome string, text string){
	"collector":      exportOverConfiggrpc,
	"collector-http": exportOverConfighttp,
	"go-grpc":        func(one fileCase) (string, string) { return exportBySDK(one, grpcClient) },
	"go-http":        func(one fileCase) (string, string) { return exportBySDK(one, httpClient) },
}

func main() {
	export, known := exporters[os.Args[1]]
	if !known {
		panic("unknown exporter " + os.Args[1])
	}
	otel.SetLogger(funcr.New(func(_, arguments string) {
		logged.Lock()
		defer logged.Unlock()
		if strings.Contains(arguments, `"error"=`) {
			logged.lines = append(logged.lines, arguments)
		}
	}, funcr.Options{}))
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(map[string]any{"versions": versions()})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one fileCase
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		outcome, text := export(one)
		_ = out.Encode(answer{one.ID, outcome, text})
	}
}

func versions() map[string]string {
	found := map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")}
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		for _, part := range []string{"config/configgrpc", "config/confighttp", "config/configtls",
			"otlptracegrpc", "otlptracehttp", "google.golang.org/grpc"} {
			if strings.HasSuffix(module.Path, part) {
				found[module.Path] = strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return found
}

func settings(one fileCase) configtls.ClientConfig {
	made := configtls.NewDefaultClientConfig()
	made.CAFile, made.CertFile, made.KeyFile = one.CA, one.Cert, one.Key
	return made
}

func exportOverConfiggrpc(one fileCase) (string, string) {
	ctx, cancel := context.WithTimeout(context.Background(), exportTimeout)
	defer cancel()
	config := configgrpc.NewDefaultClientConfig()
	config.Endpoint, config.TLS = one.Endpoint, settings(one)
	connection, err := config.ToClientConn(ctx, nil, componenttest.NewNopTelemetrySettings())
	if err != nil {
		return "load", err.Error()
	}
	defer connection.Close()
	client := collectortrace.NewTraceServiceClient(connection)
	if _, err := client.Export(ctx, &collectortrace.ExportTraceServiceRequest{}); err != nil {
		return "connect", err.Error()
	}
	return "ok", ""
}

func exportOverConfighttp(one fileCase) (string, string) {
	ctx, cancel := context.WithTimeout(context.Background(), exportTimeout)
	defer cancel()
	config := confighttp.NewDefaultClientConfig()
	config.Endpoint, config.TLS = one.Endpoint, settings(one)
	client, err := config.ToClient(ctx, nil, componenttest.NewNopTelemetrySettings())
	if err != nil {
		return "load", err.Error()
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, one.Endpoint+"/v1/traces",
		bytes.NewReader(nil))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := client.Do(request)
	if err != nil {
		return "connect", err.Error()
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return "fail", response.Status
	}
	return "ok", ""
}

func grpcClient() otlptrace.Client {
	return otlptracegrpc.NewClient(otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
}

func httpClient() otlptrace.Client {
	return otlptracehttp.NewClient(otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
}

// exportBySDK sets the variables that the SDK reads, and lets it make its client from them.
func exportBySDK(one fileCase, makeClient func() otlptrace.Client) (string, string) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":           one.Endpoint,
		"OTEL_EXPORTER_OTLP_CERTIFICATE":        one.CA,
		"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": one.Cert,
		"OTEL_EXPORTER_OTLP_CLIENT_KEY":         one.Key,
	} {
		if value == "" {
			os.Unsetenv(name)
		} else {
			os.Setenv(name, value)
		}
	}
	logged.Lock()
	logged.lines = nil
	logged.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), exportTimeout)
	defer cancel()
	client := makeClient()
	logged.Lock()
	refused := strings.Join(logged.lines, "\n")
	logged.Unlock()
	if err := client.Start(ctx); err != nil {
		return "load", join(refused, err)
	}
	defer client.Stop(context.Background())
	err := client.UploadTraces(ctx, oneSpan())
	switch {
	case err == nil:
		return "ok", refused
	case refused != "":
		return "load", join(refused, err)
	default:
		return "connect", err.Error()
	}
}

func join(refused string, err error) string {
	return strings.TrimSpace(fmt.Sprintf("%s\n%s", refused, err))
}
