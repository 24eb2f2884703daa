package pipeline

import (
	"cmp"
	"errors"
	"net/url"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A node is what the pipeline remembers of one agent's node between rounds.
type node struct {
	state hub.NodeState
	// present: discover shows an agent. asked: that agent has been asked.
	present, asked bool
	// missed counts the rounds without a sample since the last one.
	missed int
	// last is the latest sample, sampled when it was taken by the hub's clock.
	last    *snapshot.Snapshot
	sampled time.Time
	// rateless counts the latest samples in a row that gave no rates.
	rateless int
	// outcomes has, for each round of the window in which a sample was expected,
	// whether one was stored.
	outcomes []bool
}

// agentKey identifies an agent: by its node, or by its address if only its own
// word could say which node that is.
func agentKey(a hub.Agent) string { return cmp.Or(a.Node, a.URL) }

func newNode(agent hub.Agent, now time.Time) *node {
	n := &node{}
	n.state.Agent = agent
	n.state.Node = cmp.Or(agent.Node, hostOf(agent.URL))
	n.state.Status = hub.Status{State: hub.StatePending, Reason: "the agent has not been asked yet"}
	n.state.Health.FirstSeen = now
	return n
}

// hostOf names an agent that has not yet said which node it is on.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// isNew reports whether the node has an agent that has not been asked.
func (n *node) isNew() bool { return n.present && !n.asked }

// newcomerTime is how long a new agent may take to answer and is still asked
// between the rounds.
const newcomerTime = time.Minute

// needsFirst reports whether a newcomer has not answered yet. Endpoints are
// published before they listen, so the first question often comes too early.
func (n *node) needsFirst() bool {
	return n.present && n.last == nil && time.Since(n.state.Health.FirstSeen) < newcomerTime
}

// isUnsettled reports whether the node is asked again before the next round.
func (n *node) isUnsettled() bool { return n.needsFirst() || n.needsSecond() }

// isAnotherChance reports whether what discover now shows is reason to ask the
// node's agent before the next round: another pod or address, or one that has
// become Ready and whose answer is missing.
func (n *node) isAnotherChance(agent hub.Agent) bool {
	before := &n.state.Agent
	answers := n.last != nil && n.missed == 0
	return agent.PodUID != before.PodUID || agent.URL != before.URL || agent.Ready && !before.Ready && !answers
}

// needsSecond reports whether the node has given one sample from which no rate
// could be worked out. After a second one it waits for the rounds.
func (n *node) needsSecond() bool { return n.present && n.missed == 0 && n.rateless == 1 }

// compare works out what was used since the node's sample before. A sample too
// soon after the last one adds nothing to it: that one stands.
func (n *node) compare(cur *snapshot.Snapshot) (*hub.Reading, error) {
	if n.last != nil && n.last.Node != cur.Node {
		n.last = nil // a static address now leads to another node
	}
	r, err := delta.Between(n.last, cur)
	if errors.Is(err, delta.ErrTooSoon) && n.state.Reading != nil {
		return n.state.Reading, nil
	}
	if err != nil {
		return nil, err
	}
	n.last = cur
	return r, nil
}

// take makes the sample what is shown of the node.
func (n *node) take(r *hub.Result, reading *hub.Reading) {
	s := &n.state
	n.missed = 0
	if reading != s.Reading { // else the sample came too soon, and the one before stands
		n.sampled = r.Started.Add(r.Took / 2)
		if n.rateless++; reading.Host.Usage.OverSeconds > 0 {
			n.rateless = 0
		}
	}
	s.Node = reading.Node
	s.Reading = reading
	s.Status = hub.Status{State: stateOf(reading), SampleTime: reading.SampleTime}
	if s.Status.State == hub.StateUnsupported {
		s.Status.Reason = "the node's control groups are " + reading.Mode + "; kubemon needs unified cgroup v2"
	}
	s.Health.LastSample = n.sampled
	s.Health.Took, s.Health.Bytes = r.Took, r.Bytes
	s.Health.ClockSkew = reading.SampleTime.Sub(n.sampled.Round(0))
}

// expect notes that a sample is expected in this round, and was in so many that
// were skipped before it. Of at most limit rounds it is remembered.
func (n *node) expect(skipped, limit int) {
	n.outcomes = append(n.outcomes, make([]bool, min(skipped, limit)+1)...)
	if over := len(n.outcomes) - max(limit, 1); over > 0 {
		n.outcomes = n.outcomes[over:]
	}
	n.tally()
}

// stateOf is the state of a node with a sample of the round.
func stateOf(reading *hub.Reading) string {
	if reading.Mode != snapshot.ModeUnified {
		return hub.StateUnsupported
	}
	return hub.StateOK
}

// stored notes that the window has a sample of the node in this round.
func (n *node) stored(now time.Time) {
	if n.state.Health.FirstStored.IsZero() {
		n.state.Health.FirstStored = now
	}
	if last := len(n.outcomes) - 1; last >= 0 && !n.outcomes[last] {
		n.outcomes[last] = true
		n.tally()
	}
}

func (n *node) tally() {
	h := &n.state.Health
	h.Expected, h.Stored = len(n.outcomes), 0
	for _, ok := range n.outcomes {
		if ok {
			h.Stored++
		}
	}
}

// miss records a round without a sample, and why there is none.
func (n *node) miss(err error, now time.Time) {
	n.missed++
	n.fault(err, now)
	s := &n.state
	if n.missed >= 2 {
		s.Status.State = hub.StateDown
		s.Reading = nil
	} else if n.last != nil {
		s.Status.State = hub.StateStale
	}
	s.Status.Reason = err.Error()
}

// fault records an error. What is shown of the node stays.
func (n *node) fault(err error, now time.Time) {
	n.state.Health.LastError, n.state.Health.LastErrorTime = err.Error(), now
	if n.state.Status.State == hub.StatePending {
		n.state.Status.Reason = err.Error()
	}
}

// stateAt is the node's state with the sample's age at a round's beginning. A
// sample of the round itself has the age 0.
func (n *node) stateAt(began time.Time) hub.NodeState {
	s := n.state
	if n.last != nil {
		s.Status.AgeSeconds = new(max(0, began.Sub(n.sampled)).Seconds())
	}
	return s
}
