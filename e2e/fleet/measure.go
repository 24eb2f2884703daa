package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// A Report is what was measured.
type Report struct {
	Nodes, Pods, Containers int
	// Rounds were made while the hub was measured; Skipped were due and left out.
	Rounds, Skipped int
	// Dropped counts the samples that rounds lacked.
	Dropped int
	// LongestRound is at least as long as the longest one, by the buckets of the
	// hub's metrics; 0 is longer than all of them.
	LongestRound time.Duration
	// CPUPerScrape is of the whole hub, names and sums included.
	CPUPerScrape time.Duration
	// BareCPUPerScrape is of a client that only gets the snapshots; 0 if that
	// was not measured.
	BareCPUPerScrape time.Duration
	ResidentBytes    int64 // at the end
	MaxResidentBytes int64
	WindowBytes      int64 // by the hub's own count
	WindowSamples    int64
	LongestScrape    time.Duration // of each node's last one
	// ReplayedRounds and ReplayedSamples were filled in before the measurement.
	ReplayedRounds, ReplayedSamples int
	Answers                         []Asked
}

// Asked is one query, and how long the hub took for it.
type Asked struct {
	Name, Path        string
	Shortest, Longest time.Duration
	Bytes             int
}

// status is what is read of /api/v1/status.
type status struct {
	Window struct{ Bytes, Samples int64 }
	Replay struct {
		State           string
		Rounds, Samples int
		Failures        []failure
	}
	Agents []agent
}

type failure struct{ Node, Reason string }

type agent struct {
	Node, State, Reason          string
	RoundsExpected, RoundsStored int
	ScrapeMilliseconds           *float64
	LastError                    string
}

func (f *Fleet) status(ctx context.Context) (status, error) {
	var s status
	a, err := f.Hub.Get(ctx, "/api/v1/status")
	if err == nil {
		err = json.Unmarshal(a.Body, &s)
	}
	return s, err
}

// AwaitReady waits until the hub shows every node with numbers and names, and
// has filled its window with what the agents have kept.
func (f *Fleet) AwaitReady(ctx context.Context) error {
	for {
		missing, err := f.missing(ctx)
		if err == nil && missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the hub: %s: %w", missing, errors.Join(err, ctx.Err()))
		case <-f.Hub.ended:
			return errors.New("wait for the hub: it has ended")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// missing says what keeps the hub from showing everything.
func (f *Fleet) missing(ctx context.Context) (string, error) {
	if _, err := f.Hub.Get(ctx, "/readyz"); err != nil {
		return "not ready", err
	}
	s, err := f.status(ctx)
	if err != nil {
		return "no status", err
	}
	if len(s.Agents) != len(f.Nodes) {
		return fmt.Sprintf("%d of %d agents", len(s.Agents), len(f.Nodes)), nil
	}
	for _, a := range s.Agents {
		if a.State != "ok" {
			return fmt.Sprintf("node %s is %s: %s", a.Node, a.State, a.Reason), nil
		}
	}
	if s.Replay.State == "waiting" || s.Replay.State == "running" {
		return fmt.Sprintf("%d rounds are filled in", s.Replay.Rounds), nil
	}
	return "", nil
}

// Measure lets the hub make rounds for a time in which nobody asks it for
// anything, then asks it for everything. With an error there may be a report, of
// what was seen until then.
func (f *Fleet) Measure(ctx context.Context, during time.Duration) (*Report, error) {
	before, err := f.now(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.Hub.ended:
		return nil, errors.New("the hub ended while it was measured")
	case <-time.After(during):
	}
	after, err := f.now(ctx)
	if err != nil {
		return nil, err
	}
	made := after.rounds.made - before.rounds.made
	if made == 0 {
		return nil, fmt.Errorf("the hub made no round in %s", during)
	}
	r := &Report{
		Nodes: len(f.Nodes), Pods: len(f.Nodes) * PodsPerNode, Containers: len(f.Nodes) * PodsPerNode * ContainersPerPod,
		Rounds: made, Skipped: after.rounds.skipped - before.rounds.skipped, LongestRound: after.rounds.longest(before.rounds),
		CPUPerScrape:   (after.cost.CPU - before.cost.CPU) / time.Duration(made*len(f.Nodes)),
		ReplayedRounds: after.status.Replay.Rounds, ReplayedSamples: after.status.Replay.Samples,
		WindowBytes: after.status.Window.Bytes, WindowSamples: after.status.Window.Samples,
		ResidentBytes: after.cost.ResidentBytes, MaxResidentBytes: after.cost.MaxBytes,
	}
	if err := checkAgents(before.status, after.status, r); err != nil {
		return r, err
	}
	r.Answers, err = f.ask(ctx)
	return r, err
}

// A moment is all that is known of the hub at one.
type moment struct {
	status status
	rounds rounds
	cost   Cost
}

func (f *Fleet) now(ctx context.Context) (m moment, err error) {
	if m.status, err = f.status(ctx); err != nil {
		return m, err
	}
	if m.rounds, err = f.rounds(ctx); err != nil {
		return m, err
	}
	m.cost, err = f.Hub.Cost()
	return m, err
}

// checkAgents returns an error unless every round between the two has a sample
// of every node, and all that agents had kept was used.
func checkAgents(before, after status, r *Report) error {
	dropped := make(map[string]int)
	for _, a := range before.Agents {
		dropped[a.Node] = a.RoundsExpected - a.RoundsStored
	}
	var wrong []error
	for _, a := range after.Agents {
		missed := a.RoundsExpected - a.RoundsStored - dropped[a.Node]
		r.Dropped += missed
		if a.State != "ok" || missed > 0 {
			wrong = append(wrong, fmt.Errorf("node %s is %s (%s), %d rounds were dropped; the last error: %s",
				a.Node, a.State, a.Reason, missed, a.LastError))
		}
		if a.ScrapeMilliseconds != nil {
			r.LongestScrape = max(r.LongestScrape, time.Duration(*a.ScrapeMilliseconds*1e6))
		}
	}
	for _, failed := range after.Replay.Failures {
		wrong = append(wrong, fmt.Errorf("node %s: what its agent kept is not used: %s", failed.Node, failed.Reason))
	}
	if len(wrong) > 5 {
		wrong = append(wrong[:5], fmt.Errorf("and %d more", len(wrong)-5))
	}
	return errors.Join(wrong...)
}

// ask asks for everything that people ask for, each so often.
func (f *Fleet) ask(ctx context.Context) ([]Asked, error) {
	const often = 5
	p := f.Nodes[0].pods()[0]
	in := "/api/v1/namespaces/" + p.namespace()
	queries := []Asked{
		{Name: "cluster", Path: "/api/v1/cluster"},
		{Name: "status", Path: "/api/v1/status"},
		{Name: "all nodes", Path: "/api/v1/nodes?limit=1000"},
		{Name: "1,000 pods by CPU", Path: "/api/v1/pods?limit=1000&sort=-cpuMillicores"},
		{Name: "all pods", Path: "/api/v1/pods"},
		{Name: "top pods", Path: "/api/v1/top?of=pods&by=memory&limit=10"},
		{Name: "a pod's window", Path: in + "/pods/" + p.name() + "?window=3600"},
		{Name: "a Deployment's window", Path: in + "/deployments/" + p.deployment() + "?window=3600"},
		{Name: "a namespace's window", Path: in + "?window=3600"},
		{Name: "a node's window", Path: "/api/v1/nodes/" + p.node + "?window=3600"},
		{Name: "the cluster's window", Path: "/api/v1/cluster?window=3600"},
	}
	for i := range queries {
		q := &queries[i]
		q.Shortest = math.MaxInt64
		for range often {
			a, err := f.Hub.Get(ctx, q.Path)
			if err != nil {
				return nil, err
			}
			q.Shortest, q.Longest, q.Bytes = min(q.Shortest, a.Took), max(q.Longest, a.Took), len(a.Body)
		}
	}
	return queries, nil
}
