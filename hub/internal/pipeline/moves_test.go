package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// TestGoneAtOnce deletes a node, object and agent, between two rounds.
func TestGoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		c.wait(4 * time.Second)
		c.agents = c.agents[:1]
		frames := c.framesOf("node2")
		c.hint()
		if nodes := c.round(t).Nodes; len(nodes) != 1 || nodes[0].Node != "node1" {
			t.Errorf("nodes after node2 was deleted: %v", nodes)
		}
		if c.framesOf("node2") != frames || frames == 0 {
			t.Errorf("%d frames of node2, want the %d that there were", c.framesOf("node2"), frames)
		}
	})
}

// TestAgentMoves gives a node's agent another address: it is asked there at
// once, and goes on where it was.
func TestAgentMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.untilRound()
		c.machines["http://moved"] = c.machines["http://node1"]
		delete(c.machines, "http://node1") // nobody may ask there
		c.agents = slices.Clone(c.agents)
		c.agents[0].URL = "http://moved"
		c.wait(3 * time.Second)
		c.hint()
		c.want(t, "node1", hub.StateOK, "", 3)
		c.untilRound()
		c.want(t, "node1", hub.StateOK, "", 7) // to the round, not to 10 s after
		c.available(t, "node1", 3, 3)
	})
}

// TestASampleTooSoonChangesNothing asks a node a third of a second after its
// last sample: that one stands, and is as old as it is.
func TestASampleTooSoonChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		c.untilRound()
		c.untilRound()
		before := c.node(t, "node1")
		c.machines["http://moved"] = c.machines["http://node1"]
		c.agents = slices.Clone(c.agents)
		c.agents[0].URL = "http://moved"
		c.wait(time.Second / 3)
		c.hint()
		c.want(t, "node1", hub.StateOK, "", 10)
		after := c.node(t, "node1")
		if c.asked["http://moved"] != 1 || !after.Health.LastSample.Equal(before.Health.LastSample) || after.Health.ClockSkew != before.Health.ClockSkew {
			t.Errorf("asked %d times, health %+v after %+v, want the same sample", c.asked["http://moved"], after.Health, before.Health)
		}
	})
}

// TestAddressesAreSwapped gives two nodes each other's address, as when an
// address is used again: each node's samples stay its own.
func TestAddressesAreSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		c.untilRound()
		m := c.machines
		m["http://node1"], m["http://node2"] = m["http://node2"], m["http://node1"]
		c.untilRound() // the endpoints do not know yet: answers for another node
		for _, name := range []string{"node1", "node2"} {
			c.want(t, name, hub.StateStale, "answers for node", 8)
		}
		if c.failures[hub.FailureConflict] != 2 {
			t.Errorf("counted %v, want two conflicts", c.failures)
		}
		c.agents = slices.Clone(c.agents)
		c.agents[0].URL, c.agents[1].URL = "http://node2", "http://node1"
		c.hint()
		for _, name := range []string{"node1", "node2"} {
			c.want(t, name, hub.StateOK, "", 10)
		}
	})
}

// TestStaticAddressesAreSwapped has two addresses from a list, which lead to each
// other's machines from one round on. Once both are down they are taken at their
// word; no name is there twice meanwhile.
func TestStaticAddressesAreSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		m := c.machines
		for i := range c.agents {
			address := fmt.Sprintf("http://10.0.0.%d:10290", i+1)
			m[address] = m[c.agents[i].URL]
			c.agents[i] = hub.Agent{URL: address, Ready: true}
		}
		c.run(t)
		c.untilRound()
		const first, second = "http://10.0.0.1:10290", "http://10.0.0.2:10290"
		m[first], m[second] = m[second], m[first]
		for range 4 {
			c.untilRound()
			names := map[string]int{}
			for _, n := range c.round(t).Nodes {
				names[n.Node]++
			}
			for name, count := range names {
				if count > 1 {
					t.Errorf("%d nodes are called %s: %+v", count, name, names)
				}
			}
		}
		for name, address := range map[string]string{"node1": second, "node2": first} {
			if n := c.node(t, name); n.Status.State != hub.StateOK || n.Agent.URL != address {
				t.Errorf("%s is %s (%s) at %s, want it ok at %s", name, n.Status.State, n.Status.Reason, n.Agent.URL, address)
			}
		}
	})
}

// TestLateAnswer has an agent that answers with what it said two rounds ago.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1")
		c.run(t)
		m := c.machines["http://node1"]
		old := m.snapshot()
		c.untilRound()
		c.untilRound()
		frames := len(c.frames)
		m.frozen = old
		c.untilRound()
		c.want(t, "node1", hub.StateStale, "not newer", 10)
		if len(c.frames) != frames || c.failures[hub.FailureNotNewer] != 1 {
			t.Errorf("%d frames were kept of an old sample; counted %v", len(c.frames)-frames, c.failures)
		}
		m.frozen = nil
		c.untilRound()
		c.want(t, "node1", hub.StateOK, "", 20)
	})
}

// TestKnownAgentsAreNotAskedAnew: a change of the set concerns those who are new.
func TestKnownAgentsAreNotAskedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster("node1", "node2")
		c.run(t)
		c.wait(3 * time.Second)
		asked := c.asked["http://node1"]
		c.join("node3")
		c.agents = slices.Clone(c.agents)
		slices.Reverse(c.agents)
		c.hint()
		c.want(t, "node3", hub.StateOK, "", 0)
		c.want(t, "node1", hub.StateOK, "", 2)
		if c.asked["http://node1"] != asked {
			t.Error("node1 was asked again because node3 joined")
		}
	})
}
