// Package history keeps a node's last snapshots, so that a hub that starts can
// ask for the time when it was not there.
//
// A [History] is given the snapshots that a hub asks for, and has one taken when
// none was asked for: however often anybody asks, what is kept lies about an
// interval apart, and as long as a hub asks once each interval the node is read
// no more often than without a history. The newest snapshot is kept whole
// and each as a diff to the one before (see the package snapshot), which is a
// few bytes for each number that moved; the oldest go first, when they are too
// old or all take up too much.
//
// What is how old is told by the node's boot-time clock, so that a step of the
// wall clock loses nothing. Nothing is written to a disk.
package history

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// Options bound a History.
type Options struct {
	// Interval is how far apart the snapshots lie. Of those that hubs ask for,
	// one that follows the last by less than three quarters of it is not kept.
	Interval time.Duration
	// Keep is how far back they go at least, if there are as many.
	Keep time.Duration
	// MaxBytes is what they may take up; the newest is always kept.
	MaxBytes int
}

// A History keeps snapshots. Its methods may be called at the same time.
type History struct {
	options Options
	offered chan struct{} // holds one value after a hub's snapshot was kept

	mu sync.Mutex // held to change, or to copy, what is below it
	// newest is the last snapshot as MessagePack; diff is room for what leads to
	// the next.
	newest, diff []byte
	steps        []step // oldest first; the last is of newest
	diffBytes    int    // of all steps
	lastOffer    int64  // boot time of the last kept snapshot of a hub, 0 for none
}

// A step is one kept snapshot.
type step struct {
	at   snapshot.Stamp
	diff []byte // from the one before; nil for the oldest
}

// New returns an empty History.
func New(options Options) *History {
	return &History{options: options, offered: make(chan struct{}, 1)}
}

// Offer keeps a snapshot that a hub asked for, encoded as MessagePack, unless it
// follows the last one of a hub too soon. It puts off the next that Run takes.
func (h *History) Offer(at snapshot.Stamp, encoded []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since := at.BootNanos - h.lastOffer; h.lastOffer != 0 && since >= 0 && since < int64(h.options.Interval*3/4) {
		return nil
	}
	h.lastOffer = at.BootNanos
	select {
	case h.offered <- struct{}{}:
	default:
	}
	return h.add(at, encoded)
}

// Keep keeps a snapshot that was taken because nobody asked for one.
func (h *History) Keep(at snapshot.Stamp, encoded []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.add(at, encoded)
}

// add adds the snapshot, unless it is there already or a newer one is.
func (h *History) add(at snapshot.Stamp, encoded []byte) error {
	if n := len(h.steps); n > 0 {
		since := at.BootNanos - h.steps[n-1].at.BootNanos
		switch {
		case since < -int64(time.Minute): // another boot: no two requests lie so far apart
			h.steps, h.diffBytes = h.steps[:0], 0
		case since <= 0:
			return nil
		}
	}
	next := step{at: at}
	if len(h.steps) > 0 {
		var err error
		if h.diff, err = snapshot.AppendDiff(h.diff[:0], h.newest, encoded); err != nil {
			return fmt.Errorf("keep snapshot: %w", err)
		}
		next.diff = bytes.Clone(h.diff)
		h.diffBytes += len(next.diff)
	}
	h.newest = append(h.newest[:0], encoded...)
	h.steps = append(h.steps, next)
	h.dropOldest()
	return nil
}

// dropOldest drops what is older than need be, and what is too much.
func (h *History) dropOldest() {
	newest := h.steps[len(h.steps)-1].at.BootNanos
	drop := 0
	for drop < len(h.steps)-1 && (newest-h.steps[drop+1].at.BootNanos >= int64(h.options.Keep) || h.bytes() > h.options.MaxBytes) {
		drop++
		h.diffBytes -= len(h.steps[drop].diff)
		h.steps[drop].diff = nil
	}
	h.steps = slices.Delete(h.steps, 0, drop)
}

// bytes is what the History takes up. Capacities count: they stay.
func (h *History) bytes() int { return cap(h.newest) + cap(h.diff) + h.diffBytes }

// Size returns how many snapshots are kept, and in how many bytes.
func (h *History) Size() (snapshots, bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.steps), h.bytes()
}

// Encode returns the snapshots from one time to another, both included, as a
// [snapshot.ContentTypeHistory]. A zero time is no bound. The times are of the
// wall clock as the newest snapshot has it.
func (h *History) Encode(since, until time.Time) ([]byte, error) {
	h.mu.Lock()
	steps, current := slices.Clone(h.steps), bytes.Clone(h.newest)
	h.mu.Unlock()
	first, end := between(steps, since, until)
	if first >= end {
		return snapshot.AppendHistory(nil), nil
	}
	room := make([]byte, 0, len(current))
	for i := len(steps) - 1; i > first; i-- {
		before, err := snapshot.RevertDiff(room[:0], current, steps[i].diff)
		if err != nil {
			return nil, fmt.Errorf("go back to snapshot %d of %d: %w", first, len(steps), err)
		}
		current, room = before, current
	}
	history := snapshot.AppendHistory(make([]byte, 0, encodedBytes(current, steps[first:end])))
	history = snapshot.AppendRecord(history, snapshot.Stamp{}, steps[first].at, current)
	for i := first + 1; i < end; i++ {
		history = snapshot.AppendRecord(history, steps[i-1].at, steps[i].at, steps[i].diff)
	}
	return history, nil
}

// encodedBytes is how many bytes the steps take at most, of which the first is
// that snapshot.
func encodedBytes(first []byte, steps []step) int {
	size := len(snapshot.AppendHistory(nil)) + len(first) + len(steps)*snapshot.MaxRecordHeaderBytes
	for _, s := range steps[1:] {
		size += len(s.diff)
	}
	return size
}

// between returns the steps from first up to, and without, end that were made
// between the times.
func between(steps []step, since, until time.Time) (first, end int) {
	first, end = 0, len(steps)
	if end == 0 {
		return 0, 0
	}
	newest := steps[end-1].at
	// at compares a step with a time by their ages, to the millisecond.
	at := func(s step, wall time.Time) int {
		age := time.Duration(newest.BootNanos - s.at.BootNanos)
		return cmp.Compare(newest.Time().Sub(wall.Truncate(time.Millisecond)), age.Truncate(time.Millisecond))
	}
	if !since.IsZero() {
		first, _ = slices.BinarySearchFunc(steps, since, at)
	}
	for !until.IsZero() && end > first && at(steps[end-1], until) > 0 {
		end--
	}
	return first, end
}
