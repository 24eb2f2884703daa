package pipeline_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// The soak's size: two hundred agents, and several times the window.
const (
	soakNodes  = 200
	soakRounds = 150
	soakWindow = 30 * interval
)

// A soak changes a fleet at random between rounds, and knows what must be shown.
type soak struct {
	*fleet
	random *rand.Rand
	faults []fault
	missed map[string]int // rounds in a row
	joined int            // nodes that there ever were
	shown  int            // numbers that were checked
}

// TestSoak lets agents fail, answer again, reboot, lose counters, vanish and
// join, for some two hundred rounds: every number that is shown is true, each node's
// state is what its agent did, and nothing grows.
func TestSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &soak{
			fleet: startFleet(t, soakWindow, soakNodes), random: rand.New(rand.NewPCG(5, 6)),
			faults: faults(), missed: map[string]int{}, joined: soakNodes,
		}
		pass(interval + 7*time.Second)
		s.rounds(t, int(soakWindow/interval))
		before := s.footprint(t)
		s.rounds(t, soakRounds)
		after := s.footprint(t)
		t.Logf("%d numbers checked; answers by failure: %v", s.shown, s.counts)
		t.Logf("before: %+v, after: %+v", before, after)
		if after.goroutines > before.goroutines || after.connections > soakNodes {
			t.Errorf("%d goroutines became %d; %d connections to %d agents", before.goroutines, after.goroutines, after.connections, soakNodes)
		}
		if after.heapBytes > before.heapBytes*5/4 {
			t.Errorf("the heap grew from %d to %d bytes", before.heapBytes, after.heapBytes)
		}
	})
}

// A footprint is what a hub at rest takes up, all agents being well.
type footprint struct {
	goroutines, connections int
	heapBytes               uint64
}

func (s *soak) footprint(t *testing.T) footprint {
	for _, n := range s.nodes {
		s.mend(n)
	}
	for range 3 { // those who were down are asked last, and newcomers twice
		pass(interval)
	}
	clear(s.missed)
	s.check(t)
	runtime.GC()
	runtime.GC() // what sync.Pools hold goes at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{goroutines: runtime.NumGoroutine(), connections: s.network.Open(), heapBytes: m.HeapAlloc}
}

// rounds lets so many pass, with changes before each and checks after.
func (s *soak) rounds(t *testing.T, count int) {
	for range count {
		s.change()
		pass(interval)
		for name, n := range s.nodes {
			if n.fault != nil || n.frozen != nil {
				s.missed[name]++
			} else {
				s.missed[name] = 0
			}
		}
		s.check(t)
	}
}

// change gives some nodes another fault, mends others, and replaces a few.
func (s *soak) change() {
	gone := 0
	for _, name := range slices.Sorted(maps.Keys(s.nodes)) {
		n := s.nodes[name]
		switch dice := s.random.IntN(100); {
		case dice < 5:
			s.mend(n)
			s.set(n, s.someFault())
		case dice < 27:
			s.mend(n)
		case dice < 33:
			s.with(n, []func(*fakeNode){reboot, begin, freeze}[dice%3])
		case dice == 99 && gone < 2:
			gone++
			s.leave(n)
			delete(s.missed, n.name)
		}
	}
	for range gone {
		s.mu.Lock()
		s.join(fmt.Sprintf("node-%03d", s.joined))
		s.mu.Unlock()
		s.joined++
	}
	if gone > 0 {
		s.hint()
	}
}

// with changes what a node answers from.
func (s *soak) with(n *fakeNode, change func(*fakeNode)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.fault == nil && n.frozen == nil && n.last != nil {
		change(n)
	}
}

func reboot(n *fakeNode) { n.boot, n.booted, n.fallen = n.boot+1, time.Now(), 0 }

// begin lets the host's counter begin again at 0, unless it could overtake by the
// next round what it was.
func begin(n *fakeNode) {
	if *n.last.Host.CPU.UsageMicros > 5e6 {
		n.fallen = uint64(time.Since(n.booted).Microseconds() / 2)
	}
}

func freeze(n *fakeNode) { n.frozen = n.last }

// someFault is any; one that costs the test 8 MiB each time comes less often.
func (s *soak) someFault() *fault {
	f := &s.faults[s.random.IntN(len(s.faults))]
	if f.failure == hub.FailureTooLarge {
		f = &s.faults[s.random.IntN(len(s.faults))]
	}
	return f
}

func (s *soak) mend(n *fakeNode) {
	s.set(n, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	n.frozen = nil
}

// check compares what is shown with what the agents did.
func (s *soak) check(t *testing.T) {
	t.Helper()
	view := s.view(t)
	if len(view.Round.Nodes) != len(s.nodes) || len(view.Nodes) != len(s.nodes) {
		t.Fatalf("%d nodes are shown, there are %d", len(view.Round.Nodes), len(s.nodes))
	}
	for i := range view.Round.Nodes {
		n := &view.Round.Nodes[i]
		want := []string{hub.StateOK, hub.StateStale, hub.StateDown}[min(s.missed[n.Node], 2)]
		if n.Status.State != want && (n.Status.State != hub.StatePending || want == hub.StateOK) {
			t.Fatalf("%s missed %d rounds and is %s (%s), want %s", n.Node, s.missed[n.Node], n.Status.State, n.Status.Reason, want)
		}
		if n.Reading != nil {
			s.checkReading(t, n.Reading)
		}
		if h := n.Health; h.Expected > int(soakWindow/interval) || h.Stored > h.Expected {
			t.Fatalf("%s: %d of %d rounds", n.Node, h.Stored, h.Expected)
		}
	}
	total := view.Cluster
	if total.Nodes == nil || total.Usage == nil || total.Usage.Values[hub.MemoryBytes] != float64(total.Nodes.Reporting)*hostMemory {
		t.Fatalf("the cluster's usage is %+v, of nodes %+v, want %v bytes of each that reports", total.Usage, total.Nodes, hostMemory)
	}
}

func (s *soak) checkReading(t *testing.T, r *hub.Reading) {
	t.Helper()
	known := func(what string, u *hub.Usage, millicores, memory float64) {
		s.shown++
		if u.Values.Known(hub.CPUMillicores) && !near(u.Values[hub.CPUMillicores], millicores) || u.Values[hub.MemoryBytes] != memory {
			t.Fatalf("%s of %s: %v millicores, %v bytes; want %v and %v", what, r.Node,
				u.Values[hub.CPUMillicores], u.Values[hub.MemoryBytes], millicores, memory)
		}
	}
	known("host", &r.Host.Usage, hostMillicores, hostMemory)
	for i := range r.Pods {
		known("pod", &r.Pods[i].Usage, podMillicores, podMemory)
		for j := range r.Pods[i].Containers {
			known("container", &r.Pods[i].Containers[j].Usage, containerMillicores, podMemory/2)
		}
	}
}
