// An OTLP backend that demands a client certificate of one authority and takes every export.
//
// OTLP over gRPC and over HTTP share its port: crypto/tls and net/http, nothing else. It prints the
// port, and ends when its standard input does.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	certFile := flag.String("cert", "", "its certificate and the intermediates behind it")
	keyFile := flag.String("key", "", "its key")
	clientCAFile := flag.String("client-ca", "", "demand a certificate of these authorities")
	flag.Parse()

	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if *clientCAFile != "" {
		pem, err := os.ReadFile(*clientCAFile)
		if err != nil {
			log.Fatal(err)
		}
		settings.ClientCAs = x509.NewCertPool()
		if !settings.ClientCAs.AppendCertsFromPEM(pem) {
			log.Fatalf("no certificate in %s", *clientCAFile)
		}
		settings.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	backend := http.Server{
		TLSConfig: settings,
		Handler:   http.HandlerFunc(takeExport),
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	log.Fatal(backend.ServeTLS(listener, *certFile, *keyFile))
}

// takeExport answers with an empty Export response, in the protocol of the request.
func takeExport(answer http.ResponseWriter, request *http.Request) {
	_, _ = io.Copy(io.Discard, io.LimitReader(request.Body, 1<<20))
	if !strings.HasPrefix(request.Header.Get("Content-Type"), "application/grpc") {
		answer.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	answer.Header().Set("Content-Type", "application/grpc")
	answer.Header().Set("Trailer", "Grpc-Status")
	_, _ = answer.Write([]byte{0, 0, 0, 0, 0})
	answer.Header().Set("Grpc-Status", "0")
}
