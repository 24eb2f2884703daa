package hub

import (
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A PastQuery asks one agent for the snapshots that it kept from one time to
// another, both by the clock of its node.
type PastQuery struct {
	Agent        Agent
	Since, Until time.Time
}

// A Past is what a PastQuery came to.
type Past struct {
	// History is nil if Err is not, and for an agent that keeps none.
	History *snapshot.History
	Err     error
	Bytes   int
}

// A Replay is how the window was filled with what agents kept while there was
// no hub.
type Replay struct {
	State string
	// From is the oldest round that was filled; zero if none was.
	From time.Time
	// Rounds and Samples count what was filled: rounds, and in them nodes.
	Rounds, Samples int
	// Failures say why nothing, or not all, was filled, by node.
	Failures map[string]string
}

// States of a Replay.
const (
	ReplayWaiting = "waiting" // for agents to answer, and for their pods' names
	ReplayRunning = "running"
	ReplayDone    = "done"
	ReplayOff     = "off" // this hub does not ask for the past
)
