package scrape_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/hub/internal/scrape/scrapetest"
	"github.com/kubemon/kubemon/shared/identity"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify returns a certificate of the key, signed by itself or by a parent.
func certify(t *testing.T, key *ecdsa.PrivateKey, parent *tls.Certificate, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "kubemon-agent"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour),
	}
	if change != nil {
		change(template)
	}
	issuer, signer := template, any(key)
	if parent != nil {
		issuer, signer = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func selfSigned(t *testing.T) *tls.Certificate {
	t.Helper()
	return certify(t, newKey(t), nil, nil)
}

// attest returns a certificate of the key with a token of the issuer for that
// holder that vouches for the audience's key.
func attest(t *testing.T, key *ecdsa.PrivateKey, token string) *tls.Certificate {
	t.Helper()
	extension, err := identity.NewAttestation(token)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, key, nil, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{extension} })
}

func audienceOf(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return identity.KeyAudience(der)
}

// modern is an agent's TLS with a certificate that may be another each time.
func modern(certificate func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate(), nil },
	}
}

func always(c *tls.Certificate) func() *tls.Certificate { return func() *tls.Certificate { return c } }

// An agentServer answers as an agent over TLS, and keeps what it was sent.
type agentServer struct {
	stop func()

	mu         sync.Mutex
	requests   []*http.Request
	handshakes int
}

func serveAgent(t *testing.T, network *scrapetest.Network, address, node string, certificate func() *tls.Certificate) *agentServer {
	t.Helper()
	a := &agentServer{}
	handler := answer(t, node, "")
	a.stop = network.ServeTLS(address, modern(func() *tls.Certificate {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.handshakes++
		return certificate()
	}), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.requests = append(a.requests, r)
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(a.stop)
	return a
}

// counts are the requests with that Authorization, all requests, and the
// handshakes that began.
func (a *agentServer) counts(authorization string) (authorized, requests, handshakes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.requests {
		if r.Header.Get("Authorization") == authorization {
			authorized++
		}
	}
	return authorized, len(a.requests), a.handshakes
}

// An impostor shakes hands with whoever comes, and keeps every byte that it is
// sent then.
type impostor struct {
	stop func()

	mu    sync.Mutex
	heard []byte
	came  int
}

func pose(t *testing.T, network *scrapetest.Network, address string, config *tls.Config) *impostor {
	t.Helper()
	i := &impostor{}
	listener := network.Listen(address)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { i.listen(tls.Server(raw, config)) })
		}
	})
	i.stop = sync.OnceFunc(func() {
		_ = listener.Close()
		serving.Wait()
	})
	t.Cleanup(i.stop)
	return i
}

func (i *impostor) listen(conn *tls.Conn) {
	defer conn.Close()
	heard, _ := io.ReadAll(conn)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.came++
	i.heard = append(i.heard, heard...)
}

// checkDeaf ends the impostor. It must have been met, and told nothing.
func (i *impostor) checkDeaf(t *testing.T) {
	t.Helper()
	i.stop()
	if i.came == 0 || len(i.heard) > 0 {
		t.Errorf("of %d connections the impostor heard %q, want at least one and nothing", i.came, i.heard)
	}
}

// A tlsHub is a scraper with a token on a network in memory.
type tlsHub struct {
	*scrape.Scraper
	network *scrapetest.Network
	bearer  string // what agents are to be sent
	token   string // the file
}

func newTLSHub(t *testing.T, trust scrape.Trust) *tlsHub {
	t.Helper()
	h := &tlsHub{network: &scrapetest.Network{}, token: filepath.Join(t.TempDir(), "token")}
	h.bearer = "Bearer " + writeToken(t, h.token, time.Hour)
	h.Scraper = scrape.New(scrape.Config{
		Timeout: 5 * time.Second, Interval: 10 * time.Second, UserAgent: "test", Dial: h.network.Dial,
		Trust: trust, Token: scrape.NewToken(h.token, slog.New(slog.DiscardHandler)),
	})
	t.Cleanup(h.Close)
	return h
}

func writeToken(t *testing.T, file string, life time.Duration) string {
	t.Helper()
	token := identitytest.New(t).Token(identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub"}, "kubemon-agent", life)
	writeFile(t, file, token+"\n")
	return token
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask asks one agent once.
func (h *tlsHub) ask(t *testing.T, agent hub.Agent) hub.Result {
	t.Helper()
	return round(t.Context(), h.Scraper, []hub.Agent{agent})[0]
}

func checkAccepted(t *testing.T, r hub.Result, trust hub.Trust) {
	t.Helper()
	if r.Err != nil || r.Identity.Trust != trust || r.Identity.Since.IsZero() {
		t.Fatalf("Round = %v, known by %+v, want a snapshot of one who is %s", r.Err, r.Identity, trust)
	}
}

func checkRefused(t *testing.T, r hub.Result, want ...string) {
	t.Helper()
	checkError(t, r, want...)
	if r.Failure != hub.FailureIdentity {
		t.Errorf("counted as %q, want %q", r.Failure, hub.FailureIdentity)
	}
}
