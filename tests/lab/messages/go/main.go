// Go clients and a grpc-go server that print what they print by themselves:
//
//	messages http|grpc|sdk-http|sdk-grpc ENDPOINT CERT KEY CA
//	messages serve-grpc ADDRESS CERT KEY CA 12|13
//
// OLD_TLS=1 lets a client offer TLS 1.0 and 1.1 alone. What grpc-go logs is chosen by GRPC_GO_LOG_SEVERITY_LEVEL, as everywhere.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

const (
	patience      = 4 * time.Second
	exportTimeout = 2 * time.Second // within which the SDK tries again
)

func main() {
	if os.Args[1] == "serve-grpc" {
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6])
	}
	endpoint, cert, key, ca := os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch os.Args[1] {
	case "http":
		post(ctx, endpoint, clientSettings(cert, key, ca))
	case "grpc":
		call(ctx, endpoint, clientSettings(cert, key, ca))
	default:
		_ = os.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		_ = os.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)
		if cert != "" {
			_ = os.Setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", cert)
			_ = os.Setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", key)
		}
		exportSpan(ctx, os.Args[1])
	}
}

func clientSettings(cert, key, ca string) *tls.Config {
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatalf("failed to read CA: %v", err)
	}
	settings := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS10}
	if os.Getenv("OLD_TLS") != "" {
		settings.MaxVersion = tls.VersionTLS11
	}
	if !settings.RootCAs.AppendCertsFromPEM(pem) {
		log.Fatal("failed to append certificate to the cert pool")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			log.Fatalf("failed to load key pair: %v", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings
}

func post(ctx context.Context, endpoint string, settings *tls.Config) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"v1/traces", bytes.NewReader(nil))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := client.Do(request)
	if err != nil {
		log.Fatalf("failed to export: %v", err)
	}
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		log.Fatalf("failed to export: %s: %s", response.Status, text)
	}
}

func call(ctx context.Context, endpoint string, settings *tls.Config) {
	address, _ := url.Parse(endpoint)
	connection, err := grpc.NewClient(address.Host, grpc.WithTransportCredentials(credentials.NewTLS(settings)))
	if err != nil {
		log.Fatal(err)
	}
	client := collectortrace.NewTraceServiceClient(connection)
	if _, err := client.Export(ctx, &collectortrace.ExportTraceServiceRequest{}); err != nil {
		log.Fatalf("failed to export: %v", err)
	}
}

func exportSpan(ctx context.Context, kind string) {
	var made *otlptrace.Exporter
	var err error
	if kind == "sdk-grpc" {
		made, err = otlptracegrpc.New(ctx, otlptracegrpc.WithTimeout(exportTimeout))
	} else {
		made, err = otlptracehttp.New(ctx, otlptracehttp.WithTimeout(exportTimeout))
	}
	if err != nil {
		log.Fatalf("failed to create exporter: %v", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(made, trace.WithBatchTimeout(10*time.Millisecond)))
	_, span := provider.Tracer("example").Start(ctx, "operation")
	span.End()
	if err := provider.ForceFlush(ctx); err != nil {
		log.Printf("failed to flush: %v", err)
	}
}

type traces struct {
	collectortrace.UnimplementedTraceServiceServer
}

func (traces) Export(context.Context, *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	return &collectortrace.ExportTraceServiceResponse{}, nil
}

func serve(address, cert, key, ca, version string) {
	settings := clientSettings(cert, key, ca)
	settings.ClientCAs, settings.ClientAuth = settings.RootCAs, tls.RequireAndVerifyClientCert
	settings.MinVersion, settings.MaxVersion = tls.VersionTLS13, tls.VersionTLS13
	if version == "12" {
		settings.MinVersion, settings.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	}
	socket, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(settings)))
	collectortrace.RegisterTraceServiceServer(server, traces{})
	fmt.Println(socket.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.Serve(socket))
}
