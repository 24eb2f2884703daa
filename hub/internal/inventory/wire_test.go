package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/hub"
)

// stream answers a watch as API servers do that stream their first list: what
// there is, then a bookmark that says so, then nothing more.
func stream(w http.ResponseWriter, r *http.Request) {
	objects := map[string]string{
		"/api/v1/pods": `{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","name":"web-1","uid":"u1","resourceVersion":"7",
		"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-a","uid":"rs","controller":true}]},
		"spec":{"nodeName":"n1","containers":[{"name":"app"}]},"status":{"phase":"Running"}}`,
		"/apis/apps/v1/replicasets": `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"namespace":"shop","name":"web-a","uid":"rs","resourceVersion":"8",
		"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"d","controller":true}]}}`,
	}
	kinds := map[string]string{"/api/v1/pods": "Pod", "/api/v1/nodes": "Node", "/api/v1/namespaces": "Namespace"}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") == "" {
		fmt.Fprint(w, `{"kind":"NamespaceList","apiVersion":"v1","metadata":{},"items":[]}`)
		return
	}
	if object := objects[r.URL.Path]; object != "" {
		fmt.Fprintf(w, `{"type":"ADDED","object":%s}`, object)
	}
	kind, version := kinds[r.URL.Path], "v1"
	if kind == "" {
		kind, version = "PartialObjectMetadata", "meta.k8s.io/v1"
	}
	fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"9",
		"annotations":{"k8s.io/initial-events-end":"true"}}}}`, kind, version)
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

// Over the wire, lists are streamed, which the fake clients cannot do.
func TestStreamedLists(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(stream))
	defer server.Close()
	w, stop := start(t, server.URL)
	for !w.Synced() || !w.Inventory().Connection.Connected {
		time.Sleep(10 * time.Millisecond) // the test's own limit ends this
	}
	pod, ok := w.Inventory().PodByUID("n1", "u1")
	if want := (hub.Owner{Kind: "Deployment", Name: "web", UID: "d"}); !ok || pod.Owner != want {
		t.Errorf("pod = %+v, want one of %v", pod, want)
	}
	stop()
}

// A server that answers, but not with what it is asked for.
func TestBrokenAPIServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "etcd is away", http.StatusInternalServerError)
	}))
	defer server.Close()
	w, stop := start(t, server.URL)
	for !strings.Contains(w.Inventory().Connection.Error, "ask the API server") {
		time.Sleep(10 * time.Millisecond) // the test's own limit ends this
	}
	inv := w.Inventory()
	if inv.Connection.Connected || w.Synced() || len(inv.Pods) != 0 {
		t.Errorf("synced = %t, connection = %+v, %d pods, want nothing at all", w.Synced(), inv.Connection, len(inv.Pods))
	}
	stop()
}

// start runs a Watcher of the server at that address until stop.
func start(t *testing.T, address string) (w *Watcher, stop func()) {
	config := &rest.Config{Host: address, QPS: -1}
	w = New(kubernetes.NewForConfigOrDie(config), metadata.NewForConfigOrDie(config), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	return w, func() {
		cancel()
		running.Wait()
	}
}
