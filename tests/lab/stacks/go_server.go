// An OTLP backend of Go's standard library alone: net/http, with HTTP/2, over crypto/tls.
//
// It prints its port and answers every request with an empty Export response. Go has no check of
// revocation lists, and takes its time of day without libc: -ahead moves what crypto/tls sees.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

var takesGRPC bool

var groups = map[string]tls.CurveID{
	"X25519MLKEM768":     tls.X25519MLKEM768,
	"SecP256r1MLKEM768":  tls.SecP256r1MLKEM768,
	"SecP384r1MLKEM1024": tls.SecP384r1MLKEM1024,
}

func main() {
	version := flag.String("tls", "1.3", "the only version")
	certFile := flag.String("cert", "", "its certificate and the intermediates behind it")
	keyFile := flag.String("key", "", "its key")
	clientCAFile := flag.String("client-ca", "", "demand a certificate of these authorities")
	ahead := flag.Duration("ahead", 0, "how far its clock is ahead")
	address := flag.String("listen", "127.0.0.1:0", "where it listens")
	group := flag.String("group", "", "the only key exchange group, by crypto/tls's name")
	takesAny := flag.Bool("any", false, "name the authorities, and take any certificate")
	flag.BoolVar(&takesGRPC, "grpc", false, "take OTLP over gRPC too, on the same port")
	refusesNames := flag.Bool("refuse-names", false, "refuse every client by its name")
	flag.Parse()

	settings := &tls.Config{
		MinVersion: versions[*version],
		MaxVersion: versions[*version],
		Time:       func() time.Time { return time.Now().Add(*ahead) },
	}
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
		if *takesAny {
			settings.ClientAuth = tls.RequireAnyClientCert
		}
	}
	if *group != "" {
		settings.CurvePreferences = []tls.CurveID{groups[*group]}
	}
	if *refusesNames {
		settings.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error {
			return errors.New("this client's name is not allowed")
		}
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	backend := http.Server{
		TLSConfig: settings,
		Handler:   http.HandlerFunc(takeExport),
	}
	log.Fatal(backend.ServeTLS(listener, *certFile, *keyFile))
}

// takeExport answers with an empty Export response, in the protocol of the request.
func takeExport(answer http.ResponseWriter, request *http.Request) {
	if !takesGRPC || !strings.HasPrefix(request.Header.Get("Content-Type"), "application/grpc") {
		answer.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	answer.Header().Set("Content-Type", "application/grpc")
	answer.Header().Set("Trailer", "Grpc-Status")
	_, _ = answer.Write(make([]byte, 5))
	answer.Header().Set("Grpc-Status", "0")
}
