package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// Tokens that a clusterOf knows.
const (
	adminToken = "token-of-an-admin-for-the-hub"
	devToken   = "token-of-a-developer-without-nodes"
)

// A cluster is an API server that knows two readers and nothing else.
type cluster struct {
	url     string
	away    atomic.Bool
	reviews atomic.Int64
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{}
	c.url = serve(t, c.answer)
	return c
}

func (c *cluster) answer(w http.ResponseWriter, r *http.Request) {
	if c.away.Load() {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	c.reviews.Add(1)
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch review := object.(type) {
	case *authnv1.TokenReview:
		name, known := map[string]string{adminToken: "admin", devToken: "dev"}[review.Spec.Token]
		review.Status = authnv1.TokenReviewStatus{Authenticated: known && len(review.Spec.Audiences) == 1, User: authnv1.UserInfo{Username: name}, Audiences: review.Spec.Audiences}
		review.APIVersion, review.Kind = "authentication.k8s.io/v1", "TokenReview"
	case *authzv1.SubjectAccessReview:
		review.Status.Allowed = review.Spec.User == "admin" || review.Spec.User == "dev" && review.Spec.ResourceAttributes.Resource == "pods"
		review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SubjectAccessReview"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

// kubeconfig is how to reach the cluster.
func (c *cluster) kubeconfig(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: '%s'}}]\ncontexts: [{name: c, context: {cluster: c, namespace: watch}}]\n", c.url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startGuarded runs a hub that asks who its readers are, and returns its address
// once an admin can read a node.
func startGuarded(t *testing.T, c *cluster, args ...string) string {
	address := start(t, append([]string{"--auth=token", "--events=false", "--kubeconfig", c.kubeconfig(t), "--agents", agent(t, "node1")}, args...)...)
	host := strings.TrimPrefix(address, "http://")
	if !slices.Contains(args, "--tls=self-signed") && !strings.Contains(strings.Join(args, " "), "--tls=files") {
		waitForNode(t, host)
	}
	return host
}

func waitForNode(t *testing.T, host string) {
	for {
		_, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken)
		if strings.Contains(body, `"node1"`) {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("no node: %s", body)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// send writes a request as it is, which no client would leave so, and returns
// the answer's status and what there is of its body.
func send(t *testing.T, host, line string, headers ...string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	request := line + "\r\nHost: hub\r\nConnection: close\r\n" + strings.Join(append(headers, "", ""), "\r\n")
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // an answer to HEAD has none
	return response.StatusCode, string(data)
}

// routes are all that the hub serves, but its events, which do not end.
var routes = []string{
	"/", "/assets/app.js", "/metrics", "/nothing",
	"/api/v1/cluster", "/api/v1/nodes", "/api/v1/nodes/node1", "/api/v1/nodes/node1/pods", "/api/v1/pods", "/api/v1/workloads",
	"/api/v1/namespaces", "/api/v1/namespaces/shop", "/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/pods/web-node1",
	"/api/v1/namespaces/shop/deployments", "/api/v1/namespaces/shop/deployments/web", "/api/v1/namespaces/shop/deployments/web/pods",
	"/api/v1/namespaces/shop/workloads", "/api/v1/namespaces/shop/workloads/Pod/web-node1", "/api/v1/namespaces/shop/workloads/Pod/web-node1/pods",
	"/api/v1/top", "/api/v1/status", "/api/v1/openapi.json",
}

// spellings are ways to write a path that some router takes for it.
func spellings(path string) []string {
	inner := strings.TrimPrefix(path, "/")
	return []string{
		path, "/" + path, path + "/", "/./" + inner, "/healthz/.." + path, "/login/.." + path, "/%2e%2e" + path, "/healthz%2f..%2f" + inner, "/login%2F.." + path,
		"/%2F" + inner, strings.ReplaceAll(path, "/", "%2F"), strings.ReplaceAll(path, "/", "//"), "/healthz;" + path, path + ";/healthz", path + "%00", "/healthz%00" + path,
		strings.ToUpper(path), path + ".", path + "?/healthz", path + "#/healthz", "/healthz\\.." + path, "http://hub" + path, "http://hub/healthz/.." + path, "//healthz" + path, "/login" + path,
	}
}

// TestNobodyUnknownReads asks for every route in every spelling: without a
// token nothing comes back but refusals, and with one no spelling has more than
// the route itself.
func TestNobodyUnknownReads(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for _, line := range []string{"OPTIONS *", "CONNECT hub:80", "POST /healthz", "OPTIONS /api/v1/pods"} {
		if status, body := send(t, host, line+" HTTP/1.1"); status != 401 {
			t.Errorf("%s without a token: %d %s", line, status, body)
		}
	}
	facts := []string{"node1", "shop", "kubemon_build_info", "cpuMillicores", "<script", "openapi"}
	for _, route := range routes {
		for _, path := range spellings(route) {
			for _, method := range []string{"GET", "POST"} {
				status, body := send(t, host, method+" "+path+" HTTP/1.1")
				if status != 401 && status != 400 {
					t.Errorf("%s %s without a token: %d %s", method, path, status, body)
				}
				for _, fact := range facts {
					if strings.Contains(withoutInstance(body), fact) {
						t.Errorf("%s %s without a token says %q: %s", method, path, fact, body)
					}
				}
			}
			status, _ := send(t, host, "GET "+path+" HTTP/1.1", "Accept: text/html")
			if status != 303 && status != 400 && status != 401 {
				t.Errorf("GET %s of a browser without a token: %d", path, status)
			}
			status, body := send(t, host, "GET "+path+" HTTP/1.1", "Authorization: Bearer "+devToken)
			if status == 200 && (strings.Contains(body, `"node1"`) && strings.Contains(body, "capacity") || strings.Contains(body, "kubemon_agent_up")) {
				t.Errorf("GET %s of a reader without nodes: %s", path, body)
			}
		}
	}
}

// withoutInstance cuts what the client itself has said out of a problem.
func withoutInstance(body string) string {
	var problem map[string]any
	if json.Unmarshal([]byte(body), &problem) != nil {
		return body
	}
	delete(problem, "instance")
	rest, _ := json.Marshal(problem) // what was JSON is so again
	return string(rest)
}

func TestReadersHaveTheirRights(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for _, tt := range []struct {
		path       string
		admin, dev int
	}{
		{"/", 200, 200}, {"/assets/app.js", 200, 200}, {"/api/v1/pods", 200, 200}, {"/api/v1/cluster", 200, 200},
		{"/metrics", 200, 403}, {"/api/v1/nodes", 200, 403}, {"/api/v1/nodes/node1", 200, 403}, {"/api/v1/status", 200, 403},
		{"/nothing", 404, 404}, {"/readyz", 503, 503}, {"/healthz", 200, 200},
	} {
		for token, want := range map[string]int{adminToken: tt.admin, devToken: tt.dev} {
			if status, body := send(t, host, "GET "+tt.path+" HTTP/1.1", "Authorization: Bearer "+token); status != want {
				t.Errorf("GET %s with the %s: %d %s, want %d", tt.path, token, status, body, want)
			}
		}
	}
	if status, body := send(t, host, "GET /readyz HTTP/1.1"); status != 503 || body != "not ready\n" {
		t.Errorf("readyz for strangers: %d %s", status, body)
	}
	if _, body := send(t, host, "GET /readyz HTTP/1.1", "Authorization: Bearer "+adminToken); !strings.Contains(body, "what the cluster runs has not been read") {
		t.Errorf("readyz for readers: %s", body)
	}
}

// TestReadingGoesOnWithoutTheAPIServer takes it away from under two readers.
func TestReadingGoesOnWithoutTheAPIServer(t *testing.T) {
	c := newCluster(t)
	host := startGuarded(t, c)
	c.away.Store(true)
	for range 3 {
		if status, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken); status != 200 {
			t.Errorf("who was known: %d %s", status, body)
		}
	}
	if status, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+devToken); status != 503 {
		t.Errorf("who was not known: %d %s", status, body)
	}
}

// TestAFloodOfTokens shows two thousand random tokens at once while a reader
// reads: the API server is spared, and the reader served.
func TestAFloodOfTokens(t *testing.T) {
	c := newCluster(t)
	host := startGuarded(t, c)
	before, began := c.reviews.Load(), time.Now()
	var flood sync.WaitGroup
	for worker := range 8 {
		flood.Go(func() {
			for i := range 250 {
				status, body := send(t, host, "GET /api/v1/pods HTTP/1.1", fmt.Sprintf("Authorization: Bearer random-%d-%d", worker, i))
				if status != 401 && status != 503 {
					t.Errorf("a random token: %d %s", status, body)
				}
			}
		})
	}
	for range 50 {
		if status, body := send(t, host, "GET /api/v1/pods HTTP/1.1", "Authorization: Bearer "+adminToken); status != 200 {
			t.Errorf("who is known, in a flood: %d %s", status, body)
		}
	}
	flood.Wait()
	most := int64(40 + 20*(time.Since(began).Seconds()+1) + 2)
	if reviews := c.reviews.Load() - before; reviews > most {
		t.Errorf("%d reviews of 2,000 random tokens in %s, want at most %d", reviews, time.Since(began), most)
	}
}

// TestABrowserLogsIn goes the way of a person, over the hub's own TLS.
func TestABrowserLogsIn(t *testing.T) {
	host := startGuarded(t, newCluster(t), "--tls=self-signed")
	server := httptest.NewTLSServer(nil) // for its client, which is told to trust anybody
	defer server.Close()
	client := server.Client()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.InsecureSkipVerify = true // the certificate is in the hub's memory
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	do := func(method, path string, form url.Values, cookie *http.Cookie) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
		if cookie != nil {
			request.AddCookie(cookie)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	if r := do("GET", "/", nil, nil); r.StatusCode != 303 || r.Header.Get("Location") != "login" || r.TLS.Version < 0x304 {
		t.Fatalf("GET /: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
	if r := do("GET", "/login", nil, nil); r.StatusCode != 200 {
		t.Fatalf("GET /login: %d", r.StatusCode)
	}
	in := do("POST", "/login", url.Values{"token": {devToken}}, nil)
	if in.StatusCode != 303 || len(in.Cookies()) != 1 || in.Cookies()[0].Name != "__Host-kubemon" || !in.Cookies()[0].Secure {
		t.Fatalf("POST /login: %d, %v", in.StatusCode, in.Cookies())
	}
	session := in.Cookies()[0]
	if r := do("GET", "/api/v1/pods", nil, session); r.StatusCode != 200 && r.StatusCode != 503 { // 503 before the first round
		t.Errorf("GET /api/v1/pods: %d", r.StatusCode)
	}
	if r := do("GET", "/api/v1/nodes", nil, session); r.StatusCode != 403 && r.StatusCode != 503 {
		t.Errorf("GET /api/v1/nodes: %d", r.StatusCode)
	}
	if r := do("POST", "/logout", nil, session); r.StatusCode != 303 {
		t.Errorf("POST /logout: %d", r.StatusCode)
	}
	if r := do("GET", "/", nil, session); r.StatusCode != 303 {
		t.Errorf("GET / after the logout: %d", r.StatusCode)
	}
}

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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
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

// TestAPageOfElsewhereReadsNothing asks a hub without authentication by a name
// that was bent to point here.
func TestAPageOfElsewhereReadsNothing(t *testing.T) {
	host := strings.TrimPrefix(start(t, "--agents", agent(t, "node1")), "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /api/v1/openapi.json HTTP/1.1\r\nHost: evil.example:8080\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("by another name: %v, %v; want 403", response, err)
	}
	response.Body.Close()
}

// TestSlowAndManyDoNotShutOut holds more connections open than the hub takes,
// of nobody: a reader is served meanwhile.
func TestSlowAndManyDoNotShutOut(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for range maxConnections + 50 {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /login HTTP/1.1\r\nHost: hub\r\nContent-Length: 30000\r\n\r\ntoken="); err != nil {
			t.Fatal(err)
		}
	}
	if status, body := send(t, host, "GET /api/v1/nodes HTTP/1.1", "Authorization: Bearer "+adminToken); status != http.StatusOK {
		t.Errorf("a reader beside %d slow ones: %d %s", maxConnections+50, status, body)
	}
}

// TestFloodsOfOneRequest sends headers and bodies without end.
func TestFloodsOfOneRequest(t *testing.T) {
	host := startGuarded(t, newCluster(t))
	for name, headers := range map[string][]string{
		"one long header":  {"Authorization: Bearer " + strings.Repeat("a", 1<<17)},
		"many headers":     slices.Repeat([]string{"X-Remote-Group: system:masters"}, 1<<12),
		"one long cookie":  {"Cookie: kubemon=" + strings.Repeat("a", 1<<17)},
		"a long forwarder": {"X-Forwarded-For: " + strings.Repeat("1.1.1.1,", 1<<14)},
	} {
		if status, _ := send(t, host, "GET /api/v1/nodes HTTP/1.1", headers...); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d, want 431", name, status)
		}
	}
	response, err := http.Post("http://"+host+"/login", "application/x-www-form-urlencoded", io.LimitReader(endless{}, 1<<30))
	if err == nil {
		response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("a body of a gigabyte: %d, want 413", response.StatusCode)
		}
	} else if !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("a body of a gigabyte: %v, want 413 or the connection closed", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestNoTokenInTheLog runs a hub at debug level, shows it tokens in every way,
// and searches what it wrote.
func TestNoTokenInTheLog(t *testing.T) {
	c := newCluster(t)
	var written syncBuffer
	ctx, stop := context.WithCancel(t.Context())
	address, ended := make(chan net.Addr, 1), make(chan error, 1)
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte("the-secret-of-the-proxy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--listen=127.0.0.1:0", "--interval=1s", "--scrape-timeout=1s", "--window=1m", "--auth=token", "--events=false",
		"--kubeconfig", c.kubeconfig(t), "--agents", agent(t, "node1"), "--proxy-auth-secret-file", secretFile}
	go func() {
		log := slog.New(slog.NewTextHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug}))
		ended <- run(ctx, log, args, noEnv, func(a net.Addr) { address <- a })
	}()
	host := (<-address).String()
	waitForNode(t, host)
	shown := []string{adminToken, "random-token-of-nobody", "the-secret-of-the-proxy", "not the-secret-of-anybody"}
	for _, away := range []bool{false, true} {
		c.away.Store(away)
		for _, secret := range shown {
			send(t, host, "GET /api/v1/nodes?token="+url.QueryEscape(secret)+" HTTP/1.1", "Authorization: Bearer "+secret)
			send(t, host, "GET / HTTP/1.1", "Cookie: kubemon="+secret, "X-Kubemon-Proxy-Secret: "+secret, "X-Remote-User: eve")
			form := url.Values{"token": {secret}}.Encode()
			sendForm(t, host, form)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	for _, secret := range shown {
		if strings.Contains(written.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if !strings.Contains(written.String(), "reader refused") {
		t.Errorf("the log says of nobody that he was refused:\n%s", written.String())
	}
}

func sendForm(t *testing.T, host, form string) {
	response, err := http.Post("http://"+host+"/login", "application/x-www-form-urlencoded", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// A syncBuffer is written by many.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
