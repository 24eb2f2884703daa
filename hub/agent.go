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
	// Fallback is the same agent's address in the other IP family, for when no
	// connection to URL can be opened; empty if it has none.
	Fallback string
	// PodUID is the agent pod's, empty for a static address.
	PodUID string
	// Container is the ID of the container that runs the agent; empty while the
	// inventory does not know it. A restart makes another one.
	Container string
	// Ready is the endpoint's condition; an agent that is not ready is asked
	// all the same.
	Ready bool
	// Rivals counts the other pods that claim the node and are not about to
	// end. They are not asked: a node is counted once.
	Rivals int
}

// A Result is what asking one agent once came to: a snapshot or an error.
type Result struct {
	Agent    Agent
	Snapshot *snapshot.Snapshot // nil if Err is not
	Err      error
	// Failure is the word that Err is counted under; empty without one.
	Failure Failure
	// Identity is what the agent was last known by, also if it was not this time.
	Identity Identity
	// Started and Took are of the hub's clock.
	Started time.Time
	Took    time.Duration
	Bytes   int
}

// An Identity is what an agent is known by: the key that it has proven to hold.
type Identity struct {
	// Trust is why that key is taken for the agent's; empty before the first
	// contact.
	Trust Trust `json:"trust"`
	// Fingerprint is "sha256:" and the hexadecimal SHA-256 of the key's
	// SubjectPublicKeyInfo; empty without TLS.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Since is when the key was first accepted.
	Since time.Time `json:"since,omitzero"`
}

// A Trust is why a key is taken for an agent's.
type Trust string

// The kinds of trust.
const (
	TrustPinned   Trust = "pinned"   // the pod had it at first contact
	TrustAttested Trust = "attested" // the cluster says that the pod has it
	TrustCA       Trust = "ca"       // a certificate authority says so
	TrustNone     Trust = "none"     // there is no key: the address is plain HTTP
)

// A Failure is why asking an agent gave no new sample: one of a few words to
// count by. The error beside it is for people.
type Failure string

// The failures.
const (
	FailureTimeout      Failure = "timeout"      // no connection, or no whole answer, in time
	FailureRefused      Failure = "refused"      // nobody listens at the address
	FailureUnreachable  Failure = "unreachable"  // no way to the address
	FailureBroken       Failure = "broken"       // the connection ended before the answer did
	FailureIdentity     Failure = "identity"     // the peer's key is not taken for the agent's
	FailureUnauthorized Failure = "unauthorized" // 401 or 403, or no token to send
	FailureStatus       Failure = "status"       // another status than 200
	FailureContentType  Failure = "content_type" // not a snapshot's, or compressed
	FailureTooLarge     Failure = "too_large"    // more bytes than are read
	FailureDecode       Failure = "decode"       // not a whole and valid snapshot
	FailureWrongNode    Failure = "wrong_node"   // about another node than the agent's
	FailureConflict     Failure = "conflict"     // about a node that another agent has
	FailureNotNewer     Failure = "not_newer"    // the sample is known, or older than the last
)

// Failures lists them all.
func Failures() []Failure {
	return []Failure{
		FailureTimeout, FailureRefused, FailureUnreachable, FailureBroken,
		FailureIdentity, FailureUnauthorized, FailureStatus, FailureContentType, FailureTooLarge,
		FailureDecode, FailureWrongNode, FailureConflict, FailureNotNewer,
	}
}
