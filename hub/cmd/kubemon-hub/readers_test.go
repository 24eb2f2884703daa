package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
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
	"testing"

	"github.com/kubemon/kubemon/hub/internal/metricsapi"
)

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
	script, built := pageScript(t)
	page := map[bool]int{true: 200, false: 404}[built]
	for _, tt := range []struct {
		path       string
		admin, dev int
	}{
		{"/", page, page}, {script, page, page}, {"/api/v1/pods", 200, 200}, {"/api/v1/cluster", 200, 200},
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

// TestTokensInTheClearAreWarnedOf wants a line in the log where tokens come over
// the network as they are, and only there.
func TestTokensInTheClearAreWarnedOf(t *testing.T) {
	c := newCluster(t)
	for _, tt := range []struct {
		listen, tls string
		want        bool
	}{{"", tlsOff, true}, {"10.0.0.1:8080", tlsOff, true}, {"127.0.0.1:8080", tlsOff, false}, {"", tlsSelfSigned, false}} {
		var written bytes.Buffer
		log := slog.New(slog.NewTextHandler(&written, nil))
		config, err := parse([]string{"--auth=token", "--tls=" + tt.tls, "--listen=" + tt.listen, "--kubeconfig", c.kubeconfig(t), "--agents=http://127.0.0.1:1"}, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		fleet, err := findFleet(config, log)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newReaders(config.readers, fleet, metricsapi.NewMeter(), log); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(written.String(), "travel in the clear"); warned != tt.want {
			t.Errorf("listen %q with tls %s: warned %t, want %t:\n%s", tt.listen, tt.tls, warned, tt.want, written.String())
		}
	}
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
