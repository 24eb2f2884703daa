package hub

import (
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// An Agent is one agent to ask, as discover found it.
type Agent struct {
	// Node is the node's name by the EndpointSlice. It is empty for a static
	// address: the agent's own word is taken then.
	Node string
	// URL is the agent's base address, "http://10.0.0.7:10290".
	URL string
	// PodUID is the agent pod's, empty for a static address.
	PodUID string
	// Ready is the endpoint's condition; an agent that is not ready is asked
	// all the same.
	Ready bool
}

// A Result is what asking one agent once came to: a snapshot or an error.
type Result struct {
	Agent    Agent
	Snapshot *snapshot.Snapshot // nil if Err is not
	Err      error
	// Started and Took are of the hub's clock.
	Started time.Time
	Took    time.Duration
	Bytes   int
}
