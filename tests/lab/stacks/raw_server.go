// Serves a certificate that no library would read: Go sends the bytes as they are.
package main

import (
	"crypto/tls"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
)

func read(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return block.Bytes
}

func main() {
	certFile := flag.String("cert", "", "the certificate, PEM, not parsed")
	keyFile := flag.String("key", "", "its key and any certificate of that key, PEM")
	flag.Parse()
	pair, err := tls.LoadX509KeyPair(*keyFile, *keyFile)
	if err != nil {
		log.Fatal(err)
	}
	pair.Certificate, pair.Leaf = [][]byte{read(*certFile)}, nil
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequestClientCert,
		NextProtos:   []string{"h2"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("port", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(io.Discard, connection)
			_ = connection.Close()
		}()
	}
}
