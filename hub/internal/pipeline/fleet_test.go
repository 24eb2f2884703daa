package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/hub/internal/scrape/scrapetest"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A fleet is a hub's stages, all but the cluster's the real ones, and agents on
// a network in memory. It is for a bubble.
type fleet struct {
	network  scrapetest.Network
	pipeline *pipeline.Pipeline
	window   *window.Window

	mu      sync.Mutex
	nodes   map[string]*fakeNode
	objects []*hub.Node
	pods    []*hub.Pod
	changed chan struct{}
	counts  map[hub.Failure]int
}

// fleetTimeout leaves time in an interval for those who missed the last round.
const fleetTimeout = 2 * time.Second

// A fakeNode has one processor, half of it used, and one pod, which has two
// containers and uses a quarter. All of its memory is known.
type fakeNode struct {
	name, uid string
	boot      int
	booted    time.Time
	fallen    uint64             // by how much the counter of the host's CPU time fell, in µs
	clock     time.Duration      // by how much it is ahead of the hub's
	last      *snapshot.Snapshot // that it answered
	frozen    *snapshot.Snapshot // answered again and again
	fault     *fault             // nil for none
	stop      func()             // listening
}

// What a fakeNode uses: millicores and bytes.
const (
	hostMillicores, podMillicores, containerMillicores = 500.0, 250.0, 125.0
	hostMemory, podMemory                              = 3e9, 2e8
)

func (n *fakeNode) snapshot() *snapshot.Snapshot {
	if n.frozen != nil {
		return n.frozen
	}
	up := time.Since(n.booted)
	used := func(millicores float64) uint64 { return uint64(float64(up.Microseconds()) * millicores / 1000) }
	container := func(i int) snapshot.Container {
		return snapshot.Container{
			ID: fmt.Sprintf("%064x", i) + n.uid, Name: fmt.Sprint("c", i), CgroupID: uint64(10*n.boot + i),
			CPU: &snapshot.CPU{UsageMicros: used(containerMillicores)}, Memory: &snapshot.Memory{CurrentBytes: podMemory / 2, WorkingSetBytes: podMemory / 2},
		}
	}
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: n.name, BootID: fmt.Sprint("boot", n.boot), BootNanos: int64(up), Time: time.Now().Add(n.clock),
		Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "memory"}}},
		Host: snapshot.Host{
			CPU:    snapshot.HostCPU{Count: 1, UsageMicros: new(used(hostMillicores) - n.fallen)},
			Memory: snapshot.HostMemory{TotalBytes: new(uint64(2 * hostMemory)), WorkingSetBytes: new(uint64(hostMemory))},
		},
		Pods: []snapshot.Pod{{
			UID: n.uid, Namespace: "shop", Name: "web-" + n.name, CgroupID: uint64(10 * n.boot),
			CPU: &snapshot.CPU{UsageMicros: used(podMillicores)}, Memory: &snapshot.Memory{CurrentBytes: podMemory, WorkingSetBytes: podMemory},
			Containers: []snapshot.Container{container(1), container(2)},
		}},
	}
}

// A fault is a way to answer that gives no sample.
type fault struct {
	name    string
	failure hub.Failure
	answer  func(w http.ResponseWriter, r *http.Request, n *fakeNode)
	// refuse and silent do not even take the connection.
	refuse, silent bool
}

// faults lists them.
func faults() []fault {
	text := func(body string) func(http.ResponseWriter, *http.Request, *fakeNode) {
		return func(w http.ResponseWriter, _ *http.Request, _ *fakeNode) {
			w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
			_, _ = io.WriteString(w, body)
		}
	}
	changed := func(change func(*snapshot.Snapshot)) func(http.ResponseWriter, *http.Request, *fakeNode) {
		return func(w http.ResponseWriter, _ *http.Request, n *fakeNode) {
			s := n.snapshot()
			change(s)
			send(w, s, nil)
		}
	}
	const head = `{"version":1,"node":"NODE","bootID":"b","bootNanos":1,"agent":{"cgroup":{"mode":"unified"}}`
	edited := func(with string) func(http.ResponseWriter, *http.Request, *fakeNode) {
		return func(w http.ResponseWriter, r *http.Request, n *fakeNode) {
			text(strings.ReplaceAll(head+with, "NODE", n.name))(w, r, n)
		}
	}
	return []fault{
		{name: "refuses", failure: hub.FailureRefused, refuse: true},
		{name: "is silent", failure: hub.FailureTimeout, silent: true},
		{name: "hangs", failure: hub.FailureTimeout, answer: func(_ http.ResponseWriter, r *http.Request, _ *fakeNode) { <-r.Context().Done() }},
		{name: "drips", failure: hub.FailureTimeout, answer: drip},
		{name: "bombs", failure: hub.FailureContentType, answer: bomb()},
		{name: "never ends", failure: hub.FailureTooLarge, answer: flood},
		{name: "garbage", failure: hub.FailureDecode, answer: text("\x00\x01kubemon")},
		{name: "not JSON", failure: hub.FailureDecode, answer: edited("")},
		{name: "not UTF-8", failure: hub.FailureDecode, answer: edited(",\"bootID\":\"\xff\"}")},
		{name: "deep", failure: hub.FailureDecode, answer: edited(`,"x":` + strings.Repeat("[", 1000))},
		{name: "wrong type", failure: hub.FailureDecode, answer: edited(`,"pods":{}}`)},
		{name: "negative", failure: hub.FailureDecode, answer: edited(`,"host":{"cpu":{"usageMicros":-1}}}`)},
		{name: "infinite", failure: hub.FailureDecode, answer: edited(`,"host":{"load":[1e999,0,0]}}`)},
		{name: "not a number", failure: hub.FailureDecode, answer: edited(`,"host":{"load":[NaN,0,0]}}`)},
		{name: "future version", failure: hub.FailureDecode, answer: changed(func(s *snapshot.Snapshot) { s.Version = 2 })},
		{name: "no version", failure: hub.FailureDecode, answer: changed(func(s *snapshot.Snapshot) { s.Version = 0 })},
		{name: "same pod twice", failure: hub.FailureDecode, answer: changed(func(s *snapshot.Snapshot) { s.Pods = append(s.Pods, s.Pods[0]) })},
		{name: "another node", failure: hub.FailureWrongNode, answer: changed(func(s *snapshot.Snapshot) { s.Node = "node-elsewhere" })},
		{name: "cut short", failure: hub.FailureBroken, answer: cutShort},
		{name: "breaks off", failure: hub.FailureBroken, answer: func(http.ResponseWriter, *http.Request, *fakeNode) { panic(http.ErrAbortHandler) }},
		{name: "fails", failure: hub.FailureStatus, answer: func(w http.ResponseWriter, _ *http.Request, _ *fakeNode) {
			w.WriteHeader(http.StatusInternalServerError)
		}},
		{name: "knows nobody", failure: hub.FailureUnauthorized, answer: func(w http.ResponseWriter, _ *http.Request, _ *fakeNode) { w.WriteHeader(http.StatusUnauthorized) }},
	}
}

// drip gives a byte now and then: never a pause that would end a connection.
func drip(w http.ResponseWriter, r *http.Request, _ *fakeNode) {
	w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

// bomb sends what would be ten gigabytes once unpacked.
func bomb() func(http.ResponseWriter, *http.Request, *fakeNode) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(make([]byte, 1<<20))
	_ = zip.Close()
	return func(w http.ResponseWriter, _ *http.Request, _ *fakeNode) {
		w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
		w.Header().Set("Content-Encoding", "gzip")
		for range 10_000 {
			if _, err := w.Write(packed.Bytes()); err != nil {
				return
			}
		}
	}
}

func flood(w http.ResponseWriter, _ *http.Request, _ *fakeNode) {
	w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
	for piece := make([]byte, 256<<10); ; {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

func cutShort(w http.ResponseWriter, _ *http.Request, n *fakeNode) {
	body, _ := snapshot.Encode(n.snapshot(), snapshot.ContentTypeMsgpack)
	w.Header().Set("Content-Type", snapshot.ContentTypeMsgpack)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body[:len(body)/2])
}

func send(w http.ResponseWriter, s *snapshot.Snapshot, accept http.Header) {
	contentType := snapshot.Negotiate(accept.Get("Accept"))
	body, err := snapshot.Encode(s, contentType)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body)
}

// startFleet runs a hub of so many nodes until the test is over.
func startFleet(t *testing.T, keep time.Duration, nodes int) *fleet {
	f := &fleet{nodes: map[string]*fakeNode{}, changed: make(chan struct{}, 1), counts: map[hub.Failure]int{}}
	for i := range nodes {
		f.join(fmt.Sprintf("node-%03d", i))
	}
	frames, err := window.Open(keep, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.window = frames
	scraper := scrape.New(scrape.Config{Timeout: fleetTimeout, Interval: interval, UserAgent: "test", Dial: f.network.Dial, Trust: scrape.Pinned{}})
	f.pipeline = pipeline.New(pipeline.Config{
		Agents: f, Scraper: scraper, Names: f, Store: frames, Meter: f, Kept: frames.Status,
		Attribute: aggregate.Attribute, Sum: aggregate.Sum, Answer: aggregate.Answer,
		Interval: interval, Window: keep, Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { f.pipeline.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		scraper.Close()
		for _, n := range f.nodes {
			n.stop()
		}
		if err := frames.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // BuntDB's own goroutine ends at its next tick
	})
	return f
}

// join adds a node that listens and answers well.
func (f *fleet) join(name string) *fakeNode {
	n := &fakeNode{name: name, uid: "uid-" + name, booted: time.Now().Add(-time.Minute)}
	f.nodes[name] = n
	n.stop = f.network.Serve(name+":10290", f.handler(n))
	return n
}

func (f *fleet) handler(n *fakeNode) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		fault := n.fault
		var s *snapshot.Snapshot
		if fault == nil {
			s = n.snapshot()
			n.last = s
		}
		f.mu.Unlock()
		if fault != nil {
			fault.answer(w, r, n)
			return
		}
		send(w, s, r.Header)
	})
}

// set gives a node a fault, or none; nothing may be under way. Mending one
// closes the connections that are open, as a new agent does.
func (f *fleet) set(n *fakeNode, next *fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.fault != nil && (n.fault.refuse || n.fault.silent) {
		n.stop()
		n.stop = f.network.Serve(n.name+":10290", f.handler(n))
	}
	if n.fault = next; next != nil && (next.refuse || next.silent) {
		n.stop()
		if n.stop = func() {}; next.silent {
			n.stop = f.network.Silence(n.name + ":10290")
		}
	}
}

// leave deletes a node: its agent, and its object if it had one.
func (f *fleet) leave(n *fakeNode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n.stop()
	delete(f.nodes, n.name)
	f.objects = slices.DeleteFunc(f.objects, func(o *hub.Node) bool { return o.Name == n.name })
}

func (f *fleet) Agents() []hub.Agent {
	f.mu.Lock()
	defer f.mu.Unlock()
	var agents []hub.Agent
	for _, name := range slices.Sorted(maps.Keys(f.nodes)) {
		agents = append(agents, hub.Agent{Node: name, URL: "http://" + name + ":10290", Ready: true})
	}
	return agents
}

func (f *fleet) Changed() <-chan struct{} { return f.changed }

func (f *fleet) hint() {
	f.changed <- struct{}{}
	synctest.Wait()
}

func (f *fleet) Inventory() *hub.Inventory {
	f.mu.Lock()
	defer f.mu.Unlock()
	return hub.NewInventory(f.pods, slices.Clone(f.objects), nil, nil, hub.Connection{Configured: true, Connected: true})
}

func (f *fleet) Round(time.Duration, int) {}

func (f *fleet) Asked(r *hub.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[r.Failure]++
}

func (f *fleet) view(t *testing.T) *hub.View {
	t.Helper()
	v, err := f.pipeline.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// history is a node's CPU and memory over the window, without what is unknown.
func (f *fleet) history(t *testing.T, q hub.HistoryQuery, m hub.Metric) []float64 {
	t.Helper()
	h, err := aggregate.History(f.view(t), f.window, q)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(h.Values[m], func(v float64) bool { return v != v })
}
