package rest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A replayStatus is what of the window is from before the hub's start.
type replayStatus struct {
	State string `json:"state"`
	// From is the oldest round that was filled in.
	From     time.Time       `json:"from,omitzero"`
	Rounds   int             `json:"rounds"`
	Samples  int             `json:"samples"`
	Failures []replayFailure `json:"failures"`
}

// A replayFailure is why what a node's agent kept was not, or not all, used.
type replayFailure struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
}

func replayStatusOf(r *hub.Replay) replayStatus {
	s := replayStatus{State: cmp.Or(r.State, hub.ReplayOff), From: r.From, Rounds: r.Rounds, Samples: r.Samples, Failures: []replayFailure{}}
	for _, node := range slices.Sorted(maps.Keys(r.Failures)) {
		s.Failures = append(s.Failures, replayFailure{node, r.Failures[node]})
	}
	return s
}
