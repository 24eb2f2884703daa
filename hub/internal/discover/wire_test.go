package discover

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
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

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/hub"
)

// A wire is an API server that streams its EndpointSlices over real HTTP. It
// can end its watches, and refuses to go on with them, as one does that has
// forgotten the versions in between.
type wire struct {
	mu     sync.Mutex
	slices map[string]string // node by slice
	ended  chan struct{}     // closed when the watches of now end
	away   bool              // lists are refused
	gone   int               // how many watches were told that their version is too old
}

func (s *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ended, away := s.ended, s.away
	var objects []string
	for _, name := range slices.Sorted(maps.Keys(s.slices)) {
		objects = append(objects, fmt.Sprintf(`{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"namespace":"kubemon","name":%q,
		"resourceVersion":"7","ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"kubemon-agent","controller":true}]},"addressType":"IPv4","ports":[{"name":"snapshot","port":10290}],
		"endpoints":[{"addresses":["10.0.0.1"],"nodeName":%q,"targetRef":{"kind":"Pod","namespace":"kubemon","uid":%q}}]}`, name, s.slices[name], name))
	}
	resumed := r.URL.Query().Get("watch") != "" && r.URL.Query().Get("sendInitialEvents") == ""
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case resumed:
		s.expire(w)
		return
	case away:
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	case r.URL.Query().Get("watch") == "":
		fmt.Fprintf(w, `{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"9"},"items":[%s]}`, strings.Join(objects, ","))
		return
	}
	for _, object := range objects {
		fmt.Fprintf(w, `{"type":"ADDED","object":%s}`, object)
	}
	fmt.Fprint(w, `{"type":"BOOKMARK","object":{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",
		"metadata":{"resourceVersion":"9","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
	w.(http.Flusher).Flush()
	select {
	case <-r.Context().Done():
	case <-ended:
		s.expire(w)
	}
}

// expire tells a watch that its version is too old to go on with.
func (s *wire) expire(w io.Writer) {
	fmt.Fprint(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}`)
	s.mu.Lock()
	s.gone++
	s.mu.Unlock()
}

// end ends the watches; change is made before anybody can watch again.
func (s *wire) end(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.ended)
	s.ended = make(chan struct{})
}

func (s *wire) expired() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// TestServiceAfterALostWatch deletes a slice while nobody watches, on a server
// that cannot tell what happened meanwhile: the deletion must be seen all the
// same, and until then nothing may be lost of what is known.
func TestServiceAfterALostWatch(t *testing.T) {
	server := &wire{slices: map[string]string{"a": "n1", "b": "n2"}, ended: make(chan struct{})}
	listening := httptest.NewServer(server)
	defer listening.Close()
	defer server.end(func() {})
	client := kubernetes.NewForConfigOrDie(&rest.Config{Host: listening.URL, QPS: -1})
	s := NewService(client, "kubemon", "kubemon-agent", noPods, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	defer running.Wait()
	defer cancel()

	of := func(nodes map[string]string) []hub.Agent {
		var agents []hub.Agent
		for _, name := range slices.Sorted(maps.Keys(nodes)) {
			agents = append(agents, agent(nodes[name], "http://10.0.0.1:10290", name, true))
		}
		return agents
	}
	first := of(server.slices)
	for !cmp.Equal(s.Agents(), first) {
		time.Sleep(5 * time.Millisecond) // the test's own limit ends this
	}
	<-s.Changed()

	server.end(func() { server.away = true })
	deadline := time.Now().Add(300 * time.Millisecond)
	for time.Now().Before(deadline) {
		if d := cmp.Diff(first, s.Agents()); d != "" {
			t.Fatalf("while nobody can watch (-want +got):\n%s", d)
		}
		time.Sleep(10 * time.Millisecond)
	}
	server.end(func() {
		server.away = false
		server.slices = map[string]string{"b": "n2", "c": "n3"}
	})
	for second := of(map[string]string{"b": "n2", "c": "n3"}); !cmp.Equal(s.Agents(), second); {
		if n := len(s.Agents()); n < 1 || n > 3 {
			t.Fatalf("%d agents while the slices are listed again", n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if server.expired() == 0 {
		t.Error("no watch was told that its version is gone: the test does not test that")
	}
	<-s.Changed()
}

// TestRunEndsWithoutTheAPIServer ends it while its informers sleep between their
// attempts to reach the API server.
func TestRunEndsWithoutTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := &rest.Config{Host: "http://api", QPS: -1, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}}
		s := NewService(kubernetes.NewForConfigOrDie(config), "kubemon", "kubemon-agent", noPods, slog.New(slog.DiscardHandler))
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
