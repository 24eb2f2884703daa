package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub/internal/scrape/scrapetest"
	"github.com/kubemon/kubemon/shared/daemon"
)

// TestSlowClientsHinderNobody opens five hundred connections that send half a
// request and no more: others are answered meanwhile, and the half ones are
// closed in time.
func TestSlowClientsHinderNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network scrapetest.Network
		ctx, stop := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() {
			ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
			server := daemon.Server{Handler: ok, Log: slog.New(slog.DiscardHandler)}
			if err := server.Serve(ctx, network.Listen("hub:8080")); err != nil {
				t.Error(err)
			}
		})
		defer serving.Wait()
		defer stop()
		synctest.Wait()
		var slow []net.Conn
		for range 500 {
			c := dial(t, &network)
			if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: h"); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, c)
		}
		began := time.Now()
		c := dial(t, &network)
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != http.StatusOK || time.Since(began) > time.Second {
			t.Errorf("healthz answers %v, %v after %v", response, err, time.Since(began))
		}
		for _, c := range slow {
			_, _ = io.Copy(io.Discard, c) // until the hub closes it
			c.Close()
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("half requests were borne for %v, want seconds", took)
		}
	})
}

func dial(t *testing.T, network *scrapetest.Network) net.Conn {
	c, err := network.Dial(t.Context(), "tcp", "hub:8080")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// emptyCluster is an API server that has nothing: it streams each list and then
// waits, as one does where nothing happens.
func emptyCluster(w http.ResponseWriter, r *http.Request) {
	kinds := map[string]string{"pods": "v1 Pod", "nodes": "v1 Node", "namespaces": "v1 Namespace"}
	apiVersion, kind := "meta.k8s.io/v1", "PartialObjectMetadata"
	if known := kinds[path.Base(r.URL.Path)]; known != "" {
		_, _ = fmt.Sscan(known, &apiVersion, &kind)
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") == "" {
		fmt.Fprintf(w, `{"kind":"%sList","apiVersion":%q,"metadata":{"resourceVersion":"1"},"items":[]}`, kind, apiVersion)
		return
	}
	fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"1",
		"annotations":{"k8s.io/initial-events-end":"true"}}}}`, kind, apiVersion)
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// TestAPIServerGoesAway takes the API server away from a hub that runs: the hub
// stays ready, goes on asking its agents, and says since when it is alone.
func TestAPIServerGoesAway(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(emptyCluster))
	t.Cleanup(api.Close) // after the hub has ended
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: '%s'}}]\ncontexts: [{name: c, context: {cluster: c, namespace: watch}}]\n", api.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	hub := start(t, "--kubeconfig", kubeconfig, "--agents", agent(t, "node1"))
	connected := func(want bool) {
		t.Helper()
		for {
			var status struct {
				Kubernetes struct {
					Connected bool
					Error     string
				}
			}
			if data := body(t, hub+"/api/v1/status"); json.Unmarshal(data, &status) == nil && status.Kubernetes.Connected == want {
				if ready, _ := get(t, hub+"/readyz"); ready == http.StatusOK {
					return
				}
			}
			select {
			case <-t.Context().Done():
				t.Fatalf("never ready with connected %t: %+v", want, status)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	connected(true)
	api.CloseClientConnections()
	api.Listener.Close()
	api.CloseClientConnections() // those that watch again
	connected(false)
	sample := func() time.Time {
		var node struct {
			Status struct{ SampleTime time.Time }
		}
		if err := json.Unmarshal(body(t, hub+"/api/v1/nodes/node1"), &node); err != nil {
			t.Fatal(err)
		}
		return node.Status.SampleTime
	}
	for first := sample(); !sample().After(first); { // the test's own limit ends this
		time.Sleep(50 * time.Millisecond)
	}
	if ready, text := get(t, hub+"/readyz"); ready != http.StatusOK {
		t.Errorf("readyz = %d %s, want 200: what the cluster runs was read", ready, text)
	}
}
