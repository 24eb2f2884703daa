package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
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

// expiring streams pods, and whatever else as stream does. Once its watch is to
// end it says that the watch's version is gone, as a server does that has
// forgotten what happened since then.
type expiring struct {
	mu    sync.Mutex
	pods  []string
	ended chan struct{}
}

func (s *expiring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/pods" || r.URL.Query().Get("watch") == "" {
		stream(w, r)
		return
	}
	s.mu.Lock()
	pods, ended := s.pods, s.ended
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	for _, name := range pods {
		fmt.Fprintf(w, `{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","name":%q,"uid":%q,"resourceVersion":"7"},
		"spec":{"nodeName":"n1","containers":[{"name":"app"}]}}}`, name, name)
	}
	fmt.Fprint(w, `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9",
		"annotations":{"k8s.io/initial-events-end":"true"}}}}`)
	w.(http.Flusher).Flush()
	select {
	case <-r.Context().Done():
	case <-ended:
		fmt.Fprint(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}`)
	}
}

// A pod that is deleted while its watch is lost is found missing when the pods
// are listed again; until then all that was known is there.
func TestWatchThatHasExpired(t *testing.T) {
	source := &expiring{pods: []string{"web-1", "web-2"}, ended: make(chan struct{})}
	server := httptest.NewServer(source)
	defer server.Close()
	w, stop := start(t, server.URL)
	defer stop()
	names := func() string {
		var list []string
		for _, p := range w.Inventory().Pods {
			list = append(list, p.Name)
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	for !w.Synced() || names() != "web-1 web-2" {
		time.Sleep(10 * time.Millisecond) // the test's own limit ends this
	}
	source.mu.Lock()
	source.pods = []string{"web-2", "web-3"}
	close(source.ended)
	source.ended = make(chan struct{})
	source.mu.Unlock()
	for names() != "web-2 web-3" {
		if got := names(); !strings.Contains(got, "web-2") || !w.Synced() {
			t.Fatalf("pods %q, synced %t while they are listed again", got, w.Synced())
		}
		time.Sleep(5 * time.Millisecond)
	}
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

// TestRunEndsWithoutTheAPIServer ends it while its informers sleep between their
// attempts to reach the API server.
func TestRunEndsWithoutTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := &rest.Config{Host: "http://api", QPS: -1, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}}
		s := New(kubernetes.NewForConfigOrDie(config), metadata.NewForConfigOrDie(config), slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(5 * time.Minute) // by now they sleep for long
		cancel()
		began := time.Now()
		if err := <-ended; err != nil || time.Since(began) > endTime {
			t.Errorf("Run = %v after %v, want an end within %v", err, time.Since(began), endTime)
		}
		time.Sleep(2 * time.Minute) // the informers wake, and end
	})
}
