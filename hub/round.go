package hub

import "time"

// A Kind says what a Series is about.
type Kind string

// The kinds of series that are kept, beside those of CPUMode.Kind.
const (
	KindNode      Kind = "Node"
	KindPod       Kind = "Pod"
	KindContainer Kind = "Container"
)

// A Series says whom a row of numbers is about. It is attributed when the row
// is kept, so that it outlives the pod. Fields that do not apply are empty.
type Series struct {
	Kind      Kind
	Node      string
	Namespace string
	Pod       string
	PodUID    string
	Container string
	// OwnerKind and OwnerName are the pod's top controller.
	OwnerKind, OwnerName string
}

// A Row is one series' usage in one round.
type Row struct {
	Series Series
	Usage  Usage
	// Parts counts what a sum is over; zero for what is not a sum.
	Parts Count
}

// A Frame is one node's rows of one round: what the window keeps.
type Frame struct {
	// Time is the round's, equal for all nodes: sums over nodes are aligned.
	Time time.Time
	Node string
	Rows []Row
}

// Summands is the frame with the rows that sums are made of, those of the node
// and of its pods: they hold what the others say of their parts.
func (f *Frame) Summands() *Frame {
	isSummand := func(r *Row) bool { return r.Series.Kind == KindNode || r.Series.Kind == KindPod }
	n := 0
	for i := range f.Rows {
		if isSummand(&f.Rows[i]) {
			n++
		}
	}
	s := &Frame{Time: f.Time, Node: f.Node, Rows: make([]Row, 0, n)}
	for i := range f.Rows {
		if isSummand(&f.Rows[i]) {
			s.Rows = append(s.Rows, f.Rows[i])
		}
	}
	return s
}

// Sums are the rows of one round that are read together because they are about
// one thing and its parts: worked out when the round ends, so that no reader
// has to add up the frames of all nodes.
type Sums struct {
	Time time.Time
	// Of says whose: a namespace's, all of a namespace's workloads', or the
	// cluster's.
	Of   Series
	Rows []Row
}

// A WindowStatus is how much the window holds.
type WindowStatus struct {
	// Bytes is what the window takes up, by its own count, of at most
	// MaxBytes; 0 is no bound.
	Bytes, MaxBytes int64
	// Samples counts the rows of all rounds.
	Samples int64
	// Oldest is a time before which no round can be read; zero if none can.
	Oldest time.Time
	// DroppedBefore is set while rounds are missing because of MaxBytes: all
	// before it.
	DroppedBefore time.Time
}

// States of a node's agent, and of what runs there.
const (
	StateOK          = "ok"          // has a sample of the latest round
	StateStale       = "stale"       // missed the latest round; shown is an older sample
	StateDown        = "down"        // missed two rounds or more, or has no agent
	StateUnsupported = "unsupported" // the node has no unified cgroup v2
	StatePending     = "pending"     // no sample yet
)

// Status says how far what is shown can be trusted.
type Status struct {
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	SampleTime time.Time `json:"sampleTime,omitzero"`
	// AgeSeconds is the sample's age by the hub's clock at the round's time.
	AgeSeconds *float64 `json:"ageSeconds"`
}

// A NodeState is what the hub knows of one node's agent after a round.
type NodeState struct {
	Node   string
	Agent  Agent
	Status Status
	// Reading is of the last good sample; nil before the first and when the
	// node is down.
	Reading *Reading
	Health  Health
	// Identity is what the agent was last known by.
	Identity Identity
}

// Health is how well one agent could be asked.
type Health struct {
	LastSample time.Time
	// Took and Bytes are of the last answer.
	Took  time.Duration
	Bytes int
	// ClockSkew is the agent's clock minus the hub's, from the middle of the
	// request.
	ClockSkew time.Duration
	// Expected counts the rounds of the window, or since the hub first saw the
	// agent, in which a sample was expected; Stored those that have one.
	Expected, Stored int
	LastError        string
	LastErrorTime    time.Time
	// FirstSeen is when discover first showed the agent, FirstStored when its
	// first sample was kept.
	FirstSeen, FirstStored time.Time
}

// A Round is the state of everything after asking all agents once. It is
// published whole and never changed.
type Round struct {
	// Number counts publications since the hub started, from 1.
	Number   uint64
	Time     time.Time
	Interval time.Duration
	Window   time.Duration
	Started  time.Time // when the hub started
	// Nodes has every node that has, or had within the window, an agent, by
	// name.
	Nodes     []NodeState
	Inventory *Inventory
	// Kept is how much of the window there is, Replay what of it is from before
	// the start.
	Kept   WindowStatus
	Replay Replay
}

// Availability sums up the nodes': in how many rounds a node's sample was
// expected over the window, and in how many it was stored.
func (r *Round) Availability() (expected, stored int) {
	for i := range r.Nodes {
		expected += r.Nodes[i].Health.Expected
		stored += r.Nodes[i].Health.Stored
	}
	return expected, stored
}
