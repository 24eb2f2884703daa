package pipeline_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A keeper is a node whose agent kept snapshots. It uses half a processor, and
// its one pod, with one container, a quarter.
type keeper struct {
	name   string
	booted time.Time
	skew   time.Duration // of its clock
	// kept are the times by the hub's clock, in their order.
	kept []time.Time
	// lies changes what is answered, err takes its place; none says that nothing
	// is kept, and waits is for how long there is no answer.
	lies  func(past []*snapshot.Snapshot) []*snapshot.Snapshot
	err   error
	none  bool
	waits time.Duration
	asked int
}

func (k *keeper) at(now time.Time) *snapshot.Snapshot {
	up := now.Sub(k.booted)
	boot := "boot"
	if up < 0 { // before it booted it was up, too
		up, boot = up+24*time.Hour, "boot before"
	}
	used := func(share int64) uint64 { return uint64(up.Microseconds() / share) }
	group := &snapshot.CPU{UsageMicros: used(4)}
	memory := &snapshot.Memory{CurrentBytes: 1 << 20, WorkingSetBytes: 1 << 20}
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: k.name, BootID: boot, BootNanos: int64(up), Time: now.Add(k.skew).UTC(),
		Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "memory"}}},
		Host: snapshot.Host{
			CPU:    snapshot.HostCPU{Count: 1, UsageMicros: new(used(2))},
			Memory: snapshot.HostMemory{TotalBytes: new(uint64(1 << 30)), WorkingSetBytes: new(uint64(1 << 29))},
		},
		Pods: []snapshot.Pod{{
			UID: "uid-" + k.name, Namespace: "shop", Name: "web-" + k.name, CgroupID: 1, CPU: group, Memory: memory,
			Containers: []snapshot.Container{{ID: k.name, Name: "web", CgroupID: 2, CPU: group, Memory: memory}},
		}},
	}
}

// sampled keeps a snapshot each interval, of the last so many until so long
// before now.
func (k *keeper) sampled(count int, until time.Duration) {
	last := time.Now().Add(-until)
	for i := count - 1; i >= 0; i-- {
		k.kept = append(k.kept, last.Add(-time.Duration(i)*interval))
	}
}

// A restart is a hub that starts where agents already are. Its aggregate and
// window are the real ones. Keepers are the pipeline's once it runs.
type restart struct {
	keepers  map[string]*keeper // by address
	named    func() error
	pods     []*hub.Pod
	nodes    []*hub.Node
	maxBytes int64 // of the window, 0 is no bound
	started  time.Time
	log      bytes.Buffer
	pipeline *pipeline.Pipeline
	window   *window.Window

	mu   sync.Mutex
	puts map[string]int // frames by node and time
	sums map[time.Time][]hub.Sums
}

func newRestart(names ...string) *restart {
	r := &restart{keepers: map[string]*keeper{}, puts: map[string]int{}, sums: map[time.Time][]hub.Sums{}}
	for _, name := range names {
		r.keepers["http://"+name] = &keeper{name: name, booted: time.Now().Add(-24 * time.Hour)}
		r.nodes = append(r.nodes, &hub.Node{Name: name})
		r.pods = append(r.pods, &hub.Pod{
			UID: "uid-" + name, Namespace: "shop", Name: "web-" + name, Node: name, Phase: "Running",
			Owner: hub.Owner{Kind: "Deployment", Name: "web"}, Containers: []hub.Container{{Name: "web", ID: name}},
		})
	}
	return r
}

func (r *restart) keeper(name string) *keeper { return r.keepers["http://"+name] }

func (r *restart) Agents() []hub.Agent {
	var all []hub.Agent
	for url, k := range r.keepers {
		all = append(all, hub.Agent{Node: k.name, URL: url, Ready: true})
	}
	return all
}

func (r *restart) Changed() <-chan struct{} { return nil }

func (r *restart) Inventory() *hub.Inventory {
	return hub.NewInventory(slices.Clone(r.pods), slices.Clone(r.nodes), nil, nil, hub.Connection{})
}

func (r *restart) Round(_ context.Context, agents []hub.Agent) iter.Seq2[int, hub.Result] {
	return func(yield func(int, hub.Result) bool) {
		for i, agent := range agents {
			k := r.keepers[agent.URL]
			if !yield(i, hub.Result{Agent: agent, Snapshot: k.at(time.Now()), Started: time.Now()}) {
				return
			}
		}
	}
}

// Past answers as agents do.
func (r *restart) Past(ctx context.Context, queries []hub.PastQuery) []hub.Past {
	all := make([]hub.Past, len(queries))
	for i, q := range queries {
		k := r.keepers[q.Agent.URL]
		k.asked++
		select {
		case <-ctx.Done():
			return all
		case <-time.After(k.waits):
		}
		if k.err != nil || k.none {
			all[i].Err = k.err
			continue
		}
		var past []*snapshot.Snapshot
		for _, at := range k.kept {
			if s := k.at(at); !at.Before(q.Since.Add(-k.skew)) && !at.After(q.Until.Add(-k.skew)) {
				past = append(past, s)
			}
		}
		if k.lies != nil {
			past = k.lies(past)
		}
		data, err := snapshot.EncodeHistory(past)
		if err != nil {
			panic(err)
		}
		all[i].History, all[i].Err = snapshot.DecodeHistory(data)
	}
	return all
}

func (r *restart) Keep(f *hub.Frame) error {
	r.mu.Lock()
	r.puts[fmt.Sprint(f.Node, f.Time)]++
	r.mu.Unlock()
	return r.window.Keep(f)
}

func (r *restart) KeepSums(s *hub.Sums) error {
	r.mu.Lock()
	r.sums[s.Time] = append(r.sums[s.Time], *s)
	r.mu.Unlock()
	return r.window.KeepSums(s)
}

// run starts the hub and stops it when the test is over.
func (r *restart) run(t *testing.T) {
	t.Helper()
	var err error
	if r.window, err = window.Open(time.Hour, r.maxBytes); err != nil {
		t.Fatal(err)
	}
	r.started = time.Now()
	r.pipeline = pipeline.New(pipeline.Config{
		Agents: r, Scraper: r, Names: r, Store: r, Past: r, Named: r.named, Kept: r.window.Status,
		Attribute: aggregate.Attribute, Sum: aggregate.Sum, Answer: aggregate.Answer,
		Interval: interval, Window: time.Hour, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.pipeline.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := r.window.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second) // BuntDB's own goroutine ends at its next tick
	})
	r.wait(0)
}

func (r *restart) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// filled waits until the replay is done and returns what it was.
func (r *restart) filled(t *testing.T) hub.Replay {
	t.Helper()
	for range 120 {
		r.wait(interval)
		v, err := r.pipeline.View()
		if err != nil {
			t.Fatal(err)
		}
		if v.Round.Replay.State == hub.ReplayDone {
			return v.Round.Replay
		}
	}
	t.Fatal("the replay is not done after twenty minutes")
	return hub.Replay{}
}

// cpu is a thing's CPU over the last rounds, in millicores, by the number of
// the round: 0 is the hub's first. Unknown values are NaN, gaps are not there.
func (r *restart) cpu(t *testing.T, q hub.HistoryQuery) map[int]float64 {
	t.Helper()
	v, err := r.pipeline.View()
	if err != nil {
		t.Fatal(err)
	}
	q.Window = cmp.Or(q.Window, 30*time.Minute)
	h, err := aggregate.History(v, r.window, q)
	if err != nil {
		t.Fatal(err)
	}
	cpu := map[int]float64{}
	for i, at := range h.Times {
		since := at.Sub(r.started)
		if since%interval != 0 {
			t.Errorf("a round lies %v from the hub's first", since)
		}
		if v := h.Values[hub.CPUMillicores][i]; v == v {
			cpu[int(since/interval)] = v
		}
	}
	return cpu
}

// whole checks that each round from one to another has that value.
func whole(t *testing.T, what string, cpu map[int]float64, from, to int, want float64) {
	t.Helper()
	for round := from; round <= to; round++ {
		if got, ok := cpu[round]; !ok || got < want-1 || got > want+1 {
			t.Errorf("%s: round %d has %v (%v), want %v", what, round, got, ok, want)
		}
	}
}
