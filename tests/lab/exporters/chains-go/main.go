// Judges server chains with Go's own TLS client: one case a line of JSON, one answer a line.
//
// A crypto/tls server sends whatever DER the case holds over net.Pipe. It needs no private key:
// its signature is junk, which the client notices only after it has judged the chain.
package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

type request struct {
	ID      string   `json:"id"`
	Chain   []string `json:"chain"`
	Anchors []string `json:"anchors"`
	Name    string   `json:"name"`
	At      int64    `json:"at"`
}

type answer struct {
	ID string `json:"id"`
	// ok: the client trusts the chain, and its key can verify a handshake.
	Outcome string `json:"outcome"`
	Text    string `json:"text"`
	// Kind is the type of Go's error.
	Kind string `json:"kind"`
	// Paths are the verified ones, each by SHA-256 of its certificates.
	Paths [][]string `json:"paths,omitempty"`
}

// junk signs nothing: what it returns is never valid.
type junk struct{ public crypto.PublicKey }

func (j junk) Public() crypto.PublicKey { return j.public }

func (j junk) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	if _, ok := j.public.(*rsa.PublicKey); ok {
		return make([]byte, 256), nil
	}
	if _, ok := j.public.(ed25519.PublicKey); ok {
		return make([]byte, ed25519.SignatureSize), nil
	}
	return asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(1), big.NewInt(1)})
}

// queued writes without waiting for its reader: both ends of a handshake may speak at once.
type queued struct {
	net.Conn
	out chan []byte
}

func queue(conn net.Conn) queued {
	made := queued{conn, make(chan []byte, 1000)}
	go func() {
		for data := range made.out {
			if _, err := conn.Write(data); err != nil {
				for range made.out {
				}
			}
		}
	}()
	return made
}

func (q queued) Write(data []byte) (int, error) {
	q.out <- bytes.Clone(data)
	return len(data), nil
}

var (
	onCurve  *ecdsa.PublicKey
	withRSA  *rsa.PublicKey
	poolText = map[string]*x509.CertPool{}
)

func main() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	onCurve = &key.PublicKey
	modulus := new(big.Int).Lsh(big.NewInt(1), 2047)
	withRSA = &rsa.PublicKey{N: modulus.Add(modulus, big.NewInt(1)), E: 65537}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "{\"versions\":{\"go\":%q}}\n", runtime.Version())
	out.Flush()
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 1 {
			var asked request
			if err := json.Unmarshal(line, &asked); err != nil {
				panic(err)
			}
			encoded, err := json.Marshal(judge(asked))
			if err != nil {
				panic(err)
			}
			out.Write(append(encoded, '\n'))
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func decode(texts []string) [][]byte {
	var found [][]byte
	for _, text := range texts {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			panic(err)
		}
		found = append(found, der)
	}
	return found
}

// pool loads anchors as a ca_file is loaded.
func pool(texts []string) *x509.CertPool {
	key := strings.Join(texts, " ")
	if known, ok := poolText[key]; ok {
		return known
	}
	made := x509.NewCertPool()
	for _, der := range decode(texts) {
		made.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	if len(poolText) > 200 {
		poolText = map[string]*x509.CertPool{}
	}
	poolText[key] = made
	return made
}

// choose returns who signs for a leaf, and a version of TLS in which its key may be used.
func choose(der []byte) (junk, uint16) {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return junk{onCurve}, tls.VersionTLS13
	}
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.Size() < 2*sha256.Size+2 {
			return junk{withRSA}, tls.VersionTLS12
		}
		return junk{key}, tls.VersionTLS13
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return junk{key}, tls.VersionTLS12
		}
		return junk{key}, tls.VersionTLS13
	case ed25519.PublicKey:
		return junk{key}, tls.VersionTLS13
	}
	return junk{onCurve}, tls.VersionTLS13
}

func judge(asked request) answer {
	chain := decode(asked.Chain)
	signer, version := choose(chain[0])
	given := answer{ID: asked.ID}
	near, far := net.Pipe()
	ours, theirs := queue(near), queue(far)
	server := tls.Server(theirs, &tls.Config{
		MinVersion:   version,
		MaxVersion:   version,
		Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: signer}},
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Handshake()
	}()
	trusted := false
	client := tls.Client(ours, &tls.Config{
		RootCAs:            pool(asked.Anchors),
		ServerName:         asked.Name,
		Time:               func() time.Time { return time.Unix(asked.At, 0).UTC() },
		InsecureSkipVerify: false,
		VerifyConnection: func(state tls.ConnectionState) error {
			trusted = true
			for _, path := range state.VerifiedChains {
				var names []string
				for _, one := range path {
					sum := sha256.Sum256(one.Raw)
					names = append(names, hex.EncodeToString(sum[:]))
				}
				given.Paths = append(given.Paths, names)
			}
			return nil
		},
	})
	err := client.Handshake()
	near.Close()
	<-done
	far.Close()
	close(ours.out)
	close(theirs.out)
	if err == nil {
		panic("the junk signature was taken")
	}
	given.Text = err.Error()
	given.Kind = kind(err)
	if trusted && isJunk(given.Text) {
		given.Outcome, given.Text, given.Kind = "ok", "", ""
		return given
	}
	given.Paths = nil
	given.Outcome = "refused"
	return given
}

// isJunk reports whether the text is only about the signature, which is ours.
func isJunk(text string) bool {
	if !strings.HasPrefix(text, "tls: invalid signature by the server certificate") {
		return false
	}
	for _, fault := range []string{"insecure", "modulus", "exponent"} {
		if strings.Contains(text, fault) {
			return false
		}
	}
	return true
}

func kind(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var critical x509.UnhandledCriticalExtension
	switch {
	case errors.As(err, &invalid):
		return fmt.Sprintf("invalid %d", invalid.Reason)
	case errors.As(err, &host):
		return "hostname"
	case errors.As(err, &unknown):
		return "unknown authority"
	case errors.As(err, &critical):
		return "critical extension"
	}
	return "other"
}
