// Command chains-server serves certificate chains that no ordinary server would send.
//
// It reads cases as JSON lines ({"id", "chain": [base64 DER], "key": base64 PKCS #8 or PEM,
// "anchors": [base64 DER], "name"}), opens a port for each, and writes the case without its chain
// and key, with the port. A client reads that from a pipe and connects: directly, or through the
// port taken as an HTTP proxy (CONNECT), so that any name can be asked for. The DER is sent as it
// is: nothing here parses it. HTTP/1.1 and gRPC over HTTP/2 are answered with success.
package main

import (
	"bufio"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// A client may read ahead of what it connects to.
	waitingPorts = 100
	// Ports of older cases are closed.
	openPorts = 1000
)

// What tells that the client has come to its end.
var unused, lastAccepted atomic.Int64

type testCase struct {
	ID      string   `json:"id"`
	Chain   []string `json:"chain,omitempty"`
	Key     string   `json:"key,omitempty"`
	Anchors []string `json:"anchors"`
	Name    string   `json:"name"`
	Port    int      `json:"port"`
}

// handshaken hands connections of every port to one HTTP server.
type handshaken struct{ connections chan net.Conn }

func (h handshaken) Accept() (net.Conn, error) { return <-h.connections, nil }
func (h handshaken) Close() error              { return nil }
func (h handshaken) Addr() net.Addr            { return &net.TCPAddr{} }

// peeked is a connection whose first bytes have been looked at.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p peeked) Read(into []byte) (int, error) { return p.reader.Read(into) }

func readKey(text string) (crypto.PrivateKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil, err
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS8PrivateKey(der)
}

func serverCertificate(c testCase) (tls.Certificate, error) {
	var certificate tls.Certificate
	for _, each := range c.Chain {
		der, err := base64.StdEncoding.DecodeString(each)
		if err != nil {
			return certificate, err
		}
		certificate.Certificate = append(certificate.Certificate, der)
	}
	key, err := readKey(c.Key)
	certificate.PrivateKey = key
	return certificate, err
}

// unwrapProxy returns the connection as a TLS server sees it, after CONNECT where a client sends that.
func unwrapProxy(conn net.Conn) (net.Conn, error) {
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	reader := bufio.NewReader(conn)
	first, err := reader.Peek(1)
	if err != nil {
		return nil, err
	}
	if first[0] == 'C' {
		for line := "-"; strings.TrimSpace(line) != ""; {
			if line, err = reader.ReadString('\n'); err != nil {
				return nil, err
			}
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
			return nil, err
		}
	}
	return peeked{conn, reader}, nil
}

func accept(listener net.Listener, config *tls.Config, out chan<- net.Conn) {
	for first := true; ; first = false {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		lastAccepted.Store(time.Now().UnixNano())
		if first {
			unused.Add(-1)
		}
		go func() {
			inner, err := unwrapProxy(conn)
			if err != nil {
				conn.Close()
				return
			}
			out <- tls.Server(inner, config)
		}()
	}
}

// waitForClient lets the client catch up; it need not connect to every port.
func waitForClient() {
	for unused.Load() > waitingPorts && time.Since(time.Unix(0, lastAccepted.Load())) < 2*time.Second {
		time.Sleep(time.Millisecond)
	}
	if unused.Load() > waitingPorts {
		unused.Store(0)
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.Write(make([]byte, 5))
		w.Header().Set("Grpc-Status", "0")
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func main() {
	connections := make(chan net.Conn)
	server := &http.Server{Handler: http.HandlerFunc(answer), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(handshaken{connections})
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	var open []net.Listener
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 1 {
			var c testCase
			if err := json.Unmarshal(line, &c); err != nil {
				log.Fatalf("not a case: %v", err)
			}
			certificate, err := serverCertificate(c)
			if err != nil {
				log.Printf("%s: %v", c.ID, err) // a key that Go does not have
				continue
			}
			waitForClient()
			listener, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				log.Fatal(err)
			}
			if open = append(open, listener); len(open) > openPorts {
				open[0].Close()
				open = open[1:]
			}
			config := &tls.Config{
				Certificates:           []tls.Certificate{certificate},
				NextProtos:             []string{"h2", "http/1.1"},
				SessionTicketsDisabled: true,
			}
			unused.Add(1)
			lastAccepted.Store(time.Now().UnixNano())
			go accept(listener, config, connections)
			c.Port, c.Chain, c.Key = listener.Addr().(*net.TCPAddr).Port, nil, ""
			text, _ := json.Marshal(c)
			fmt.Fprintf(output, "%s\n", text)
			output.Flush()
		}
		if err != nil {
			break
		}
	}
	os.Stdout.Close()
	// The client is still reading what the pipe holds.
	for begin := time.Now(); time.Since(begin) < 10*time.Minute; time.Sleep(200 * time.Millisecond) {
		quiet := time.Since(time.Unix(0, lastAccepted.Load()))
		if quiet > 15*time.Second || (unused.Load() <= 0 && quiet > 2*time.Second) {
			break
		}
	}
}
