package rest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

var roundTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// reader is a rest.Reader over a view made by hand. Its history has a point
// for each of three rounds, the middle one a gap.
type reader struct {
	view *hub.View
	err  error
	// gone are the things that only the window knows, by name.
	gone map[string]hub.Series
	// broken is what History fails with.
	broken error
	asked  []hub.HistoryQuery

	published chan struct{}
}

func (r *reader) View() (*hub.View, error) { return r.view, r.err }

// Published never tells, unless a test makes the channel.
func (r *reader) Published() <-chan struct{} { return r.published }

// next makes a round that is as the one before, but for its number.
func (r *reader) next() {
	view, round := *r.view, *r.view.Round
	round.Number++
	view.Round = &round
	r.view = &view
}

func (r *reader) History(_ *hub.View, q hub.HistoryQuery) (hub.History, error) {
	r.asked = append(r.asked, q)
	if r.broken != nil {
		return hub.History{}, r.broken
	}
	h := hub.History{Last: r.gone[q.Name]}
	if strings.HasPrefix(q.Name, "no-such") {
		return h, fmt.Errorf("%s: %w", q.Name, hub.ErrNotFound)
	}
	for i := range 3 {
		h.Times = append(h.Times, roundTime.Add(time.Duration(i-2)*10*time.Second))
	}
	for m := range h.Values {
		h.Values[m] = []float64{1.5, math.NaN(), 0}
	}
	if q.Kind == hub.KindNode {
		h.CPUModes = modesHistory(q.Step > 0)
	}
	if q.Kind != hub.KindPod && q.Kind != hub.KindNode {
		h.Reporting, h.Count = []int{2, 0, 2}, []int{2, 3, 3}
	}
	for m := range h.Summary {
		h.Summary[m] = hub.Summary{Min: 1.5, Avg: 2, P95: hub.Number(math.NaN()), Max: 4}
	}
	if q.Step > 0 {
		h.Min, h.Max = new(h.Values), new(h.Values)
		h.Max[hub.CPUMillicores] = []float64{3, math.NaN(), 0.5}
	}
	if q.Containers {
		of := h
		h.Containers = map[string]*hub.History{"web": &of, "setup": &of}
	}
	return h, nil
}

func modesHistory(buckets bool) *hub.CPUModeHistory {
	h := &hub.CPUModeHistory{Values: new(hub.CPUModeColumns)}
	for m := range h.Values {
		h.Values[m] = []float64{0.5, math.NaN(), 0}
		h.Summary[m] = hub.Summary{Min: 0.5, Avg: 1, P95: 2, Max: 3}
	}
	if buckets {
		h.Min, h.Max = new(*h.Values), new(*h.Values)
		h.Max[hub.CPUIRQ] = []float64{7, math.NaN(), 0}
	}
	return h
}

func usage(cpu, memory float64) *hub.Usage {
	u := hub.NewUsage()
	u.OverSeconds = 10
	for m := range u.Values {
		u.Values[m] = 0.25
	}
	u.Values[hub.CPUMillicores], u.Values[hub.MemoryBytes] = cpu, memory
	return &u
}

func resources(cpu, memory float64) *hub.Resources {
	return &hub.Resources{CPUMillicores: &cpu, MemoryBytes: &memory}
}

func ok() hub.Status {
	return hub.Status{State: hub.StateOK, SampleTime: roundTime.Add(-3 * time.Second), AgeSeconds: new(3.1)}
}

func webPod(name string, cpu, memory float64) *hub.Item {
	u := usage(cpu, memory)
	u.Values[hub.PressureCPUSome] = math.NaN()
	return &hub.Item{
		Kind: "Pod", Namespace: "shop", Name: name, UID: "uid-" + name, Node: "node1", Phase: "Running",
		HostNetwork: new(false), Owner: &hub.Owner{Kind: "Deployment", Name: "web"}, Status: ok(), Usage: u,
		Requests: resources(100, 1<<20), Limits: &hub.Resources{MemoryBytes: new(float64(2 << 20))},
		Unavailable: map[string]string{"pressure.cpuSome": "PSI is not enabled in this kernel"},
		Containers: []*hub.ContainerItem{{
			Name: "web", ID: strings.Repeat("ab", 32), Restarts: 1, Usage: u,
			Requests: resources(100, 1<<20), Limits: &hub.Resources{},
		}},
		Labels: map[string]string{"app": "web"},
	}
}

func testReading() *hub.Reading {
	return &hub.Reading{
		Node: "node1", Mode: "unified", AgentVersion: "v1.2.3", Warnings: []string{"io: no such file"},
		Host: hub.HostReading{
			CPUModes:    &hub.CPUModes{hub.CPUUser: 200.5, hub.CPUSystem: 80, hub.CPUIRQ: 19.5, hub.CPUIOWait: math.NaN(), hub.CPUIdle: 3600},
			Load:        []float64{0.1, 0.2, 0.3},
			Disks:       []hub.DiskReading{{Device: "8:0", Name: "sda", ReadBytes: 1, ReadBytesPerSecond: new(1.5)}},
			Network:     []hub.InterfaceReading{{Interface: "eth0", RxBytes: 7}},
			Filesystems: []hub.FilesystemReading{{Mount: "/", TotalBytes: 10, AvailableBytes: 5}},
		},
		System:    []hub.SliceReading{{Cgroup: "system.slice", Usage: *usage(5, 6)}},
		Processes: []hub.ProcessReading{{PID: 1, Name: "systemd", MemoryBytes: 9, Threads: 1, Cgroup: "init.scope", Args: []string{"/sbin/init"}}},
	}
}

// testView has two nodes, one of them down, and four pods.
func testView() *hub.View {
	reason := "no answer for 2 rounds: connection refused"
	down := hub.Status{State: hub.StateDown, Reason: reason}
	counts := func(count, reporting int) *hub.Count { return &hub.Count{Count: count, Reporting: reporting} }
	pending := &hub.Item{
		Kind: "Pod", Namespace: "shop", Name: "db-0", UID: "uid-db-0", Phase: "Pending", HostNetwork: new(false),
		Owner:  &hub.Owner{Kind: "StatefulSet", Name: "db"},
		Status: hub.Status{State: hub.StatePending, Reason: "Unschedulable"}, Requests: &hub.Resources{}, Limits: &hub.Resources{},
		Unavailable: map[string]string{"usage": "the pod is Pending: Unschedulable"},
	}
	proxy := &hub.Item{
		Kind: "Pod", Namespace: "kube-system", Name: "proxy", UID: "uid-proxy", Node: "node2", Phase: "Running", HostNetwork: new(true),
		Owner: &hub.Owner{Kind: "Pod", Name: "proxy"}, Status: down, Unavailable: map[string]string{"usage": reason},
	}
	return &hub.View{
		Round: testRound(), Scope: hub.Everything(),
		Cluster: &hub.Item{
			Kind: "Cluster", Name: "cluster", Status: ok(), Usage: usage(300, 3<<20), Capacity: resources(4000, 1<<30),
			Allocatable: resources(3900, 1<<30), Pods: counts(4, 2), Nodes: counts(2, 1),
		},
		Nodes: []*hub.Item{
			{Kind: "Node", Name: "node1", UID: "uid-node1", Status: ok(), Usage: usage(300, 3<<20), Capacity: resources(4000, 1<<30),
				Allocatable: resources(3900, 1<<30), Requests: resources(200, 2<<20), Limits: &hub.Resources{}, Pods: counts(2, 2), Reading: testReading(),
				Unavailable: map[string]string{"cpuMillicoresByMode.iowait": "the counter fell: a rate needs two samples of one count"}},
			{Kind: "Node", Name: "node2", Status: down, Unavailable: map[string]string{"usage": reason}},
		},
		Pods: []*hub.Item{proxy, pending, webPod("web-1", 120.1234, 4<<20), webPod("web-2", 0, 8<<20)},
		Namespaces: []*hub.Item{
			{Kind: "Namespace", Name: "kube-system", Status: down, Pods: counts(1, 0), Unavailable: map[string]string{"usage": reason}},
			{Kind: "Namespace", Name: "shop", Status: ok(), Usage: usage(120.1234, 12<<20), Pods: counts(3, 2)},
		},
		Workloads: []*hub.Item{
			{Kind: "Pod", Namespace: "kube-system", Name: "proxy", Status: down, Pods: counts(1, 0), Unavailable: map[string]string{"usage": reason}},
			{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "uid-web", Status: ok(), Usage: usage(120.1234, 12<<20), Pods: counts(2, 2)},
			{Kind: "StatefulSet", Namespace: "shop", Name: "db", Status: hub.Status{State: hub.StatePending, Reason: "0 of 1 pods reporting"}, Pods: counts(1, 0)},
		},
	}
}

func testRound() *hub.Round {
	started := roundTime.Add(-time.Hour)
	ready := started.Add(10 * time.Minute)
	return &hub.Round{
		Number: 360, Time: roundTime, Interval: 10 * time.Second, Window: time.Hour, Started: started,
		Kept: hub.WindowStatus{
			Bytes: 1_000_000, MaxBytes: 1 << 20, Samples: 80_000,
			Oldest: roundTime.Truncate(5 * time.Minute).Add(-10 * time.Minute), DroppedBefore: roundTime.Truncate(5 * time.Minute).Add(-10 * time.Minute),
		},
		Nodes: []hub.NodeState{
			{Node: "node1", Agent: hub.Agent{Node: "node1", URL: "https://10.0.0.1:10290", Ready: true}, Status: ok(),
				Identity: hub.Identity{Trust: hub.TrustAttested, Fingerprint: "sha256:" + strings.Repeat("0f", 32), Since: ready}, Health: hub.Health{
					LastSample: roundTime, Took: 12345 * time.Microsecond, Bytes: 4096, ClockSkew: -1500 * time.Millisecond,
					Expected: 360, Stored: 359, FirstSeen: ready.Add(2 * time.Second), FirstStored: ready.Add(5 * time.Second),
				}},
			{Node: "node2", Agent: hub.Agent{Node: "node2", URL: "https://10.0.0.2:10290"},
				Status: hub.Status{State: hub.StateDown, Reason: "no answer for 2 rounds"},
				Health: hub.Health{Expected: 10, LastError: "connection refused", LastErrorTime: roundTime, FirstSeen: started}},
		},
		Inventory: &hub.Inventory{
			Nodes:      []*hub.Node{{Name: "node1", Ready: true, ReadySince: ready}, {Name: "node2"}},
			Connection: hub.Connection{Configured: true, Connected: false, Since: roundTime, Error: "dial tcp: connection refused"},
		},
	}
}

// selector knows one form, key=value, and the empty namespace of errors.
func selector(s string) (func(map[string]string) bool, error) {
	key, value, found := strings.Cut(s, "=")
	if !found {
		return nil, errors.New("no = in it")
	}
	return func(labels map[string]string) bool { return labels[key] == value }, nil
}

func everything(*http.Request) (hub.Scope, error) { return hub.Everything(), nil }

// readerOf names the reader that the request does.
func readerOf(r *http.Request) (key string, known bool) {
	who := r.Header.Get("Reader")
	return who, who != ""
}

func config(r rest.Reader, log io.Writer) rest.Config {
	none := func() error { return nil }
	stopping := make(chan struct{})
	close(stopping) // so that events end after the first
	return rest.Config{
		Reader: r, Selector: selector, Auth: "token", Scope: everything, ReaderOf: readerOf, Restrict: aggregate.Restrict,
		Live: none, Ready: none, Stopping: stopping,
		Answered: func(string, int, time.Duration) {},
		Version:  "v0.0.0-test", Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

func handler(t *testing.T, r rest.Reader) http.Handler {
	t.Helper()
	h, err := rest.New(config(r, t.Output()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// get asks h, with headers as name, value pairs.
func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// decode reads an answer of the wanted status.
func decode[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var answer T
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("decode %s: %v", w.Body, err)
	}
	return answer
}
