package pipeline_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/shared/snapshot"
)

func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		c.want(t, "node1", hub.StateOK, "", 0)
		first := c.round(t)
		if first.Number != 1 || len(first.Nodes) != 2 || first.Nodes[0].Node != "node1" {
			t.Errorf("first round = %+v", first)
		}
		c.wait(2 * time.Second) // the second sample comes soon, in the same round
		c.want(t, "node2", hub.StateOK, "", 2)
		if r := c.round(t); r.Number != 2 || !r.Time.Equal(first.Time) {
			t.Errorf("second samples: number %d at %v, want 2 at %v", r.Number, r.Time, first.Time)
		}
		c.wait(8 * time.Second)
		c.want(t, "node1", hub.StateOK, "", 8)
		c.untilRound()
		c.want(t, "node1", hub.StateOK, "", 10)
		last := c.round(t)
		if last.Time.Sub(first.Time) != 2*interval || last.Number != 4 {
			t.Errorf("third round: number %d, %v after the first", last.Number, last.Time.Sub(first.Time))
		}
		if len(first.Nodes) != 2 || first.Nodes[0].Reading.Host.Usage.OverSeconds != 0 {
			t.Error("a published round was changed")
		}
		h := c.node(t, "node1").Health
		if h.Expected != 3 || h.Stored != 3 || h.ClockSkew != -time.Hour || h.FirstStored.IsZero() {
			t.Errorf("health = %+v", h)
		}
		for _, f := range c.frames {
			if since := f.Time.Sub(first.Time); since%interval != 0 {
				t.Errorf("a frame lies %v after the first round", since)
			}
		}
	})
}

func TestOneNodeDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		c.untilRound()
		c.machines["http://node2"].hangs = true
		c.untilRound() // the first time it costs its timeout
		c.wait(timeout)
		c.want(t, "node1", hub.StateOK, "", 10)
		c.want(t, "node2", hub.StateStale, "no whole answer", 8)
		if age := c.node(t, "node2").Status.AgeSeconds; age == nil || *age != 10 {
			t.Errorf("age of the stale sample = %v, want 10", age)
		}
		c.wait(interval - timeout) // from then on nobody waits for it
		c.want(t, "node1", hub.StateOK, "", 10)
		if r := c.round(t); r.Time.Sub(r.Started.Round(0)) != 3*interval {
			t.Errorf("round of %v is published late", r.Time)
		}
		c.wait(timeout)
		c.want(t, "node2", hub.StateDown, "no whole answer", -1)
		if h := c.node(t, "node2").Health; h.Expected != 4 || h.Stored != 2 || h.LastError != "no whole answer" {
			t.Errorf("health = %+v", h)
		}
		c.machines["http://node2"].hangs = false
		c.wait(interval - timeout)
		c.want(t, "node2", hub.StateOK, "", 30) // the whole gap
		c.untilRound()
		c.want(t, "node2", hub.StateOK, "", 10)
		if frames := c.framesOf("node2"); frames != 5 { // two in the first round, none in the gap
			t.Errorf("%d frames of node2, want 5", frames)
		}
	})
}

func TestFaultsAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.machines["http://node1"].refuses = true
		for range 5 {
			c.untilRound()
		}
		c.machines["http://node1"].refuses = false
		c.untilRound()
		want := `level=INFO msg="node changed" node=node1 from=pending to=ok reason=""
level=WARN msg="node changed" node=node1 from=ok to=stale reason="connection refused"
level=WARN msg="node changed" node=node1 from=stale to=down reason="connection refused"
level=INFO msg="node changed" node=node1 from=down to=ok reason=""
`
		if got := c.log.String(); got != want {
			t.Errorf("log:\n%swant:\n%s", got, want)
		}
	})
}

func TestNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.wait(13 * time.Second)
		before := c.round(t)
		c.join("node2")
		c.hint() // asked at once
		c.want(t, "node2", hub.StateOK, "", 0)
		if r := c.round(t); !r.Time.Equal(before.Time) || r.Number != before.Number+1 {
			t.Errorf("newcomer published as number %d of %v, want %d of %v", r.Number, r.Time, before.Number+1, before.Time)
		}
		c.wait(2 * time.Second)
		c.want(t, "node2", hub.StateOK, "", 2)
		c.want(t, "node1", hub.StateOK, "", 8) // as before: its sample is of the round
		c.wait(5 * time.Second)
		c.want(t, "node2", hub.StateOK, "", 5)
		c.want(t, "node1", hub.StateOK, "", 10)
		if h := c.node(t, "node2").Health; h.Expected != 1 || h.Stored != 1 {
			t.Errorf("a newcomer's rounds = %d of %d, want 1 of 1", h.Stored, h.Expected)
		}
	})
}

func TestNewcomerJustBeforeARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.run(t)
		if r := c.round(t); len(r.Nodes) != 0 {
			t.Errorf("nodes without agents: %v", r.Nodes)
		}
		c.wait(9500 * time.Millisecond)
		c.join("node1")
		c.hint()
		c.wait(500 * time.Millisecond)
		c.want(t, "node1", hub.StateOK, "", 0)
		if c.asked["http://node1"] != 1 {
			t.Errorf("asked %d times, want once", c.asked["http://node1"])
		}
	})
}

func TestNewcomerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.run(t)
		c.wait(time.Second)
		c.join("node1").refuses = true
		c.hint()
		c.want(t, "node1", hub.StatePending, "connection refused", -1)
		c.wait(9 * time.Second)
		c.want(t, "node1", hub.StatePending, "connection refused", -1)
		c.untilRound()
		c.want(t, "node1", hub.StateDown, "connection refused", -1)
	})
}

// TestNewcomerThatListensLate refuses for three seconds: it is asked every two.
func TestNewcomerThatListensLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.run(t)
		c.wait(time.Second)
		c.join("node1").refuses = true
		c.hint()
		c.wait(3 * time.Second)
		c.machines["http://node1"].refuses = false
		c.want(t, "node1", hub.StatePending, "connection refused", -1)
		c.wait(time.Second)
		c.want(t, "node1", hub.StateOK, "", 0)
		c.wait(2 * time.Second)
		c.want(t, "node1", hub.StateOK, "", 2)
	})
}

// TestNewcomerThatBecomesReady refuses at first, as an agent whose endpoint is
// published before it listens: it is asked again when it is Ready, and not only
// at the next round.
func TestNewcomerThatBecomesReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.wait(time.Second)
		c.join("node2").refuses = true
		c.ready(1, false)
		c.hint()
		c.want(t, "node2", hub.StatePending, "connection refused", -1)
		c.machines["http://node2"].refuses = false
		c.hint() // it is still not Ready: nothing new
		c.want(t, "node2", hub.StatePending, "connection refused", -1)
		c.ready(1, true)
		c.hint()
		c.want(t, "node2", hub.StateOK, "", 0)
		asked := c.asked["http://node2"]
		c.ready(1, false)
		c.hint()
		c.ready(1, true)
		c.hint()
		if again := c.asked["http://node2"] - asked; again != 0 {
			t.Errorf("an agent that answers was asked %d times more for becoming Ready", again)
		}
	})
}

func TestRebootAndAgentRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.untilRound()
		c.machines["http://node1"].boot()
		c.untilRound()
		c.want(t, "node1", hub.StateOK, "", 0)
		c.wait(2 * time.Second)
		c.want(t, "node1", hub.StateOK, "", 2)
		// A new agent pod on the same boot goes on where the old one ended, and
		// is asked as soon as it is seen.
		c.wait(3 * time.Second)
		c.agents[0].PodUID = "second"
		c.hint()
		c.want(t, "node1", hub.StateOK, "", 3)
	})
}

func TestNodeGoneAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.inventory = hub.NewInventory(nil, []*hub.Node{{Name: "node2"}}, nil, nil, hub.Connection{Configured: true})
		c.run(t)
		c.untilRound()
		agents := c.agents
		c.agents = nil
		c.hint()
		c.untilRound()
		c.want(t, "node2", hub.StateStale, "no agent on this node", 8)
		if r := c.round(t); len(r.Nodes) != 1 {
			t.Errorf("a node that neither discover nor inventory shows is listed: %v", r.Nodes)
		}
		c.untilRound()
		c.want(t, "node2", hub.StateDown, "no agent on this node", -1)
		c.agents = agents
		c.wait(time.Second)
		c.hint()
		c.want(t, "node1", hub.StateOK, "", 0) // forgotten meanwhile
		c.want(t, "node2", hub.StateOK, "", 21)
	})
}

func TestSameInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.untilRound()
		m := c.machines["http://node1"]
		m.frozen = m.snapshot()
		c.untilRound()
		c.want(t, "node1", hub.StateStale, "not newer", 8)
		m.frozen = nil
		c.untilRound()
		c.want(t, "node1", hub.StateOK, "", 20)
	})
}

func TestUnsupportedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.machines["http://node1"].mode = snapshot.ModeHybrid
		c.run(t)
		c.want(t, "node1", hub.StateUnsupported, "hybrid", 0)
	})
}

func TestStaticAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		for i := range c.agents {
			c.agents[i].Node = "" // only its own word says which node it is
		}
		c.changed = nil
		c.machines["http://node2"].refuses = true
		c.run(t)
		c.want(t, "node1", hub.StateOK, "", 0)
		c.want(t, "node2", hub.StatePending, "connection refused", -1)
		*c.machines["http://node2"] = *c.machines["http://node1"]
		c.untilRound()
		c.want(t, "node2", hub.StateDown, `answers for node "node1", as does the agent at http://node1`, -1)
		c.want(t, "node1", hub.StateOK, "", 8)
	})
}

func TestStoreFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.keepErr = errors.New("store is full")
		c.run(t)
		c.want(t, "node1", hub.StateOK, "", 0)
		if !c.node(t, "node1").Health.FirstStored.IsZero() {
			t.Error("a frame that was not kept counts as stored")
		}
		if want := `level=ERROR msg="frame not kept" node=node1 err="store is full"`; !strings.Contains(c.log.String(), want) {
			t.Errorf("log %q has no %q", &c.log, want)
		}
	})
}

func TestLateRoundsAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.wait(3 * time.Second)
		c.oversleeps = 45 * time.Second
		c.wait(32 * time.Second)
		if err := c.pipeline.Live(); err != nil {
			t.Errorf("Live after 25 s of a round: %v", err)
		}
		c.wait(10 * time.Second)
		if err := c.pipeline.Live(); err == nil {
			t.Error("Live after 35 s of a round says that all is well")
		}
		c.oversleeps = 0
		c.wait(10 * time.Second) // the round ends at 55 s and the next one begins at once
		if err := c.pipeline.Live(); err != nil {
			t.Errorf("Live: %v", err)
		}
		r := c.round(t)
		if got := r.Time.Sub(r.Started.Round(0)); got != 50*time.Second {
			t.Errorf("the round after a long one is of %v, want 50s", got)
		}
		if want := "skipped=3"; !strings.Contains(c.log.String(), want) {
			t.Errorf("log %q has no %q", &c.log, want)
		}
		c.wait(5 * time.Second)
		if r := c.round(t); r.Time.Sub(r.Started.Round(0)) != 60*time.Second {
			t.Errorf("the next round is of %v, not in its place", r.Time)
		}
	})
}

func TestStopWithinARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.machines["http://node1"].hangs = true
		ctx, stop := context.WithCancel(t.Context())
		p := pipeline.New(pipeline.Config{
			Agents: c, Scraper: c, Names: c, Store: c, Interval: interval, Window: time.Minute,
			Log: slog.New(slog.NewTextHandler(&c.log, nil)),
		})
		time.AfterFunc(time.Second, stop)
		p.Run(ctx)
		if c.log.Len() > 0 {
			t.Errorf("stopping was taken for a fault of the node: %s", &c.log)
		}
	})
}
