package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// impostor serves TLS with a key that nobody vouches for.
func impostor(flags *flag.FlagSet) func(context.Context, io.Writer) error {
	listen := flags.String("listen", ":8443", "`address` to take connections on")
	return func(ctx context.Context, out io.Writer) error {
		certificate, err := ownCertificate()
		if err != nil {
			return err
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tellRequest(out, w, r) }),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.New(out, "impostor: ", 0),
			TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				fmt.Fprintln(out, "impostor: somebody shakes hands")
				return certificate, nil
			}},
		}
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		fmt.Fprintln(out, "impostor: listening on", listener.Addr())
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

// tellRequest says what came and whether it had a token, but not which.
func tellRequest(out io.Writer, w http.ResponseWriter, r *http.Request) {
	with := "without a token"
	if r.Header.Get("Authorization") != "" {
		with = "with a token"
	}
	fmt.Fprintf(out, "impostor: %s %s %s\n", r.Method, r.URL.Path, with)
	w.WriteHeader(http.StatusTeapot)
}

// ownCertificate makes a key and signs a certificate for it with itself.
func ownCertificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
