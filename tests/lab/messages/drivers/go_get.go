// Go's net/http: go_get URL CA_FILE [CERT_FILE KEY_FILE]
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	arguments := os.Args[1:]
	pem, err := os.ReadFile(arguments[1])
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if len(arguments) > 2 {
		pair, err := tls.LoadX509KeyPair(arguments[2], arguments[3])
		if err != nil {
			log.Fatal(err)
		}
		// Whatever the backend says it would accept.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 5 * time.Second}
	answer, err := client.Post(arguments[0], "application/json", strings.NewReader("{}"))
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode != 200 {
		log.Fatal(answer.Status)
	}
}
