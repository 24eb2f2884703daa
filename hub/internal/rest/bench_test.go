package rest_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// manyPods is a round of so many pods of two containers, thirty on a node, with
// numbers as they are in life: most have all their digits.
func manyPods(count int) *hub.View {
	random := rand.New(rand.NewPCG(1, 2))
	busy := func() *hub.Usage {
		u := hub.NewUsage()
		u.OverSeconds = 10 + random.Float64()/100
		for m := range u.Values {
			switch m := hub.Metric(m); {
			case m >= hub.PressureCPUSome || m == hub.CPUThrottledRatio:
				u.Values[m] = random.Float64() / 10
			case strings.HasSuffix(m.String(), "PerSecond") || m == hub.CPUMillicores:
				u.Values[m] = random.ExpFloat64() * 1000
			default:
				u.Values[m] = float64(random.Int64N(1 << 32))
			}
		}
		return &u
	}
	share := &hub.Ratios{CPUOfRequest: 0.5123, CPUOfLimit: 0.2562, MemoryOfRequest: 0.75, MemoryOfLimit: 0.375}
	view := testView()
	view.Pods = nil
	for i := range count {
		name := fmt.Sprintf("web-7d9f8c6b5-%05d", i)
		pod := &hub.Item{
			Kind: "Pod", Namespace: fmt.Sprintf("team-%03d", i/100), Name: name, UID: fmt.Sprintf("3b1f2c4d-aaaa-bbbb-cccc-%012d", i),
			Node: fmt.Sprint("node", i%(count/30+1)), Phase: "Running", HostNetwork: new(false), Owner: &hub.Owner{Kind: "Deployment", Name: "web"},
			Status: hub.Status{State: hub.StateOK, SampleTime: roundTime, AgeSeconds: new(random.Float64())},
			Usage:  busy(), Requests: resources(200, 1<<29), Limits: resources(400, 1<<30), Ratios: share, Labels: map[string]string{"app": "web"},
		}
		for c := range 2 {
			pod.Containers = append(pod.Containers, &hub.ContainerItem{
				Name: fmt.Sprint("container-", c), ID: fmt.Sprintf("%064x", 2*i+c), Usage: busy(), Requests: resources(100, 1<<28), Limits: resources(200, 1<<29), Ratios: share,
			})
		}
		view.Pods = append(view.Pods, pod)
	}
	return view
}

// sink is a client that takes an answer and forgets it.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { s.bytes += len(p); return len(p), nil }

func benchHandler(tb testing.TB, r rest.Reader) http.Handler {
	h, err := rest.New(config(r, io.Discard))
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// BenchmarkTenThousandPods measures the handler: "first" is a round's first
// answer, "again" any other.
func BenchmarkTenThousandPods(b *testing.B) {
	r := &reader{view: manyPods(10_000)}
	for _, bb := range []struct{ name, target, accept string }{
		{"plain", v1 + "/pods", ""},
		{"gzip", v1 + "/pods", "gzip"},
		{"zstd", v1 + "/pods", "zstd"},
		{"fields", v1 + "/pods?fields=name,namespace,usage.cpuMillicores,usage.memoryBytes", ""},
		{"sorted", v1 + "/pods?sort=-memory&limit=50", "zstd"},
		{"of a node", v1 + "/nodes/node1/pods", "zstd"},
		{"top", v1 + "/top?of=containers&by=cpu&limit=10", ""},
		{"one", v1 + "/namespaces/team-050/pods/web-7d9f8c6b5-05010", ""},
	} {
		b.Run(bb.name+"/first", func(b *testing.B) { benchmark(b, r, bb.target, bb.accept, true) })
		b.Run(bb.name+"/again", func(b *testing.B) { benchmark(b, r, bb.target, bb.accept, false) })
	}
	b.Run("304", func(b *testing.B) {
		h := benchHandler(b, r)
		req := httptest.NewRequest(http.MethodGet, v1+"/pods", nil)
		req.Header.Set("If-None-Match", get(h, v1+"/pods").Header().Get("ETag"))
		b.ReportAllocs()
		for b.Loop() {
			w := sink{header: http.Header{}}
			if h.ServeHTTP(&w, req); w.status != http.StatusNotModified || w.bytes > 0 {
				b.Fatalf("status %d with %d bytes", w.status, w.bytes)
			}
		}
	})
}

func benchmark(b *testing.B, r *reader, target, accept string, first bool) {
	h := benchHandler(b, r)
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.Header.Set("Accept-Encoding", accept)
	h.ServeHTTP(&sink{header: http.Header{}}, req) // packers are made once
	bytes, began := 0, cpuTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if first {
			r.next()
		}
		w := sink{header: http.Header{}}
		if h.ServeHTTP(&w, req); w.status != http.StatusOK {
			b.Fatalf("status %d", w.status)
		}
		bytes = w.bytes
	}
	b.ReportMetric(float64(bytes), "bytes/answer")
	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N)/1e6, "cpu-ms/op")
}

// cpuTime is what the process has used, the garbage collector included. Others
// on the machine make an answer late, and no dearer.
func cpuTime(tb testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// TestWhatAnAnswerCosts bounds memory, which does not depend on the machine as
// times do: in allocations, and in bytes by the size of the answer.
func TestWhatAnAnswerCosts(t *testing.T) {
	r := &reader{view: manyPods(2000)}
	h := benchHandler(t, r)
	tests := []struct {
		name, target, accept string
		first                bool
		allocations          float64
	}{
		{"each item once a round", v1 + "/pods", "", true, 400},
		{"a list again", v1 + "/pods", "", false, 60},
		{"a packed list again", v1 + "/pods", "zstd", false, 60},
		{"another order of it", v1 + "/pods?sort=-memory&limit=50", "", false, 60},
		{"one pod", v1 + "/namespaces/team-010/pods/web-7d9f8c6b5-01010", "", true, 120},
	}
	for _, tt := range tests {
		req := httptest.NewRequest(http.MethodGet, tt.target, nil)
		req.Header.Set("Accept-Encoding", tt.accept)
		got := testing.AllocsPerRun(5, func() {
			if tt.first {
				r.next()
			}
			w := sink{header: http.Header{}}
			if h.ServeHTTP(&w, req); w.status != http.StatusOK {
				t.Fatalf("%s: status %d", tt.name, w.status)
			}
		})
		t.Logf("%s: %v allocations", tt.name, got)
		if got > tt.allocations {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.allocations)
		}
	}
	req := httptest.NewRequest(http.MethodGet, v1+"/pods", nil)
	req.Header.Set("If-None-Match", get(h, v1+"/pods").Header().Get("ETag"))
	if got := testing.AllocsPerRun(10, func() { h.ServeHTTP(&sink{header: http.Header{}}, req) }); got > 30 {
		t.Errorf("a 304: %v allocations, want at most 30", got)
	}
}
