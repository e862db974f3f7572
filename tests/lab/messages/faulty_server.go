// The backends of the laboratory of messages: one listener per fault, in one process.
//
// It reads a JSON list of listeners, prints "NAME PORT" for each and then what net/http logs, each
// line behind its listener's name: that is the backend's side of the same fault.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

type listener struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // https, plain, plain_h2, closed, closed_hello, reset, silent
	Cert     string   `json:"cert"`
	Key      string   `json:"key"`
	ClientCA string   `json:"client_ca"`
	Min      uint16   `json:"min"`
	Max      uint16   `json:"max"`
	ALPN     []string `json:"alpn"`
	Ciphers  []uint16 `json:"ciphers"`
}

// named writes each line behind the listener's name.
type named string

func (name named) Write(text []byte) (int, error) {
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		fmt.Printf("%s\t%s\n", string(name), line)
	}
	return len(text), nil
}

func main() {
	var all []listener
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		log.Fatal(err)
	}
	for _, one := range all {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %d\n", one.Name, socket.Addr().(*net.TCPAddr).Port)
		go serve(one, socket)
	}
	fmt.Println("ready 0")
	select {}
}

func serve(one listener, socket net.Listener) {
	lines := log.New(named(one.Name), "", log.LstdFlags)
	if one.Kind == "https" || one.Kind == "plain" {
		server := http.Server{
			Handler:           http.HandlerFunc(takeExport),
			ErrorLog:          lines,
			ReadHeaderTimeout: 20 * time.Second,
		}
		if one.Kind == "plain" {
			log.Fatal(server.Serve(socket))
		}
		server.TLSConfig = settings(one)
		if one.ALPN != nil {
			// net/http adds its own protocols to the list; a listener of crypto/tls does not.
			serveOnly(&server, one, socket)
		}
		log.Fatal(server.ServeTLS(socket, "", ""))
	}
	for {
		connection, err := socket.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go speak(one.Kind, connection.(*net.TCPConn))
	}
}

// serveOnly offers exactly the protocols of the list, and closes a connection that chose none.
func serveOnly(server *http.Server, one listener, socket net.Listener) {
	config := settings(one)
	config.NextProtos = one.ALPN
	if one.ALPN[0] == "h2" {
		log.Fatal(server.ServeTLS(closing{socket, config, server.ErrorLog}, "", ""))
	}
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	log.Fatal(server.Serve(tls.NewListener(socket, config)))
}

// closing accepts what speaks h2 alone, as grpc-go does, and answers nothing over it.
type closing struct {
	net.Listener
	config *tls.Config
	lines  *log.Logger
}

func (own closing) Accept() (net.Conn, error) {
	for {
		connection, err := own.Listener.Accept()
		if err != nil {
			return nil, err
		}
		go func() {
			secured := tls.Server(connection, own.config)
			if err := secured.Handshake(); err != nil {
				own.lines.Printf("http: TLS handshake error from %s: %v", connection.RemoteAddr(), err)
			} else if secured.ConnectionState().NegotiatedProtocol == "h2" {
				_, _ = secured.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
				_, _ = io.Copy(io.Discard, secured)
			}
			_ = secured.Close()
		}()
	}
}

func settings(one listener) *tls.Config {
	pair, err := tls.LoadX509KeyPair(one.Cert, one.Key)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(one.ClientCA)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
		MinVersion:   one.Min,
		MaxVersion:   one.Max,
		CipherSuites: one.Ciphers,
	}
}

// takeExport answers with an empty Export response, in the protocol of the request.
func takeExport(answer http.ResponseWriter, request *http.Request) {
	_, _ = io.Copy(io.Discard, request.Body)
	if !strings.HasPrefix(request.Header.Get("Content-Type"), "application/grpc") {
		answer.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	answer.Header().Set("Content-Type", "application/grpc")
	answer.Header().Set("Trailer", "Grpc-Status")
	_, _ = answer.Write(make([]byte, 5))
	answer.Header().Set("Grpc-Status", "0")
}

// speak is what a listener does that is no HTTP server at all.
func speak(kind string, connection *net.TCPConn) {
	defer connection.Close()
	switch kind {
	case "plain_h2":
		_, _ = connection.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
		_, _ = io.Copy(io.Discard, connection)
	case "closed_hello":
		_, _ = bufio.NewReader(connection).ReadByte()
		_ = connection.CloseWrite()
		_ = connection.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, connection)
	case "reset":
		_, _ = bufio.NewReader(connection).ReadByte()
		_ = connection.SetLinger(0)
	case "silent":
		_, _ = io.Copy(io.Discard, connection)
	}
}
