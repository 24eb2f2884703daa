package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

var (
	agentPod = identitytest.Holder{
		Namespace: "kubemon", ServiceAccount: "kubemon-agent",
		Pod: "kubemon-agent-x7", PodUID: "22222222-2222-4222-8222-222222222222", Node: "node1",
	}
	hubPod = identitytest.Holder{
		Namespace: "kubemon", ServiceAccount: "kubemon-hub",
		Pod: "kubemon-hub-x7", PodUID: "33333333-3333-4333-8333-333333333333", Node: "node2",
	}
)

// A cluster is an API server, and an agent's pod in it.
type cluster struct {
	issuer *identitytest.Issuer
	env    map[string]string
	folder string // of the pod's service account
	away   atomic.Bool
	url    atomic.Pointer[string] // that it publishes as its issuer's; nil: it does not
}

// newCluster runs the calls of an API server that an agent makes.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{issuer: identitytest.NewRSA(t), folder: t.TempDir()}
	own := c.issuer.Token(agentPod, "https://kubernetes.default.svc", time.Hour)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openid/v1/jwks", func(w http.ResponseWriter, r *http.Request) {
		keys, err := c.issuer.Fetch(r.Context())
		if err != nil {
			t.Error(err)
		}
		w.Write(keys)
	})
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if url := c.url.Load(); url != nil {
			json.NewEncoder(w).Encode(map[string]string{"issuer": *url})
		}
	})
	mux.HandleFunc("POST /api/v1/namespaces/kubemon/serviceaccounts/kubemon-agent/token", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Spec struct{ Audiences []string } }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(map[string]any{"status": map[string]any{
			"token":               c.issuer.Token(agentPod, asked.Spec.Audiences[0], 24*time.Hour),
			"expirationTimestamp": time.Now().Add(24 * time.Hour),
		}})
	})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.away.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("Authorization") != "Bearer "+own:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.env = map[string]string{"KUBERNETES_SERVICE_HOST": address.Hostname(), "KUBERNETES_SERVICE_PORT": address.Port()}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, text := range map[string][]byte{"token": []byte(own), "ca.crt": ca} {
		if err := os.WriteFile(filepath.Join(c.folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *cluster) lookupEnv(name string) (string, bool) { value, ok := c.env[name]; return value, ok }

// args are those of an agent in the cluster.
func (c *cluster) args(more ...string) []string {
	return append(more, "--auth=token", "--auth-subjects=system:serviceaccount:kubemon:kubemon-hub", "--service-account-folder="+c.folder)
}

// A notebook is a log that may be written and read concurrently.
type notebook struct {
	mu   sync.Mutex // held to look at, or change, text
	text strings.Builder
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// startIn runs the program in the cluster until the test ends, and returns its
// address and its log.
func startIn(t *testing.T, c *cluster, args []string) (address string, log *notebook) {
	t.Helper()
	log = new(notebook)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	logger := slog.New(slog.NewTextHandler(io.MultiWriter(log, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() {
		ended <- run(ctx, logger, io.Discard, args, c.lookupEnv, func(address net.Addr) { ready <- address })
	}()
	select {
	case address := <-ready:
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("run ended with %v", err)
			}
		})
		return address.String(), log
	case err := <-ended:
		cancel()
		t.Fatalf("run: %v", err)
		return "", nil
	}
}

// insecure is a client that takes every certificate, as curl -k does.
func insecure(t *testing.T) *http.Client {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send asks with a token, unless it is empty.
func send(t *testing.T, client *http.Client, url, token string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestProgramInACluster is the agent as the chart runs it.
func TestProgramInACluster(t *testing.T) {
	c := newCluster(t)
	_, args := capture(t)
	address, log := startIn(t, c, c.args(append(args, "--tls=attested", "--listen=[127.0.0.1]:0")...))
	client := insecure(t)
	stranger := hubPod
	stranger.ServiceAccount = "default"
	good := c.issuer.Token(hubPod, "kubemon-agent", time.Hour)
	tokens := map[string]string{
		"stranger": c.issuer.Token(stranger, "kubemon-agent", time.Hour), "audience": c.issuer.Token(hubPod, "api", time.Hour),
		"expired": c.issuer.Token(hubPod, "kubemon-agent", -time.Hour), "elsewhere": identitytest.NewRSA(t).Token(hubPod, "kubemon-agent", time.Hour),
	}
	for _, tt := range []struct {
		path, token string
		want        int
	}{
		{"/healthz", "", 200}, {"/snapshot", "", 401}, {"/metrics", "", 401}, {"/nothing", "", 401},
		{"/snapshot", tokens["stranger"], 403}, {"/snapshot", tokens["audience"], 401},
		{"/snapshot", tokens["expired"], 401}, {"/snapshot", tokens["elsewhere"], 401},
		{"/snapshot", good, 200}, {"/snapshots", good, 200}, {"/nothing", good, 404},
	} {
		response, body := send(t, client, "https://"+address+tt.path, tt.token)
		if response.StatusCode != tt.want || response.ProtoMajor != 1 {
			t.Errorf("%s: %s %s, want %d", tt.path, response.Proto, response.Status, tt.want)
		}
		if tt.want != 200 && response.Header.Get("Content-Type") != "application/problem+json" || tt.path == "/healthz" && body != "ok\n" {
			t.Errorf("%s: %s", tt.path, body)
		}
	}
	_, metrics := send(t, client, "https://"+address+"/metrics", good)
	for _, want := range []string{
		"kubemon_agent_auth_total{result=\"subject\"} 1\n", "kubemon_agent_auth_total{result=\"no_token\"} 3\n",
		"kubemon_agent_certificate_failures_total 0\n", "kubemon_agent_certificate_expiry_timestamp_seconds 1.",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics have no %q:\n%s", want, metrics)
		}
	}
	tokens["good"] = good
	for name, token := range tokens {
		for _, part := range strings.Split(token, ".") {
			if strings.Contains(log.String(), part) {
				t.Errorf("the log has a part of the token %s:\n%s", name, log)
			}
		}
	}
	attestedWithin(t, c, address)
}

// attestedWithin waits until new connections get a certificate in which the
// cluster says whose it is.
func attestedWithin(t *testing.T, c *cluster, address string) {
	t.Helper()
	verifier := identity.NewVerifier(identity.Config{Issuer: identitytest.URL, Fetch: c.issuer.Fetch, Log: slog.New(slog.DiscardHandler)})
	deadline := time.Now().Add(time.Minute)
	for {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		state := conn.ConnectionState()
		conn.Close()
		claims, err := verifier.VerifyCertificate(t.Context(), state.PeerCertificates[0])
		if err == nil && claims.PodUID == agentPod.PodUID && claims.Node == "node1" && state.Version == tls.VersionTLS13 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the certificate is of %+v, %v", claims, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestProgramWithoutItsAPIServer starts while the API server is away: health is
// told over TLS, and who asks for more is told to come back. Then it is there,
// and then away again.
func TestProgramWithoutItsAPIServer(t *testing.T) {
	c := newCluster(t)
	c.away.Store(true)
	_, args := capture(t)
	address, _ := startIn(t, c, c.args(append(args, "--tls=attested")...))
	client := insecure(t)
	good := c.issuer.Token(hubPod, "kubemon-agent", time.Hour)
	if response, body := send(t, client, "https://"+address+"/healthz", ""); response.StatusCode != 200 || body != "ok\n" {
		t.Errorf("healthz: %s %s", response.Status, body)
	}
	if response, body := send(t, client, "https://"+address+"/snapshot", good); response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("snapshot: %s %s, want 503", response.Status, body)
	}
	c.away.Store(false)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		response, _ := send(t, client, "https://"+address+"/snapshot", good)
		if response.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the API server is back, and the agent says %s", response.Status)
		}
		time.Sleep(100 * time.Millisecond)
	}
	attestedWithin(t, c, address)
	c.away.Store(true)
	if response, body := send(t, client, "https://"+address+"/snapshot", good); response.StatusCode != 200 {
		t.Errorf("while the API server is away again: %s %s", response.Status, body)
	}
}

// TestProgramWhoseIssuerChanges gives the cluster another issuer while the
// agent's own token is of the one before: tokens of either are taken, and of no
// third one. A new agent has both from its start.
func TestProgramWhoseIssuerChanges(t *testing.T) {
	c := newCluster(t)
	c.url.Store(new("https://new.example"))
	_, args := capture(t)
	address, _ := startIn(t, c, c.args(args...))
	for url, want := range map[string]int{"https://new.example": 200, identitytest.URL: 200, "https://third.example": 401} {
		claims := identitytest.Claims(hubPod, "kubemon-agent", time.Hour)
		claims["iss"] = url
		if response, body := send(t, insecure(t), "https://"+address+"/snapshot", c.issuer.Sign(claims)); response.StatusCode != want {
			t.Errorf("a token of %s: %s %s, want %d", url, response.Status, body, want)
		}
	}
}

// TestProgramOutsideOfClusters is told by flags what it would learn in a pod.
func TestProgramOutsideOfClusters(t *testing.T) {
	c := newCluster(t)
	_, args := capture(t)
	keys, err := c.issuer.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	jwks := filepath.Join(t.TempDir(), "jwks")
	if err := os.WriteFile(jwks, keys, 0o600); err != nil {
		t.Fatal(err)
	}
	outside := &cluster{issuer: c.issuer}
	address, log := startIn(t, outside, append(args, "--auth=token", "--auth-subjects=system:serviceaccount:kubemon:kubemon-hub",
		"--auth-issuer="+identitytest.URL, "--jwks="+jwks))
	if response, body := send(t, insecure(t), "https://"+address+"/snapshot", c.issuer.Token(hubPod, "kubemon-agent", time.Hour)); response.StatusCode != 200 {
		t.Errorf("outside a cluster: %s %s", response.Status, body)
	}
	if !strings.Contains(log.String(), "config.security.tls=self-signed") {
		t.Errorf("the log does not say what certificate there is:\n%s", log)
	}
}

// TestDefaultsOfSecurity has what follows from --auth.
func TestDefaultsOfSecurity(t *testing.T) {
	for _, tt := range []struct {
		args        []string
		listen, tls string
	}{
		{nil, "127.0.0.1:10290", tlsOff},
		{[]string{"--auth=token", "--auth-subjects=system:serviceaccount:a:b", "--jwks=x"}, ":10290", tlsSelfSigned},
		{[]string{"--auth=token", "--auth-subjects=system:serviceaccount:a:b", "--jwks=x", "--tls=off", "--listen=[::1]:1"}, "[::1]:1", tlsOff},
		{[]string{"--tls=self-signed"}, "127.0.0.1:10290", tlsSelfSigned},
	} {
		c, err := parse(tt.args, noEnv)
		if err != nil || c.listen != tt.listen || c.security.tls != tt.tls {
			t.Errorf("%q: listen %s, TLS %s, %v; want %s, %s", tt.args, c.listen, c.security.tls, err, tt.listen, tt.tls)
		}
	}
}
