package pipeline_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// available checks how many rounds were expected of a node, and stored.
func (c *cluster) available(t *testing.T, name string, stored, expected int) {
	t.Helper()
	if h := c.node(t, name).Health; h.Stored != stored || h.Expected != expected {
		t.Errorf("%s was stored in %d of %d rounds, want %d of %d", name, h.Stored, h.Expected, stored, expected)
	}
}

func TestAvailability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.inventory = hub.NewInventory(nil, []*hub.Node{{Name: "node2"}}, nil, nil, hub.Connection{Configured: true})
		c.run(t)
		c.untilRound()
		c.available(t, "node1", 2, 2)
		c.machines["http://node1"].refuses = true
		c.untilRound()
		c.available(t, "node1", 2, 3)
		c.machines["http://node1"].refuses = false
		c.untilRound()
		c.available(t, "node1", 3, 4)

		// What is read but not stored cannot be asked for later.
		c.keepErr = errors.New("store is full")
		c.untilRound()
		c.keepErr = nil
		c.available(t, "node1", 3, 5)
		c.available(t, "node2", 4, 5)

		// A node whose agent went away is still expected.
		c.agents = c.agents[:1]
		c.untilRound()
		c.available(t, "node2", 4, 6)

		// The window has six rounds.
		c.untilRound()
		c.available(t, "node1", 4, 6)
		c.available(t, "node2", 3, 6)
		if expected, stored := c.round(t).Availability(); expected != 12 || stored != 7 {
			t.Errorf("the cluster was stored in %d of %d rounds, want 7 of 12", stored, expected)
		}
	})
}

// TestSkippedRoundsWereExpected has a round that takes as long as three.
func TestSkippedRoundsWereExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.wait(3 * time.Second)
		c.oversleeps = 35 * time.Second // the round of 10 s ends at 45 s
		c.wait(20 * time.Second)
		c.oversleeps = 0
		c.join("node2")
		c.wait(27 * time.Second)
		// Those of 0, 10 and 50 s; that of 40 s began at 45, when that of 10 s got
		// the same sample.
		c.available(t, "node1", 3, 6)
		c.available(t, "node2", 2, 2)
		if c.skipped != 2 || c.rounds != 4 {
			t.Errorf("%d rounds were made and %d skipped, want 4 and 2", c.rounds, c.skipped)
		}
	})
}

// TestAnswerAfterAMissIsStored: a new agent is asked as soon as it is seen, in
// the round that its predecessor missed.
func TestAnswerAfterAMissIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.machines["http://node1"].refuses = true
		c.untilRound()
		c.available(t, "node1", 1, 2)
		c.machines["http://node1"].refuses = false
		c.agents[0].PodUID = "second"
		c.hint()
		c.want(t, "node1", hub.StateOK, "", 10)
		c.available(t, "node1", 2, 2)
	})
}
