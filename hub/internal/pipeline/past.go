package pipeline

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A pastNode is what a replay knows of one node. Times are those since the hub
// began, so past ones are negative.
type pastNode struct {
	name  string
	agent hub.Agent
	// sample is a live one, taken at sampled: it ties the node's clocks to the
	// hub's. The wall clock only says what to ask for; what was when is told by
	// the boot-time clock, which does not step.
	sample  snapshot.Stamp
	sampled time.Duration

	failed bool
	// state is the node's in the round that is being filled.
	state string
	// earliest is the snapshot of the earliest round that was filled, made at
	// limit: those of earlier rounds are earlier. Before the first it is sample,
	// and limit far ahead.
	earliest snapshot.Stamp
	limit    time.Duration
	// history is what the agent kept of the rounds of a pass, and picks the place
	// in it of the snapshot of each, by slot. last is the place of the one that
	// was read last, at most the cursor's.
	history *snapshot.History
	picks   map[int]int
	last    int
}

func newPastNode(n *node, started time.Time) *pastNode {
	sample := snapshot.StampOf(n.last)
	return &pastNode{
		name: n.state.Node, agent: n.state.Agent,
		sample: sample, sampled: n.sampled.Sub(started),
		earliest: sample, limit: math.MaxInt64,
	}
}

// query asks for what may be of some rounds, and for one snapshot before it.
func (n *pastNode) query(oldest, newest int, interval time.Duration) hub.PastQuery {
	at := func(intervals float64) time.Time {
		return n.sample.Time().Add(time.Duration(intervals*float64(interval)) - n.sampled)
	}
	return hub.PastQuery{Agent: n.agent, Since: at(float64(oldest) - 3.5), Until: at(float64(newest) + 1)}
}

// assign picks the snapshot of each round: the latest that is at most half an
// interval after it, less than one before it, and early enough before that of
// the round after for a rate. Snapshots that lie an interval apart, give or take a quarter,
// thus fill each round once, whatever their phase, and none is used twice.
func (n *pastNode) assign(history *snapshot.History, oldest, newest int, interval time.Duration) {
	n.history, n.picks, n.last = history, make(map[int]int), -1
	history.MaxWork = passWork
	times := n.times(history.Stamps)
	place := len(times) - 1
	for slot := newest; slot >= oldest; slot-- {
		round := time.Duration(slot) * interval
		for place >= 0 && (times[place] > n.limit-delta.MinSpan || times[place] > round+interval/2) {
			place--
		}
		if place >= 0 && times[place] > round-interval {
			n.picks[slot] = place
			n.earliest, n.limit = history.Stamps[place], times[place]
		}
	}
}

// times returns when the snapshots were made, by the hub's clock. Where the
// boot-time clock began anew between two, the wall clock is all there is. Of
// those that are in no order the latest is taken, and no other.
func (n *pastNode) times(stamps []snapshot.Stamp) []time.Duration {
	times := make([]time.Duration, len(stamps))
	after, at := n.earliest, min(n.limit, n.sampled)
	for i := len(stamps) - 1; i >= 0; i-- {
		stamp := stamps[i]
		gap := time.Duration(after.BootNanos - stamp.BootNanos)
		if wall := after.Time().Sub(stamp.Time()); gap <= 0 && wall > 0 {
			gap = wall // another boot
		}
		if gap <= 0 && i < len(stamps)-1 {
			at = math.MinInt64 / 2
		}
		at -= gap
		times[i], after = at, stamp
	}
	return times
}

// reading is what the node used up to the round, since the snapshot that was
// read last or else the one before it. It is nil if there is none. Rounds must
// be asked for in their order.
func (n *pastNode) reading(slot int) (*hub.Reading, error) {
	place, ok := n.picks[slot]
	if !ok {
		return nil, nil
	}
	if n.last < 0 {
		n.last = beforeRate(n.history.Stamps, place)
	}
	if err := n.advance(n.last); err != nil {
		return nil, err
	}
	var before *snapshot.Snapshot
	if n.last < place {
		var err error
		if before, err = n.snapshot(); err != nil {
			return nil, err
		}
	}
	if err := n.advance(place); err != nil {
		return nil, err
	}
	n.last = place
	cur, err := n.snapshot()
	if err != nil {
		return nil, err
	}
	reading, err := delta.Between(before, cur)
	if errors.Is(err, delta.ErrNotAfter) || errors.Is(err, delta.ErrTooSoon) {
		return nil, nil
	}
	return reading, err
}

// beforeRate is the place of the snapshot that the one at a place is compared
// with: the latest that is early enough for a rate, or the first.
func beforeRate(stamps []snapshot.Stamp, place int) int {
	before := max(place-1, 0)
	for before > 0 && time.Duration(stamps[place].BootNanos-stamps[before].BootNanos).Abs() < delta.MinSpan {
		before--
	}
	return before
}

// advance moves the history's cursor on to a place.
func (n *pastNode) advance(place int) error {
	for n.history.At < place {
		if err := n.history.Next(); err != nil {
			return scrape.Unquoted(err)
		}
	}
	return nil
}

// snapshot decodes the one at the cursor, which must be about the node.
func (n *pastNode) snapshot() (*snapshot.Snapshot, error) {
	s, err := n.history.Snapshot()
	if err != nil {
		return nil, scrape.Unquoted(err)
	}
	if s.Node != n.name {
		return nil, fmt.Errorf("snapshot %d of a history: it is about another node than %q", n.history.At, n.name)
	}
	return s, nil
}
