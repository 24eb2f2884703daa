package fleet

import (
	"context"
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// An item is what is checked of a node or pod in REST.
type item struct {
	Kind, Namespace, Name, Node string
	Owner                       struct{ Kind, Name string }
	Status                      struct {
		State      string
		SampleTime time.Time
	}
	Usage struct {
		OverSeconds, CPUMillicores, NetworkTxBytesPerSecond, MemoryBytes float64
	}
	Requests struct{ CPUMillicores float64 }
}

type list struct{ Items []item }

// TestHubTellsWhatNodesWereToldToUse runs the hub against simulated nodes over
// TLS, and checks its numbers against the formulas that the nodes are.
func TestHubTellsWhatNodesWereToldToUse(t *testing.T) {
	const count = 12
	f := start(t, count)
	before, err := f.rounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	awaitRounds(t, f, 4)
	after, err := f.rounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if longest := after.longest(before); after.made <= before.made || longest < 0 || longest > time.Minute {
		t.Errorf("the longest of the rounds %d to %d took %v", before.made, after.made, longest)
	}
	checkKeys(t, f, count)
	nodes := get[list](t, f, "/api/v1/nodes").Items
	if len(nodes) != count {
		t.Fatalf("%d nodes, want %d", len(nodes), count)
	}
	for i, got := range nodes {
		n := f.Nodes[i]
		now := got.Status.SampleTime.Sub(n.booted)
		before := now - time.Duration(got.Usage.OverSeconds*float64(time.Second))
		used := *n.At(n.booted.Add(now)).Host.CPU.UsageMicros - *n.At(n.booted.Add(before)).Host.CPU.UsageMicros
		near(t, got.Name+" CPU", got.Usage.CPUMillicores, float64(used)/1000/got.Usage.OverSeconds)
		near(t, got.Name+" memory", got.Usage.MemoryBytes, float64(*n.At(n.booted.Add(now)).Host.Memory.WorkingSetBytes))
	}
	checkPods(t, f)
}

func checkPods(t *testing.T, f *Fleet) {
	known := make(map[string]pod)
	for _, n := range f.Nodes {
		for _, p := range n.pods() {
			known[p.name()] = p
		}
	}
	pods := get[list](t, f, "/api/v1/pods").Items
	if len(pods) != len(known) {
		t.Fatalf("%d pods, want %d", len(pods), len(known))
	}
	for _, got := range pods {
		p, ok := known[got.Name]
		if !ok || got.Namespace != p.namespace() || got.Node != p.node || got.Owner.Kind != "Deployment" || got.Owner.Name != p.deployment() {
			t.Errorf("pod %s/%s on %s of %s %s: want the one of %+v", got.Namespace, got.Name, got.Node, got.Owner.Kind, got.Owner.Name, p)
			continue
		}
		now := got.Status.SampleTime.Sub(f.Nodes[0].booted)
		before := now - time.Duration(got.Usage.OverSeconds*float64(time.Second))
		last, _ := p.at(now)
		first, _ := p.at(before)
		near(t, got.Name+" CPU", got.Usage.CPUMillicores, float64(last.CPU.UsageMicros-first.CPU.UsageMicros)/1000/got.Usage.OverSeconds)
		near(t, got.Name+" traffic", got.Usage.NetworkTxBytesPerSecond, float64(last.Network[0].TxBytes-first.Network[0].TxBytes)/got.Usage.OverSeconds)
		near(t, got.Name+" requests", got.Requests.CPUMillicores, 100)
	}
}

// checkKeys wants every agent known by a key of its own.
func checkKeys(t *testing.T, f *Fleet, count int) {
	t.Helper()
	type known struct{ Trust, Fingerprint string }
	keys := make(map[string]bool)
	for _, a := range get[struct{ Agents []struct{ Identity known } }](t, f, "/api/v1/status").Agents {
		if a.Identity.Trust != "pinned" {
			t.Errorf("an agent is known by %+v, want a key that is pinned", a.Identity)
		}
		keys[a.Identity.Fingerprint] = true
	}
	if len(keys) != count {
		t.Errorf("%d keys, want one for each of %d agents", len(keys), count)
	}
}

// near allows for a rate's time being told in milliseconds.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 0.002*math.Abs(want)+0.01 {
		t.Errorf("%s: the hub tells %v, want %v", what, got, want)
	}
}

// awaitRounds waits until every node has given so many samples, and the last
// one just now.
func awaitRounds(t *testing.T, f *Fleet, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		s, err := f.status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(s.Agents, func(a agent) bool { return a.State != "ok" || a.RoundsStored < rounds }) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestCheckAgents has a dropped round, a node that is down and a history that
// was not used.
func TestCheckAgents(t *testing.T) {
	before := status{Agents: []agent{{Node: "a", State: "ok", RoundsExpected: 5, RoundsStored: 3}, {Node: "b", State: "ok"}}}
	after := status{Agents: []agent{
		{Node: "a", State: "ok", RoundsExpected: 9, RoundsStored: 7, ScrapeMilliseconds: new(2.5)},
		{Node: "b", State: "ok", RoundsExpected: 4, RoundsStored: 4},
	}}
	var r Report
	if err := checkAgents(before, after, &r); err != nil || r.LongestScrape != 2500*time.Microsecond || r.Dropped != 0 {
		t.Errorf("%v after %v, want none: the rounds were dropped before", err, r.LongestScrape)
	}
	after.Agents[0].RoundsStored, after.Agents[1].State = 6, "down"
	after.Replay.Failures = []failure{{Node: "c", Reason: "garbage"}}
	err := checkAgents(before, after, &r)
	for _, want := range []string{"node a is ok (), 1 rounds were dropped", "node b is down", "node c: what its agent kept is not used: garbage"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

func TestLongestRound(t *testing.T) {
	before := rounds{made: 3, within: map[time.Duration]int{time.Second: 2, 2 * time.Second: 2, 5 * time.Second: 2}} // one took longer
	for _, tt := range []struct {
		within [3]int // of the three rounds since
		want   time.Duration
	}{
		{[3]int{3, 3, 3}, time.Second}, {[3]int{2, 3, 3}, 2 * time.Second}, {[3]int{0, 1, 3}, 5 * time.Second}, {[3]int{0, 1, 2}, 0},
	} {
		after := rounds{made: 6, within: map[time.Duration]int{time.Second: 2 + tt.within[0], 2 * time.Second: 2 + tt.within[1], 5 * time.Second: 2 + tt.within[2]}}
		if got := after.longest(before); got != tt.want {
			t.Errorf("of %v the longest is %v, want %v", tt.within, got, tt.want)
		}
	}
}

// start runs a fleet with rounds a second apart and waits for its numbers.
func start(t *testing.T, nodes int) *Fleet {
	t.Helper()
	dir := t.TempDir()
	hub, log := filepath.Join(dir, "kubemon-hub"), filepath.Join(dir, "hub.log")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", hub, "github.com/kubemon/kubemon/hub/cmd/kubemon-hub").CombinedOutput(); err != nil {
		t.Fatalf("build the hub: %v\n%s", err, out)
	}
	f, err := Start(t.Context(), Options{Hub: hub, Nodes: nodes, Interval: time.Second, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := f.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return f
}

func get[T any](t *testing.T, f *Fleet, path string) T {
	t.Helper()
	var v T
	a, err := f.Hub.Get(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return v
}
