package rest

import (
	"fmt"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A status is how kubemon itself does.
type status struct {
	APIVersion      string         `json:"apiVersion"`
	Kind            string         `json:"kind"`
	Time            time.Time      `json:"time"`
	IntervalSeconds float64        `json:"intervalSeconds"`
	Hub             hubStatus      `json:"hub"`
	Window          windowStatus   `json:"window"`
	Replay          replayStatus   `json:"replay"`
	Kubernetes      hub.Connection `json:"kubernetes"`
	Access          accessStatus   `json:"access"`
	// Availability is that of all nodes together.
	Availability availability  `json:"availability"`
	Agents       []agentStatus `json:"agents"`
}

// An accessStatus is how readers are known.
type accessStatus struct {
	Auth string `json:"auth"`
}

type hubStatus struct {
	Version       string    `json:"version"`
	Started       time.Time `json:"started"`
	WindowSeconds float64   `json:"windowSeconds"`
	// Round counts what the hub published since it started.
	Round uint64 `json:"round"`
}

// A windowStatus is what the hub keeps in memory.
type windowStatus struct {
	Bytes int64 `json:"bytes"`
	// MaxBytes is nil without a bound.
	MaxBytes *int64 `json:"maxBytes"`
	Samples  int64  `json:"samples"`
	// OldestRound is a time before which there is no history.
	OldestRound time.Time `json:"oldestRound,omitzero"`
	// DroppedBefore and Reason are there while history is shorter than the
	// window because of MaxBytes.
	DroppedBefore time.Time `json:"droppedBefore,omitzero"`
	Reason        string    `json:"reason,omitempty"`
}

// An availability is the share of rounds over the window that have a sample.
type availability struct {
	// Ratio is nil before any was expected.
	Ratio          *float64 `json:"ratio"`
	RoundsExpected int      `json:"roundsExpected"`
	RoundsStored   int      `json:"roundsStored"`
}

func availabilityOf(expected, stored int) availability {
	a := availability{RoundsExpected: expected, RoundsStored: stored}
	if expected > 0 {
		a.Ratio = new(float64(stored) / float64(expected))
	}
	return a
}

func windowStatusOf(kept hub.WindowStatus) windowStatus {
	s := windowStatus{Bytes: kept.Bytes, Samples: kept.Samples, OldestRound: kept.Oldest, DroppedBefore: kept.DroppedBefore}
	if kept.MaxBytes > 0 {
		s.MaxBytes = &kept.MaxBytes
	}
	if !kept.DroppedBefore.IsZero() {
		s.Reason = fmt.Sprintf("older rounds were dropped to stay within %d bytes; --window-max-bytes sets how many", kept.MaxBytes)
	}
	return s
}

// An agentStatus is how well one node's agent could be read.
type agentStatus struct {
	Node string `json:"node"`
	hub.Status
	URL string `json:"url"`
	// FallbackURL is the agent's address in the other IP family.
	FallbackURL string `json:"fallbackURL,omitempty"`
	// Identity is what the agent was last known by; nil before the first contact.
	Identity *hub.Identity `json:"identity"`
	// Ready is the endpoint's condition.
	Ready bool `json:"ready"`
	// Rivals counts other agents that claim the node and are not asked.
	Rivals int `json:"rivals"`
	// Warnings say what is odd about an agent that may well answer.
	Warnings []string `json:"warnings"`
	// LastSample is when the hub last stored a sample of the node. The three
	// below are of that answer, and nil before it.
	LastSample         time.Time `json:"lastSample,omitzero"`
	ScrapeMilliseconds *float64  `json:"scrapeMilliseconds"`
	Bytes              *int      `json:"bytes"`
	ClockSkewSeconds   *float64  `json:"clockSkewSeconds"`
	// Availability is stored rounds by expected ones over the window.
	Availability   *float64  `json:"availability"`
	RoundsExpected int       `json:"roundsExpected"`
	RoundsStored   int       `json:"roundsStored"`
	LastError      string    `json:"lastError,omitempty"`
	LastErrorTime  time.Time `json:"lastErrorTime,omitzero"`
	Attach         attach    `json:"attach"`
}

// An attach is how fast kubemon came to read a node.
type attach struct {
	FirstSeen   time.Time `json:"firstSeen,omitzero"`
	FirstStored time.Time `json:"firstStored,omitzero"`
	// NodeReady is since when the node is Ready, by the API server.
	NodeReady time.Time `json:"nodeReady,omitzero"`
	// Seconds is from seeing the agent to storing its first sample.
	Seconds *float64 `json:"seconds"`
	// AttachSeconds is from the node's being Ready to storing its first
	// sample, 0 if the sample was there before. It is known only of a node
	// that became Ready while this hub ran.
	AttachSeconds *float64 `json:"attachSeconds"`
}

func (s *server) status(r *request) (*body, error) {
	if err := r.allowNodes("the status of the agents"); err != nil {
		return nil, err
	}
	round := r.view.Round
	answer := status{
		APIVersion: apiVersion, Kind: "Status",
		Time: round.Time, IntervalSeconds: round.Interval.Seconds(),
		Hub: hubStatus{
			Version: s.Version, Started: round.Started,
			WindowSeconds: round.Window.Seconds(), Round: round.Number,
		},
		Window:       windowStatusOf(round.Kept),
		Replay:       replayStatusOf(&round.Replay),
		Availability: availabilityOf(round.Availability()),
		Access:       accessStatus{s.Auth},
		Agents:       []agentStatus{},
	}
	ready := make(map[string]time.Time)
	if round.Inventory != nil {
		answer.Kubernetes = round.Inventory.Connection
		for _, n := range round.Inventory.Nodes {
			if n.Ready {
				ready[n.Name] = n.ReadySince
			}
		}
	}
	for i := range round.Nodes {
		n := &round.Nodes[i]
		answer.Agents = append(answer.Agents, agentStatusOf(n, ready[n.Node], round.Started))
	}
	return jsonBody(answer)
}

func agentStatusOf(n *hub.NodeState, ready, started time.Time) agentStatus {
	h := &n.Health
	a := agentStatus{
		Node: n.Node, Status: n.Status, LastSample: h.LastSample,
		URL: n.Agent.URL, FallbackURL: n.Agent.Fallback, Ready: n.Agent.Ready, Rivals: n.Agent.Rivals,
		Warnings: warningsOf(n), Availability: availabilityOf(h.Expected, h.Stored).Ratio,
		RoundsExpected: h.Expected, RoundsStored: h.Stored,
		LastError: h.LastError, LastErrorTime: h.LastErrorTime,
		Attach: attachOf(h, ready, started),
	}
	if n.Identity.Trust != "" {
		a.Identity = &n.Identity
	}
	if !h.LastSample.IsZero() {
		a.ScrapeMilliseconds = new(float64(h.Took.Microseconds()) / 1000)
		a.Bytes = new(h.Bytes)
		a.ClockSkewSeconds = new(h.ClockSkew.Seconds())
	}
	return a
}

// maxClockSkew is how far off a node's clock may be and nothing is said of it.
const maxClockSkew = 30 * time.Second

// warningsOf says what a person should look at, though the node may be read
// well. Its clock is in no number but sampleTime: rates come from a clock that
// nobody sets.
func warningsOf(n *hub.NodeState) []string {
	warnings := []string{}
	switch skew := n.Health.ClockSkew; {
	case skew > maxClockSkew:
		warnings = append(warnings, fmt.Sprintf("the node's clock is %s ahead of the hub's", skew.Round(time.Second)))
	case skew < -maxClockSkew:
		warnings = append(warnings, fmt.Sprintf("the node's clock is %s behind the hub's", -skew.Round(time.Second)))
	}
	if n.Agent.Rivals > 0 {
		warnings = append(warnings, fmt.Sprintf("other agents claim this node, and %d of them are not asked: is kubemon installed twice?", n.Agent.Rivals))
	}
	if !n.Agent.Ready {
		warnings = append(warnings, "the agent's endpoint is not ready; it is asked all the same")
	}
	return warnings
}

func attachOf(h *hub.Health, ready, started time.Time) attach {
	a := attach{FirstSeen: h.FirstSeen, FirstStored: h.FirstStored, NodeReady: ready}
	if h.FirstStored.IsZero() {
		return a
	}
	if !h.FirstSeen.IsZero() {
		a.Seconds = new(h.FirstStored.Sub(h.FirstSeen).Seconds())
	}
	if ready.After(started) {
		a.AttachSeconds = new(max(0, h.FirstStored.Sub(ready).Seconds()))
	}
	return a
}
