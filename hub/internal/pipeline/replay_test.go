package pipeline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

func node(name string) hub.HistoryQuery { return hub.HistoryQuery{Kind: hub.KindNode, Name: name} }

// TestReplay starts a hub before nodes that kept ten minutes, each at its own
// time within the interval, more or less on time, and with a clock of its own:
// all series are whole from then on, and a round is filled once.
func TestReplay(t *testing.T) {
	for _, jitter := range []time.Duration{0, 100 * time.Millisecond, 2 * time.Second} {
		t.Run(jitter.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				phases := []time.Duration{0, time.Millisecond, 2500 * time.Millisecond, 4999 * time.Millisecond, 5 * time.Second, 5001 * time.Millisecond, 9 * time.Second, 9999 * time.Millisecond}
				var names []string
				for i := range phases {
					names = append(names, fmt.Sprint("node", i))
				}
				r := newRestart(names...)
				random := rand.New(rand.NewPCG(5, 6))
				for i, phase := range phases {
					k := r.keeper(names[i])
					k.skew = time.Duration(i-3) * time.Hour
					k.sampled(61, phase)
					for j := range k.kept {
						k.kept[j] = k.kept[j].Add(time.Duration(random.Int64N(int64(jitter + 1))))
					}
				}
				r.run(t)
				replay := r.filled(t)
				if replay.Rounds < 59 || replay.Rounds > 61 || len(replay.Failures) > 0 || r.started.Sub(replay.From) < 590*time.Second {
					t.Errorf("replay = %+v", replay)
				}
				for i, name := range names {
					whole(t, name, r.cpu(t, node(name)), -58, 0, 500)
					pod := hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-" + names[i]}
					whole(t, "pod of "+name, r.cpu(t, pod), -58, 0, 250)
				}
				whole(t, "cluster", r.cpu(t, hub.HistoryQuery{Kind: hub.KindCluster}), -58, 0, 8*500)
				whole(t, "namespace", r.cpu(t, hub.HistoryQuery{Kind: hub.KindNamespace, Name: "shop"}), -58, 0, 8*250)
				deployment := hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "shop", OwnerKind: "Deployment", Name: "web"}
				whole(t, "deployment", r.cpu(t, deployment), -58, 0, 8*250)
				for put, count := range r.puts {
					if strings.Contains(put, "1999-12-31") && count != 1 {
						t.Errorf("%s was kept %d times", put, count)
					}
				}
				r.sumsAddUp(t)
			})
		})
	}
}

// sumsAddUp checks the cluster of each past round against the nodes of it.
func (r *restart) sumsAddUp(t *testing.T) {
	t.Helper()
	rounds := 0
	for at, all := range r.sums {
		if !at.Before(r.started) {
			continue
		}
		rounds++
		nodes, cluster := 0.0, hub.Row{}
		for _, s := range all {
			if s.Of.Kind == hub.KindCluster {
				cluster = s.Rows[0]
			}
		}
		for f, err := range r.window.Frames("", func(s *hub.Series) bool { return s.Kind == hub.KindNode }, at, at) {
			if err != nil {
				t.Fatal(err)
			}
			nodes += f.Rows[0].Usage.Values[hub.MemoryBytes]
		}
		if cluster.Usage.Values[hub.MemoryBytes] != nodes || cluster.Parts.Count != len(r.keepers) {
			t.Errorf("%v: the cluster has %v bytes on %+v nodes, its nodes have %v", at, cluster.Usage.Values[hub.MemoryBytes], cluster.Parts, nodes)
		}
	}
	if rounds < 50 {
		t.Errorf("%d past rounds have sums", rounds)
	}
}

// TestReplayOfTwoHubs has snapshots that an earlier hub asked for, the agent's
// own after it, which come later, and those of a hub that came back for a while.
func TestReplayOfTwoHubs(t *testing.T) {
	for i := range 50 {
		phase := time.Duration(i%5) * 2 * time.Second
		back := time.Duration(i/5)*time.Second + 300*time.Millisecond // after the agent's last own
		synctest.Test(t, func(t *testing.T) {
			r := newRestart("node1")
			at := time.Now().Add(-10*time.Minute - phase)
			for i := 0; at.Before(time.Now()); i++ {
				r.keeper("node1").kept = append(r.keeper("node1").kept, at)
				switch i {
				case 20: // the hub went away
					at = at.Add(12500 * time.Millisecond)
				case 40: // and came back
					at = at.Add(back)
				default:
					at = at.Add(interval)
				}
			}
			r.run(t)
			r.filled(t)
			whole(t, "node1", r.cpu(t, node("node1")), -58, 0, 500)
		})
	}
}

// TestReplayLeavesGaps has an agent that kept nothing for a minute, and one that
// never did: a gap stays one, the rate after it covers it, and the sums say how
// many of the nodes they hold.
func TestReplayLeavesGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart("node1", "node2")
		k := r.keeper("node1")
		k.sampled(61, 3*time.Second)
		k.kept = slices.Delete(k.kept, 30, 36)
		r.keeper("node2").none = true
		r.run(t)
		if replay := r.filled(t); len(replay.Failures) > 0 || replay.Rounds != replay.Samples {
			t.Errorf("replay = %+v", replay)
		}
		cpu := r.cpu(t, node("node1"))
		whole(t, "before the gap", cpu, -58, -32, 500)
		whole(t, "after the gap", cpu, -24, 0, 500)
		missing := 0
		for round := -31; round < -24; round++ {
			if _, ok := cpu[round]; !ok {
				missing++
			}
		}
		if missing < 5 || missing > 6 {
			t.Errorf("%d rounds are missing of %v, want six, or five", missing, cpu)
		}
		if _, ok := r.cpu(t, node("node2"))[-1]; ok {
			t.Error("a node without a history has a past")
		}
		for at, all := range r.sums {
			for _, s := range all {
				if at.Before(r.started) && s.Of.Kind == hub.KindCluster && s.Rows[0].Parts != (hub.Count{Count: 2, Reporting: 1}) {
					t.Errorf("%v: the cluster is of %+v nodes, want one of two", at, s.Rows[0].Parts)
				}
			}
		}
	})
}

// TestReplayOfABoot has a node that booted five minutes ago: its rates begin
// anew.
func TestReplayOfABoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart("node1")
		k := r.keeper("node1")
		k.booted = time.Now().Add(-295 * time.Second)
		k.sampled(61, time.Second)
		r.run(t)
		if replay := r.filled(t); len(replay.Failures) > 0 {
			t.Errorf("replay = %+v", replay)
		}
		cpu := r.cpu(t, node("node1"))
		whole(t, "after the boot", cpu, -27, 0, 500)
		whole(t, "before the boot", cpu, -58, -31, 500)
		unknown := 0
		for round := -30; round <= -28; round++ {
			if _, ok := cpu[round]; !ok {
				unknown++
			}
		}
		if unknown != 1 {
			t.Errorf("%d rounds around the boot have no rate of %v, want the first after it", unknown, cpu)
		}
	})
}

// TestReplayOfLies has a row for each thing that an agent may answer instead of
// its history. The other node's past is whole, and the status says why the
// liar's is not.
func TestReplayOfLies(t *testing.T) {
	each := func(change func(int, *snapshot.Snapshot)) func([]*snapshot.Snapshot) []*snapshot.Snapshot {
		return func(past []*snapshot.Snapshot) []*snapshot.Snapshot {
			for i, s := range past {
				change(i, s)
			}
			return past
		}
	}
	tests := []struct {
		name    string
		keeper  keeper
		failure string // empty for none
	}{
		{"an error", keeper{err: errors.New("connection refused")}, "connection refused"},
		{"another node", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.Node = "node1" })}, `it is about another node than "node2"`},
		{"a node's name that nobody may read", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.Node = "e yJsecret" })}, `another node than "node2"`},
		{"a mode that nobody may read", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.Agent.Cgroup.Mode = "e yJsecret" })}, `agent.cgroup.mode is "…", want unified`},
		{"not valid", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.Pods = append(s.Pods, s.Pods[0]) })}, "a second time"},
		{"nothing", keeper{lies: func([]*snapshot.Snapshot) []*snapshot.Snapshot { return nil }}, ""},
		{"the same again and again", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.BootNanos, s.Time = 1, time.Unix(0, 0) })}, ""},
		{"the future", keeper{lies: each(func(i int, s *snapshot.Snapshot) { s.BootNanos = 1<<62 + int64(i) })}, ""},
		{"backwards", keeper{lies: func(past []*snapshot.Snapshot) []*snapshot.Snapshot { slices.Reverse(past); return past }}, ""},
		{"no boot", keeper{lies: each(func(_ int, s *snapshot.Snapshot) { s.BootID = "" })}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRestart("node1", "node2")
				liar := tt.keeper
				liar.name, liar.booted = "node2", time.Now().Add(-24*time.Hour)
				r.keepers["http://node2"] = &liar
				r.keeper("node1").sampled(61, time.Second)
				liar.sampled(61, time.Second)
				r.run(t)
				replay := r.filled(t)
				whole(t, "node1", r.cpu(t, node("node1")), -58, 0, 500)
				if reason := replay.Failures["node2"]; !strings.Contains(reason, tt.failure) || (reason == "") != (tt.failure == "") || len(replay.Failures) > 1 {
					t.Errorf("failures = %v, want one of node2 with %q", replay.Failures, tt.failure)
				}
				if strings.Contains(replay.Failures["node2"]+r.log.String(), "secret") {
					t.Errorf("failures %v and the log quote the agent: %s", replay.Failures, r.log.String())
				}
				for round, cpu := range r.cpu(t, node("node2")) {
					if cpu > 1001 {
						t.Errorf("node2 used %v millicores in round %d", cpu, round)
					}
				}
				if tt.failure != "" && (liar.asked != 1 || strings.Count(r.log.String(), "what an agent kept is not used") != 1) {
					t.Errorf("asked %d times; log:\n%s", liar.asked, &r.log)
				}
			})
		})
	}
}

// TestReplayWaitsForNames has an inventory that comes late, and one that never
// does: then the agents' hints must do.
func TestReplayWaitsForNames(t *testing.T) {
	for _, comes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := newRestart("node1")
			pods := r.pods
			r.pods = nil
			r.named = func() error { return hub.ErrNotReady }
			if comes {
				r.named = func() error {
					if time.Since(r.started) < 35*time.Second {
						return hub.ErrNotReady
					}
					r.pods = pods
					return nil
				}
			}
			r.keeper("node1").sampled(61, time.Second)
			r.run(t)
			r.wait(25 * time.Second)
			if v, _ := r.pipeline.View(); v.Round.Replay.State != hub.ReplayWaiting {
				t.Errorf("the replay is %s", v.Round.Replay.State)
			}
			r.filled(t)
			whole(t, "pod", r.cpu(t, hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-node1"}), -58, -1, 250)
			if comes {
				deployment := hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "shop", OwnerKind: "Deployment", Name: "web"}
				whole(t, "deployment", r.cpu(t, deployment), -58, -1, 250)
			}
		})
	}
}

// TestReplayOfEndedPods has a pod that ended before the hub came, and one that
// is too young to have been there.
func TestReplayOfEndedPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart("node1")
		r.pods[0].Phase = "Succeeded"
		r.pods = append(r.pods, &hub.Pod{UID: "young", Namespace: "shop", Name: "young", Node: "node1", Phase: "Pending", Created: time.Now().Add(-time.Minute), Owner: hub.Owner{Kind: "Pod", Name: "young"}})
		r.keeper("node1").sampled(61, time.Second)
		r.run(t)
		r.filled(t)
		whole(t, "namespace", r.cpu(t, hub.HistoryQuery{Kind: hub.KindNamespace, Name: "shop"}), -58, -1, 250)
		for at, all := range r.sums {
			want := hub.Count{Count: 1, Reporting: 1}
			for _, s := range all {
				if s.Of.Kind == hub.KindNamespace && at.Before(r.started.Add(-time.Minute)) && s.Rows[0].Parts != want {
					t.Errorf("%v: namespace of %+v pods, want %+v", at, s.Rows[0].Parts, want)
				}
			}
		}
	})
}

// TestReplayNeverDelaysARound has agents that take a minute to say what they
// kept: each round comes in time, and the hub can be stopped.
func TestReplayNeverDelaysARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart("node1")
		k := r.keeper("node1")
		k.waits = time.Minute
		k.sampled(61, time.Second)
		r.run(t)
		for i := range 12 {
			v, err := r.pipeline.View()
			if err != nil || v.Round.Time.Sub(r.started.Round(0)) != time.Duration(i)*interval {
				t.Fatalf("round %d: %v, %v", i, v.Round.Time, err)
			}
			r.wait(interval)
		}
		whole(t, "what is filled so far", r.cpu(t, node("node1")), -10, 0, 500)
	})
}

// TestReplayIntoAFullWindow has agents that kept more than the hub has room
// for: counted is what is there, and what is older is not asked for.
func TestReplayIntoAFullWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart("node1", "node2")
		r.maxBytes = 16 << 10
		for _, k := range r.keepers {
			k.sampled(360, time.Second)
		}
		r.run(t)
		replay := r.filled(t)
		kept := r.window.Status()
		if kept.DroppedBefore.IsZero() || replay.From.Before(kept.DroppedBefore.Add(-10*interval)) {
			t.Errorf("the window has dropped what is before %s, and the replay goes back to %s", kept.DroppedBefore, replay.From)
		}
		if replay.Rounds == 0 || replay.Samples != 2*replay.Rounds || replay.Rounds > len(r.cpu(t, node("node1"))) {
			t.Errorf("replay = %+v, while node1 has %d rounds", replay, len(r.cpu(t, node("node1"))))
		}
		if asked := r.keeper("node1").asked; asked > replay.Rounds/10+2 {
			t.Errorf("asked %d times, ten rounds each, for the %d that there is room for", asked, replay.Rounds)
		}
	})
}

// TestNoReplay has no agent that can say anything of the past.
func TestNoReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRestart()
		r.run(t)
		r.wait(5 * interval)
		if v, _ := r.pipeline.View(); v.Round.Replay.State != hub.ReplayWaiting {
			t.Errorf("without a node the replay is %s, want waiting", v.Round.Replay.State)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.wait(5 * interval)
		if got := c.round(t).Replay.State; got != hub.ReplayOff {
			t.Errorf("without a Past the replay is %s, want off", got)
		}
	})
}
