package pipeline_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// state returns what is shown of a node, nil if it is not there.
func (f *fleet) state(t *testing.T, name string) *hub.NodeState {
	t.Helper()
	nodes := f.view(t).Round.Nodes
	for i := range nodes {
		if nodes[i].Node == name {
			return &nodes[i]
		}
	}
	return nil
}

func (f *fleet) wantState(t *testing.T, name, state string) {
	t.Helper()
	s := f.state(t, name)
	if s == nil || s.Status.State != state || (s.Reading != nil) == (state == hub.StateDown) || (state == hub.StateOK) != (s.Status.Reason == "") {
		t.Fatalf("%s is %+v, want %s, with a reason unless it is ok", name, s, state)
	}
	if state != hub.StateDown {
		if cpu := s.Reading.Host.Usage.Values[hub.CPUMillicores]; !near(cpu, hostMillicores) {
			t.Errorf("%s uses %v millicores, want %v", name, cpu, hostMillicores)
		}
	}
}

// near compares rates, which snapshots count in whole microseconds.
func near(got, want float64) bool { return math.Abs(got-want) < 0.01 }

// pass lets time pass, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestEachFault makes one agent of three fail in every way there is: the node
// is stale and then down, with a reason; nothing of the bad answer is stored; the
// others do not notice; and when it answers again its rates cover the gap.
func TestEachFault(t *testing.T) {
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startFleet(t, 10*time.Minute, 3)
				pass(2*interval + 7*time.Second)
				f.set(f.nodes["node-001"], &fault)
				kept := f.window.Status().Samples
				perNode := kept / 9 // three rounds of three nodes, and their sums
				want := func(bad string) {
					t.Helper()
					pass(interval)
					f.wantState(t, "node-000", hub.StateOK)
					f.wantState(t, "node-001", bad)
					f.wantState(t, "node-002", hub.StateOK)
				}
				want(hub.StateStale)
				if f.counts[fault.failure] != 1 {
					t.Errorf("counted %v, want one %s", f.counts, fault.failure)
				}
				if grown := f.window.Status().Samples - kept; grown >= 3*perNode || grown < 2*perNode {
					t.Errorf("%d samples more in a round of two nodes of %d each", grown, perNode)
				}
				want(hub.StateDown)
				f.set(f.nodes["node-001"], nil)
				want(hub.StateOK)
				s := f.state(t, "node-001")
				if s.Reading.Host.Usage.OverSeconds < 3*interval.Seconds() || s.Health.Expected != 6 || s.Health.Stored != 4 {
					t.Errorf("after the gap: over %v s, %d of %d rounds stored, want 30 s and 4 of 6",
						s.Reading.Host.Usage.OverSeconds, s.Health.Stored, s.Health.Expected)
				}
				if got := f.history(t, nodeHistory("node-001", 10*time.Minute), hub.MemoryBytes); len(got) != 4 {
					t.Errorf("history has %v, want the four rounds that were stored", got)
				}
			})
		})
	}
}

func nodeHistory(name string, window time.Duration) hub.HistoryQuery {
	return hub.HistoryQuery{Kind: hub.KindNode, Name: name, Window: window}
}

// TestThirtyPercentHang takes many more agents than are asked at a time away at
// once: the others lose nothing.
func TestThirtyPercentHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes = 300
		f := startFleet(t, 10*time.Minute, nodes)
		pass(interval + 7*time.Second)
		all := faults()
		i := 0
		for _, n := range f.nodes {
			if i++; i%10 < 3 {
				f.set(n, &all[1+i%3]) // is silent, hangs, drips
			}
		}
		for round := range 3 {
			pass(interval - 7*time.Second + fleetTimeout + time.Second)
			shown := f.view(t)
			if want := f.view(t).Round.Started.Add(time.Duration(round+2) * interval); shown.Round.Time.Sub(want).Abs() > time.Second {
				t.Errorf("%s after a round began, that of %v is shown", fleetTimeout+time.Second, shown.Round.Time)
			}
			for name, n := range f.nodes {
				switch {
				case n.fault == nil:
					f.wantState(t, name, hub.StateOK)
				case round == 0:
					f.wantState(t, name, hub.StateStale)
				}
			}
			if expected, stored := shown.Round.Availability(); round == 0 && (expected != 3*nodes || stored != 2*nodes+210) {
				t.Errorf("%d of %d rounds are stored, want %d", stored, expected, 2*nodes+210)
			}
			pass(7*time.Second - fleetTimeout - time.Second)
		}
	})
}

// TestHistoryOutlivesItsNode deletes a node and a pod: they are not shown any
// more, and their hour can still be asked for.
func TestHistoryOutlivesItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keep = 5 * time.Minute
		f := startFleet(t, keep, 2)
		f.mu.Lock()
		f.pods = []*hub.Pod{{UID: "uid-node-001", Namespace: "shop", Name: "web-node-001", Node: "node-001", Phase: "Running"}}
		f.objects = []*hub.Node{{Name: "node-000"}, {Name: "node-001"}}
		f.mu.Unlock()
		pass(3*interval + 7*time.Second)
		pod := hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-node-001", Window: keep}
		before := len(f.history(t, pod, hub.MemoryBytes))

		f.mu.Lock()
		f.pods = nil
		f.mu.Unlock()
		f.leave(f.nodes["node-001"])
		f.hint()
		v := f.view(t)
		if f.state(t, "node-001") != nil || len(v.Nodes) != 1 || len(v.Pods) != 1 {
			t.Errorf("%d nodes and %d pods are shown right after, want one of each", len(v.Nodes), len(v.Pods))
		}
		pass(interval)
		for name, q := range map[string]hub.HistoryQuery{"node": nodeHistory("node-001", keep), "pod": pod} {
			if got := f.history(t, q, hub.MemoryBytes); len(got) != before || before != 4 {
				t.Errorf("history of the %s has %v, want the %d rounds that there were", name, got, before)
			}
		}
	})
}

// TestNodeClocksDoNotMatter gives nodes clocks that are an hour off: their
// samples are of the round's time, and how far off they are is said.
func TestNodeClocksDoNotMatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFleet(t, 10*time.Minute, 2)
		pass(interval + 7*time.Second)
		n := f.nodes["node-001"]
		f.mu.Lock()
		for _, step := range []time.Duration{time.Hour, -time.Hour} {
			n.clock = step
			f.mu.Unlock()
			pass(interval)
			f.wantState(t, "node-001", hub.StateOK)
			if skew := f.state(t, "node-001").Health.ClockSkew; (skew - step).Abs() > time.Second {
				t.Errorf("skew is %v, want %v", skew, step)
			}
			f.mu.Lock()
		}
		f.mu.Unlock()
		if got := f.history(t, nodeHistory("node-001", 10*time.Minute), hub.MemoryBytes); len(got) != 4 {
			t.Errorf("history has %v, want all four rounds", got)
		}
	})
}
