package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/shared/snapshot"
)

const (
	interval = 10 * time.Second
	timeout  = 5 * time.Second
)

// A machine is a node with an agent that uses half a processor.
type machine struct {
	name, bootID string
	booted       time.Time
	refuses      bool // connections
	hangs        bool // takes a connection and says nothing
	frozen       *snapshot.Snapshot
	mode         string
}

func (m *machine) snapshot() *snapshot.Snapshot {
	if m.frozen != nil {
		return m.frozen
	}
	up := time.Since(m.booted)
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: m.name, BootID: m.bootID, BootNanos: int64(up), Time: time.Now().Add(-time.Hour),
		Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: m.mode}},
		Host:  snapshot.Host{CPU: snapshot.HostCPU{Count: 1, UsageMicros: new(uint64(up.Microseconds() / 2))}},
	}
}

func (m *machine) boot() { m.bootID, m.booted = m.bootID+"+", time.Now() }

// A cluster is all that a pipeline is connected to: it finds the machines as
// agents, asks them, names them and keeps their frames. Tests change it while
// the pipeline waits.
type cluster struct {
	// changes is the test's while it changes things, and the pipeline's while
	// it uses them.
	changes   sync.Mutex
	machines  map[string]*machine // by agent address
	agents    []hub.Agent
	changed   chan struct{}
	inventory *hub.Inventory
	frames    []*hub.Frame
	sums      []hub.Sums
	keepErr   error
	sumErr    error
	// oversleeps is by how much a round ignores its deadline.
	oversleeps time.Duration
	asked      map[string]int
	failures   map[hub.Failure]int
	// rounds were made, and skipped ones were not.
	rounds, skipped int
	log             bytes.Buffer
	pipeline        *pipeline.Pipeline
}

func newCluster(names ...string) *cluster {
	c := &cluster{
		machines: map[string]*machine{}, changed: make(chan struct{}, 1),
		inventory: hub.NewInventory(nil, nil, nil, nil, hub.Connection{}), asked: map[string]int{}, failures: map[hub.Failure]int{},
	}
	for _, name := range names {
		c.join(name)
	}
	return c
}

// join adds a machine that booted a minute ago, and its agent.
func (c *cluster) join(name string) *machine {
	m := &machine{name: name, bootID: "boot", booted: time.Now().Add(-time.Minute), mode: snapshot.ModeUnified}
	c.machines["http://"+name] = m
	c.agents = append(c.agents, hub.Agent{Node: name, URL: "http://" + name, Ready: true})
	return m
}

// ready sets the condition of the agent's endpoint.
func (c *cluster) ready(agent int, ready bool) {
	c.agents = slices.Clone(c.agents)
	c.agents[agent].Ready = ready
}

// hint says that there are other agents, and lets the pipeline act on it.
func (c *cluster) hint() {
	c.changed <- struct{}{}
	c.wait(0)
}

func (c *cluster) Agents() []hub.Agent {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.agents
}

func (c *cluster) Changed() <-chan struct{} { return c.changed }

func (c *cluster) Inventory() *hub.Inventory {
	c.changes.Lock()
	defer c.changes.Unlock()
	return c.inventory
}

func (c *cluster) Keep(f *hub.Frame) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.frames = append(c.frames, f)
	return c.keepErr
}

func (c *cluster) KeepSums(s *hub.Sums) error {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.sums = append(c.sums, *s)
	return c.sumErr
}

// Round asks the machines at once, like the real thing.
func (c *cluster) Round(ctx context.Context, agents []hub.Agent) iter.Seq2[int, hub.Result] {
	c.changes.Lock()
	oversleeps := c.oversleeps
	c.changes.Unlock()
	time.Sleep(oversleeps)
	results := make([]hub.Result, len(agents))
	var wait sync.WaitGroup
	for i, agent := range agents {
		wait.Go(func() {
			results[i] = hub.Result{Agent: agent, Started: time.Now(), Bytes: 1}
			results[i].Snapshot, results[i].Err = c.ask(ctx, agent.URL)
			results[i].Took = time.Since(results[i].Started)
		})
	}
	wait.Wait()
	return slices.All(results)
}

func (c *cluster) ask(ctx context.Context, address string) (*snapshot.Snapshot, error) {
	c.changes.Lock()
	defer c.changes.Unlock()
	c.asked[address]++
	m := c.machines[address]
	if m.refuses {
		return nil, errors.New("connection refused")
	}
	if m.hangs {
		c.changes.Unlock()
		defer c.changes.Lock()
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		<-ctx.Done()
		return nil, errors.New("no whole answer")
	}
	return m.snapshot(), nil
}

// A meter counts for the cluster.
type meter struct{ *cluster }

func (m meter) Round(_ time.Duration, skipped int) {
	m.changes.Lock()
	defer m.changes.Unlock()
	m.rounds++
	m.skipped += skipped
}

func (m meter) Asked(r *hub.Result) {
	m.changes.Lock()
	defer m.changes.Unlock()
	m.failures[r.Failure]++
}

// run starts the pipeline on the cluster and stops it when the test is over.
// It must be called in a bubble.
func (c *cluster) run(t *testing.T) {
	t.Helper()
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	c.pipeline = pipeline.New(pipeline.Config{
		Agents: c, Scraper: c, Names: c, Store: c, Meter: meter{c}, Interval: interval, Window: time.Minute,
		Attribute: func(r *hub.Reading, _ *hub.Inventory, round time.Time) *hub.Frame {
			return &hub.Frame{Node: r.Node, Time: round}
		},
		// The one sum of a round has a row of each node that is in it.
		Sum: func(v *hub.View, frames []*hub.Frame) []hub.Sums {
			sums := hub.Sums{Time: v.Round.Time}
			for _, f := range frames {
				sums.Rows = append(sums.Rows, hub.Row{Series: hub.Series{Node: f.Node}})
			}
			if c.sumErr != nil {
				return []hub.Sums{sums, sums}
			}
			return []hub.Sums{sums}
		},
		Kept:   func() hub.WindowStatus { return hub.WindowStatus{Samples: int64(len(c.frames))} },
		Answer: func(r *hub.Round) *hub.View { return &hub.View{Round: r} },
		Log:    slog.New(slog.NewTextHandler(&c.log, &slog.HandlerOptions{ReplaceAttr: noTime})),
	})
	if _, err := c.pipeline.View(); !errors.Is(err, hub.ErrNotReady) {
		t.Errorf("View before Run: %v, want ErrNotReady", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		c.pipeline.Run(ctx)
		close(done)
	}()
	c.changes.Lock()
	t.Cleanup(func() {
		c.changes.Unlock()
		stop()
		<-done
	})
	c.wait(0)
}

// wait lets time pass in the bubble, then everything that is due happen.
func (c *cluster) wait(d time.Duration) {
	c.changes.Unlock()
	time.Sleep(d)
	synctest.Wait()
	c.changes.Lock()
}

// untilRound waits until just after a round that is due has begun and what
// answers has answered.
func (c *cluster) untilRound() { c.wait(interval) }

func (c *cluster) round(t *testing.T) *hub.Round {
	t.Helper()
	v, err := c.pipeline.View()
	if err != nil {
		t.Fatal(err)
	}
	return v.Round
}

func (c *cluster) node(t *testing.T, name string) hub.NodeState {
	t.Helper()
	for _, n := range c.round(t).Nodes {
		if n.Node == name {
			return n
		}
	}
	t.Fatalf("no node %s in the round", name)
	return hub.NodeState{}
}

// want checks a node's state and its CPU: over how many seconds half a
// processor was seen, 0 for no rate, -1 for no reading at all.
func (c *cluster) want(t *testing.T, name, state, reason string, overSeconds float64) {
	t.Helper()
	n := c.node(t, name)
	if n.Status.State != state || !strings.Contains(n.Status.Reason, reason) || (reason == "") != (n.Status.Reason == "") {
		t.Errorf("%s is %s (%s), want %s (%s)", name, n.Status.State, n.Status.Reason, state, reason)
	}
	if (n.Reading == nil) != (overSeconds < 0) {
		t.Fatalf("%s: reading %v; want over %v s", name, n.Reading, overSeconds)
	}
	if overSeconds < 0 {
		return
	}
	u := n.Reading.Host.Usage
	cpu := u.Values[hub.CPUMillicores]
	if u.OverSeconds != overSeconds || overSeconds > 0 && cpu != 500 || overSeconds == 0 && !math.IsNaN(cpu) {
		t.Errorf("%s: %v millicores over %v s, want 500 over %v s", name, cpu, u.OverSeconds, overSeconds)
	}
}

func (c *cluster) framesOf(name string) int {
	count := 0
	for _, f := range c.frames {
		if f.Node == name {
			count++
		}
	}
	return count
}
