package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAProxyProvesItself has readers named by a proxy that has a certificate, or
// a secret, and by one that has another authority's, or none.
func TestAProxyProvesItself(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t), newAuthority(t)
	caFile, secretFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "secret")
	certFile, keyFile := filepath.Join(dir, "hub.pem"), filepath.Join(dir, "hub.key")
	hubs := ours.issue(t, x509.ExtKeyUsageServerAuth)
	for file, data := range map[string][]byte{caFile: ours.pem, secretFile: []byte("a-secret-of-the-proxy\n"), certFile: hubs.certificate, keyFile: hubs.key} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	host := startGuarded(t, newCluster(t), "--tls=files", "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--proxy-auth-ca-file", caFile, "--proxy-auth-secret-file", secretFile)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ours.pem)
	for _, tt := range []struct {
		name   string
		shown  *pair
		secret string
		want   int // 0 for no connection
	}{
		{"its certificate", ours.issue(t, x509.ExtKeyUsageClientAuth), "", 200},
		{"its secret", nil, "a-secret-of-the-proxy", 200},
		{"nothing", nil, "", 401},
		{"another secret", nil, "a-secret-of-the-prozy", 401},
		{"another authority's certificate", theirs.issue(t, x509.ExtKeyUsageClientAuth), "", 0},
		{"a server's certificate", ours.issue(t, x509.ExtKeyUsageServerAuth), "", 0},
	} {
		config := &tls.Config{RootCAs: roots, ServerName: "kubemon"}
		if tt.shown != nil {
			shown, err := tls.X509KeyPair(tt.shown.certificate, tt.shown.key)
			if err != nil {
				t.Fatal(err)
			}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil }
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/api/v1/openapi.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Remote-User", "admin")
		if tt.secret != "" {
			request.Header.Set("X-Kubemon-Proxy-Secret", tt.secret)
		}
		response, err := client.Do(request)
		status := 0
		if err == nil {
			status = response.StatusCode
			response.Body.Close()
		}
		if status != tt.want {
			t.Errorf("a proxy with %s: %d, %v; want %d", tt.name, status, err, tt.want)
		}
	}
}

// TestTheProxysAuthorityIsKept takes the file away, and puts nonsense in its
// place: handshakes go on, what it said counts, and the log says so once of each.
// Another authority then counts at once.
func TestTheProxysAuthorityIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := func(a *authority) *x509.CertPool {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(a.pem)
		return pool
	}
	first, second := newAuthority(t), newAuthority(t)
	write(first.pem)
	var log strings.Builder
	config := new(tls.Config)
	if err := knowProxy(config, file, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func()
		want   *x509.CertPool
		said   int // lines in the log
	}{
		{"unchanged", func() {}, pool(first), 0},
		{"empty", func() { write(nil) }, pool(first), 1},
		{"still empty", func() {}, pool(first), 1},
		{"gone", func() { os.Remove(file) }, pool(first), 2},
		{"another", func() { write(second.pem) }, pool(second), 2},
		{"gone again", func() { os.Remove(file) }, pool(second), 3},
	} {
		tt.change()
		current, err := config.GetConfigForClient(nil)
		if err != nil || !current.ClientCAs.Equal(tt.want) || current.ClientAuth != tls.VerifyClientCertIfGiven {
			t.Errorf("%s: %v, or another authority counts", tt.name, err)
		}
		if said := strings.Count(log.String(), "\n"); said != tt.said {
			t.Errorf("%s: the log has %d lines, want %d:\n%s", tt.name, said, tt.said, &log)
		}
	}
}

// An authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

// A pair is a certificate and its key, in PEM.
type pair struct{ certificate, key []byte }

func newAuthority(t *testing.T) *authority {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{key: newKey(t)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) issue(t *testing.T, usage x509.ExtKeyUsage) *pair {
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"kubemon"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}),
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
