package scrape_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
)

func newAuthority(t *testing.T) *tls.Certificate {
	return certify(t, newKey(t), nil, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
}

func pemOf(c *tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

// issued is a certificate of the authority for that server.
func issued(t *testing.T, authority *tls.Certificate, name string) *tls.Certificate {
	return certify(t, newKey(t), authority, func(c *x509.Certificate) { c.DNSNames = []string{name} })
}

// TestAuthority takes whom the authority certifies for the agents' name, with
// any key, and follows its file.
func TestAuthority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "ca.pem")
		var logged bytes.Buffer
		h := newTLSHub(t, scrape.NewAuthority(file, "kubemon-agent", slog.New(slog.NewTextHandler(&logged, nil))))
		first, second := newAuthority(t), newAuthority(t)
		meet := func(c *tls.Certificate) hub.Result {
			t.Helper()
			server := serveAgent(t, h.network, at, "node1", always(c))
			defer server.stop()
			time.Sleep(10 * time.Second)
			r := h.ask(t, pod("a", "c1"))
			if _, requests, _ := server.counts(""); (r.Err == nil) != (requests == 1) {
				t.Errorf("%d requests were sent, and the result is %v", requests, r.Err)
			}
			return r
		}
		checkRefused(t, meet(issued(t, first, "kubemon-agent")), "no such file", file)
		writeFile(t, file, "no certificate")
		checkRefused(t, meet(issued(t, first, "kubemon-agent")), "expected those of authorities in PEM", file)
		writeFile(t, file, pemOf(first))
		checkAccepted(t, meet(issued(t, first, "kubemon-agent")), hub.TrustCA)
		checkAccepted(t, meet(issued(t, first, "kubemon-agent")), hub.TrustCA) // and another key
		checkRefused(t, meet(issued(t, first, "kubemon-hub")), "kubemon-hub")
		checkRefused(t, meet(issued(t, second, "kubemon-agent")), "unknown authority")
		checkRefused(t, meet(selfSigned(t)), `expected one for "kubemon-agent"`)
		expired := certify(t, newKey(t), first, func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{"kubemon-agent"}, time.Now().Add(time.Second)
		})
		checkRefused(t, meet(expired), "expired")
		writeFile(t, file, pemOf(second))
		checkAccepted(t, meet(issued(t, second, "kubemon-agent")), hub.TrustCA)
		checkRefused(t, meet(issued(t, first, "kubemon-agent")), "unknown authority")
		writeFile(t, file, "")
		checkAccepted(t, meet(issued(t, second, "kubemon-agent")), hub.TrustCA) // as it was
		if lines := strings.Count(logged.String(), "\n"); lines != 3 {
			t.Errorf("%d lines are logged, want one for each fault of the file:\n%s", lines, &logged)
		}
	})
}
