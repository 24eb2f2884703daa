package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/daemon"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// agent serves snapshots of a node that uses half a processor and runs a pod.
func agent(t *testing.T, node string) string { return serve(t, snapshots(t, node)) }

func snapshots(t *testing.T, node string) http.HandlerFunc {
	booted := time.Now().Add(-time.Minute)
	return func(w http.ResponseWriter, r *http.Request) {
		up := time.Since(booted)
		cpu := &snapshot.CPU{UsageMicros: uint64(up.Microseconds() / 4)}
		contentType := snapshot.Negotiate(r.Header.Get("Accept"))
		body, err := snapshot.Encode(&snapshot.Snapshot{
			Version: snapshot.Version, Node: node, BootID: "boot", BootNanos: int64(up), Time: time.Now(),
			Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified}},
			Host:  snapshot.Host{CPU: snapshot.HostCPU{Count: 2, UsageMicros: new(uint64(up.Microseconds() / 2))}},
			Pods:  []snapshot.Pod{{UID: "uid-" + node, Namespace: "shop", Name: "web-" + node, CgroupID: 1, CPU: cpu}},
		}, contentType)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	}
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// start runs the hub until the test is over and returns its address. The hub
// must then end well.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	address := make(chan net.Addr, 1)
	ended := make(chan error, 1)
	go func() {
		args = append([]string{"--listen=127.0.0.1:0", "--interval=1s", "--scrape-timeout=1s", "--window=1m"}, args...)
		ended <- run(ctx, slog.New(slog.NewTextHandler(t.Output(), nil)), args, noEnv, func(a net.Addr) { address <- a })
	}()
	select {
	case a := <-address:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("run: %v", err)
			}
		})
		return "http://" + a.String()
	case err := <-ended:
		stop()
		t.Fatalf("run: %v", err)
		return ""
	}
}

func noEnv(string) (string, bool) { return "", false }

func get(t *testing.T, url string) (status int, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// An item is what the tests look at in REST's answers.
type item struct {
	Name   string
	Status struct{ State, Reason string }
	Usage  *struct {
		CPUMillicores *float64
	}
}

// until asks for a list until done says that it is as it should be.
func until(t *testing.T, url string, done func([]item) bool) []item {
	t.Helper()
	for {
		_, body := get(t, url)
		var list struct{ Items []item }
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("%s answers %s: %v", url, body, err)
		}
		if done(list.Items) {
			return list.Items
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s still answers %s", url, body)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestHubWithoutACluster(t *testing.T) {
	html := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	})
	hub := start(t, "--agents", agent(t, "node1")+", "+agent(t, "node2")+","+html)

	pods := until(t, hub+"/api/v1/pods?namespace=shop", func(items []item) bool {
		return len(items) == 2 && !slices.ContainsFunc(items, func(i item) bool { return i.Usage == nil || i.Usage.CPUMillicores == nil })
	})
	for _, p := range pods {
		if cpu := *p.Usage.CPUMillicores; cpu < 240 || cpu > 260 {
			t.Errorf("%s uses %v millicores, want 250", p.Name, cpu)
		}
	}
	nodes := until(t, hub+"/api/v1/nodes", func(items []item) bool {
		return slices.ContainsFunc(items, func(i item) bool { return i.Status.State == "down" })
	})
	for _, n := range nodes {
		ok := n.Name == "node1" || n.Name == "node2"
		if ok && n.Status.State != "ok" || !ok && !strings.Contains(n.Status.Reason, "text/html") {
			t.Errorf("node %s is %s: %s", n.Name, n.Status.State, n.Status.Reason)
		}
	}

	_, built := pageScript(t)
	for path, want := range map[string]int{
		"/": map[bool]int{true: 200, false: 404}[built], "/healthz": 200, "/livez": 200, "/readyz": 200, "/metrics": 200,
		"/api/v1/status": 200, "/api/v1/openapi.json": 200, "/api/v1/pods?window=30": 200,
		"/nothing": 404, "/api/v1/nothing": 404, "/api/v1/pods?window=soon": 400,
	} {
		if status, body := get(t, hub+path); status != want {
			t.Errorf("GET %s = %d, want %d: %s", path, status, want, body)
		}
	}
}

// TestHubWithoutTheAPIServer starts beside a cluster that does not answer: the
// hub runs, is not ready, and says why.
func TestHubWithoutTheAPIServer(t *testing.T) {
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://%s'}}]\ncontexts: [{name: c, context: {cluster: c, namespace: watch}}]\n", away.Addr())
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	hub := start(t, "--kubeconfig", kubeconfig, "--agents", agent(t, "node1"))
	until(t, hub+"/api/v1/pods", func(items []item) bool { return len(items) == 1 && items[0].Name == "web-node1" })
	if status, body := get(t, hub+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz = %d %s, want 503", status, body)
	}
	if status, _ := get(t, hub+"/livez"); status != http.StatusOK {
		t.Errorf("livez = %d, want 200", status)
	}
	for !strings.Contains(string(body(t, hub+"/api/v1/status")), "connection refused") {
		select {
		case <-t.Context().Done():
			t.Fatal("status never says that the API server refuses connections")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func body(t *testing.T, url string) []byte {
	_, data := get(t, url)
	return data
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	args := []string{"--agents=http://127.0.0.1:1", "--listen=" + taken.Addr().String()}
	err = run(t.Context(), slog.New(slog.DiscardHandler), args, noEnv, func(net.Addr) { t.Error("it is ready") })
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("run: %v, want the address named as in use", err)
	}
}

func TestBadUsage(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // not in a cluster, wherever the test runs
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"no fleet", nil, []string{"--agents", "--kubeconfig"}},
		{"malformed agent", []string{"--agents=127.0.0.1:10290"}, []string{"agents", "127.0.0.1:10290"}},
		{"empty agent", []string{"--agents=http://a:1,,http://b:1"}, []string{"agents", `""`}},
		{"agent given twice", []string{"--agents=http://a:1,http://a:1/"}, []string{"agents", "twice"}},
		{"no kubeconfig", []string{"--kubeconfig=/nonexistent/file"}, []string{"kubeconfig", "/nonexistent/file"}},
		{"open to all", []string{"--agents=http://a:1", "--listen=:8080"}, []string{":8080", "--allow-unauthenticated"}},
		{"an auth that is none", []string{"--agents=http://a:1", "--auth=maybe"}, []string{"auth", "maybe", "token or none"}},
		{"nobody to ask whose tokens", []string{"--agents=http://a:1", "--auth=token"}, []string{"-auth=token", "-kubeconfig"}},
		{"no audience", []string{"--auth=token", "--auth-audience="}, []string{"auth-audience"}},
		{"a proxy without auth", []string{"--agents=http://a:1", "--proxy-auth-secret-file=f"}, []string{"-proxy-auth-secret-file", "-auth=token"}},
		{"client certificates without TLS", []string{"--auth=token", "--proxy-auth-ca-file=f"}, []string{"-proxy-auth-ca-file", "-tls"}},
		{"a TLS that is none", []string{"--agents=http://a:1", "--tls=on"}, []string{"tls", `"on"`, "off, self-signed or files"}},
		{"no TLS key", []string{"--agents=http://a:1", "--tls=files", "--tls-cert-file=f"}, []string{"-tls-cert-file and -tls-key-file"}},
		{"a TLS key that is not used", []string{"--agents=http://a:1", "--tls-key-file=f"}, []string{"-tls=files", "not off"}},
		{"short interval", []string{"--interval=10ms"}, []string{"interval", "10ms", "1s"}},
		{"no duration", []string{"--interval=10"}, []string{"interval", `"10"`}},
		{"long window", []string{"--window=2h"}, []string{"window", "2h", "1h"}},
		{"window below interval", []string{"--window=5s"}, []string{"interval", "10s", "5s"}},
		{"small window", []string{"--window-max-bytes=1000"}, []string{"window-max-bytes", "1000", "1048576"}},
		{"negative window", []string{"--window-max-bytes=-1"}, []string{"window-max-bytes", "-1"}},
		{"a trust that is none", []string{"--agent-trust=blind"}, []string{"agent-trust", "blind", "pinned, attested or ca"}},
		{"no authority", []string{"--agent-trust=ca"}, []string{"needs -agent-ca-file"}},
		{"no server name", []string{"--agent-trust=ca", "--agent-ca-file=ca.pem", "--agent-server-name="}, []string{"needs -agent-server-name"}},
		{"an authority that is not asked", []string{"--agent-ca-file=ca.pem"}, []string{"agent-ca-file", "not pinned"}},
		{"attested by nobody", []string{"--agent-trust=attested", "--agents=https://127.0.0.1:1"}, []string{"attested", "-agents"}},
		{"no timeout", []string{"--scrape-timeout=0s"}, []string{"scrape-timeout", "0s"}},
		{"timeout above interval", []string{"--scrape-timeout=11s"}, []string{"scrape-timeout", "11s", "10s"}},
		{"unknown flag", []string{"--retention=1h"}, []string{"retention"}},
		{"stray argument", []string{"run"}, []string{`"run"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if !strings.Contains(strings.Join(args, " "), "--listen") {
				args = append([]string{"--listen=127.0.0.1:0"}, args...)
			}
			err := run(t.Context(), slog.New(slog.DiscardHandler), args, noEnv, func(net.Addr) { t.Error("it is ready") })
			if _, ok := errors.AsType[daemon.UsageError](err); !ok {
				t.Fatalf("run: %v, want a usage error", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %q does not say %q in one line", err, want)
				}
			}
		})
	}
}

func TestWindowBound(t *testing.T) {
	for _, tt := range []struct{ given, limit, want int64 }{
		{0, math.MaxInt64, 0},
		{0, 1 << 30, 1 << 29},
		{0, 1 << 10, 1 << 20},
		{5 << 20, 1 << 30, 5 << 20},
		{5 << 20, math.MaxInt64, 5 << 20},
	} {
		c := config{windowMaxBytes: tt.given, memoryLimit: tt.limit}
		if got := c.windowBound(); got != tt.want {
			t.Errorf("%d given and a memory limit of %d: bound of %d, want %d", tt.given, tt.limit, got, tt.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{"KUBEMON_HUB_NAMESPACE": "watch", "KUBEMON_HUB_AGENTS": "http://a:1"}
	c, err := parse([]string{"--interval=20s"}, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil || c.namespace != "watch" || c.agents != "http://a:1" || c.interval != 20*time.Second {
		t.Errorf("parse = %+v, %v", c, err)
	}
}
