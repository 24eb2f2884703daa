package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/shared/identity"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

// An issuerServer is an API server that publishes who issues its tokens, and
// the keys. It is particular about what is accepted, as the real one is.
type issuerServer struct {
	issuer *identitytest.Issuer
	away   atomic.Bool
	asked  sync.Map // paths
}

func (s *issuerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Store(r.URL.Path, true)
	types := map[string]string{"/.well-known/openid-configuration": "application/json", "/openid/v1/jwks": "application/jwk-set+json"}
	switch offered := types[r.URL.Path]; {
	case s.away.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case offered == "":
		w.WriteHeader(http.StatusNotFound)
	case !strings.Contains(r.Header.Get("Accept"), offered):
		w.WriteHeader(http.StatusNotAcceptable)
	case r.URL.Path == "/openid/v1/jwks":
		keys, err := s.issuer.Fetch(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write(keys)
	default:
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"https://elsewhere/openid/v1/jwks"}`, identitytest.URL)
	}
}

// RoundTrip is the way to the server without a network.
func (s *issuerServer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// runKeys runs clusterKeys on the server until the test is over.
func runKeys(t *testing.T, server *issuerServer, tokenFile string) clusterKeys {
	t.Helper()
	client := &rest.Config{Host: "http://api", Transport: server}
	objects, err := kubernetes.NewForConfig(binary(client))
	if err != nil {
		t.Fatal(err)
	}
	client.BearerTokenFile = tokenFile
	keys := newClusterKeys(client, objects.Discovery().RESTClient(), slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = keys.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return keys
}

// attestedLeaf is a certificate that the issuer of that name vouches for.
func attestedLeaf(t *testing.T, issuer *identitytest.Issuer, url string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	holder := identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-agent", Pod: "x", PodUID: "a", Node: "node1"}
	claims := identitytest.Claims(holder, identity.KeyAudience(public), time.Hour)
	claims["iss"] = url
	extension, err := identity.NewAttestation(issuer.Sign(claims))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), ExtraExtensions: []pkix.Extension{extension}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// TestClusterKeys learns the issuer from the hub's own token, or else from the
// API server, and checks with its keys.
func TestClusterKeys(t *testing.T) {
	issuer := identitytest.New(t)
	own := filepath.Join(t.TempDir(), "token")
	token := issuer.Token(identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub"}, identitytest.URL, time.Hour)
	if err := os.WriteFile(own, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"in the cluster": own, "outside of it": ""} {
		t.Run(name, func(t *testing.T) {
			server := &issuerServer{issuer: issuer}
			keys := runKeys(t, server, file)
			claims, err := keys.VerifyCertificate(t.Context(), attestedLeaf(t, issuer, identitytest.URL))
			if err != nil || claims.PodUID != "a" || claims.Node != "node1" {
				t.Errorf("%+v, %v, want pod a on node1", claims, err)
			}
			if _, err := keys.VerifyCertificate(t.Context(), attestedLeaf(t, identitytest.New(t), identitytest.URL)); !errors.Is(err, identity.ErrSignature) {
				t.Errorf("another cluster's: %v, want %v", err, identity.ErrSignature)
			}
			if _, asked := server.asked.Load("/.well-known/openid-configuration"); asked == (file != "") {
				t.Errorf("asked who the issuer is: %t", asked)
			}
		})
	}
}

// TestClusterKeysWithoutTheAPIServer waits for an API server that does not say
// who issues its tokens.
func TestClusterKeysWithoutTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &issuerServer{issuer: identitytest.New(t)}
		server.away.Store(true)
		keys := runKeys(t, server, "")
		leaf := attestedLeaf(t, server.issuer, identitytest.URL)
		for range 30 {
			if _, err := keys.VerifyCertificate(t.Context(), leaf); !errors.Is(err, identity.ErrKeysUnavailable) {
				t.Errorf("without the API server: %v, want %v", err, identity.ErrKeysUnavailable)
			}
			time.Sleep(10 * time.Second)
		}
		server.away.Store(false)
		time.Sleep(time.Minute)
		if claims, err := keys.VerifyCertificate(t.Context(), leaf); err != nil || claims.PodUID != "a" {
			t.Errorf("it is back: %+v, %v", claims, err)
		}
	})
}

// TestClusterKeysOfANewIssuer gives the cluster another issuer, and the hub with
// its next token the word of it.
func TestClusterKeysOfANewIssuer(t *testing.T) {
	const next = "https://new.example"
	synctest.Test(t, func(t *testing.T) {
		server := &issuerServer{issuer: identitytest.New(t)}
		file := filepath.Join(t.TempDir(), "token")
		own := func(issuer string) {
			claims := identitytest.Claims(identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub"}, issuer, time.Hour)
			claims["iss"] = issuer
			if err := os.WriteFile(file, []byte(server.issuer.Sign(claims)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		own(identitytest.URL)
		keys := runKeys(t, server, file)
		before, after := attestedLeaf(t, server.issuer, identitytest.URL), attestedLeaf(t, server.issuer, next)
		check := func(leaf *x509.Certificate, want error) {
			t.Helper()
			time.Sleep(time.Minute)
			if _, err := keys.VerifyCertificate(t.Context(), leaf); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		check(before, nil)
		check(after, identity.ErrIssuer)
		own(next)
		check(after, nil)
		check(before, nil) // for a day
	})
}

func TestOwnIssuer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if _, err := ownIssuer(file); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ownIssuer(file); !errors.Is(err, identity.ErrMalformed) || strings.Contains(err.Error(), "secret") {
		t.Errorf("garbage: %v", err)
	}
}

// TestPublishedIssuer has answers that name nobody.
func TestPublishedIssuer(t *testing.T) {
	for body, want := range map[string]string{"": "openid-configuration", "[": "openid-configuration", "{}": "names no issuer", `{"issuer":7}`: "openid-configuration"} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		objects, err := kubernetes.NewForConfig(&rest.Config{Host: api.URL})
		if err != nil {
			t.Fatal(err)
		}
		if issuer, err := publishedIssuer(t.Context(), objects.Discovery().RESTClient()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: issuer %q, %v, want an error with %q", body, issuer, err, want)
		}
		api.Close()
	}
}

// TestUnaskedAnswersAreNotLogged has an agent that goes on after its answer: what
// it says then is nowhere in the program's output.
func TestUnaskedAnswersAreNotLogged(t *testing.T) {
	var logged bytes.Buffer
	before := log.Writer()
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(before) })
	answers, left := snapshots(t, "node1"), make(chan struct{}, 10)
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		answers(answer, r)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%sa secret\r\n\r\n",
			answer.Header().Get("Content-Type"), answer.Body.Len(), answer.Body)
		_, _ = io.Copy(io.Discard, conn) // until the hub has had enough
		left <- struct{}{}
	}))
	t.Cleanup(agent.Close)
	hub := start(t, "--agents", agent.URL)
	until(t, hub+"/api/v1/nodes", func(items []item) bool { return len(items) == 1 && items[0].Status.State == "ok" })
	<-left
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
}

// TestAgentsAreShownTheToken runs the hub with an agent over TLS that wants one.
func TestAgentsAreShownTheToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	token := identitytest.New(t).Token(identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub"}, "kubemon-agent", time.Hour)
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := snapshots(t, "node1")
	agent := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answers(w, r)
	}))
	t.Cleanup(agent.Close)
	hub := start(t, "--agents", agent.URL, "--agent-token-file", file)
	until(t, hub+"/api/v1/nodes", func(items []item) bool { return len(items) == 1 && items[0].Status.State == "ok" })
	if status := body(t, hub+"/api/v1/status"); !bytes.Contains(status, []byte(`"trust":"pinned","fingerprint":"sha256:`)) || bytes.Contains(status, []byte(token)) {
		t.Errorf("status %s does not say by which key the agent is known", status)
	}
}
