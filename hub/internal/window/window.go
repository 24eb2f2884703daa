// Package window keeps the last hour of frames and sums, in memory, in BuntDB.
//
// The pipeline keeps one frame for each node and round, and the sums of each
// round; readers iterate over them while it goes on.
//
//   - A round can be read until it is older, by more than the window, than the
//     newest round that was kept. Should no round follow, it is gone at most
//     seven minutes later than that. Times of rounds come back exactly.
//   - A second frame of one node and round takes the first one's place. Rounds
//     may be kept in any order; in that of their times is cheapest, also where
//     later ones are there already.
//   - What a frame says of names and owners stays as it was: a pod that is gone
//     can be asked for until its last frame is gone. Values come back as
//     [quantise] rounds them, and as unknown if a column cannot hold them, as
//     nothing below 0 and some 2^60 and more; reasons for unknown values are
//     not kept.
//   - With a bound on the memory the oldest rounds of all nodes go first, five
//     minutes at a time, and Status says since when there are any. A round that
//     the bound has no room for alone is an error.
//   - A reader holds BuntDB's lock for the time of some 200 lookups, and waits
//     for a writer no longer than for one value, or 256 deletions, to go in.
//
// # Schema
//
// Numbers in keys are big endian, so that keys sort by time:
//
//	"f" block uint32 stream uint32  ⇒  a block of frames of one node
//	"s" block uint32 stream uint32  ⇒  a block of sums of one thing
//
// A block is what was kept in five minutes; its number is that of the five
// minutes since 1970. A stream is a number that the Window gives to each node,
// and to each thing with sums. A key expires when its last round could no
// longer be read, spread over a minute, so that each sweep has few to delete.
//
// A value is a list of rounds, each appended when it is kept:
//
//	round  = gap over roster row…
//	gap    = nanoseconds since the round before, or the block's start, less the
//	         gap before it: 0 as long as rounds lie equally far apart
//	over   = nanoseconds that the first row's rates cover, less the round before's
//	roster = 0: the same series as in the round before
//	       | 1+n ref… : n series, each 1+i for the i-th series of the round
//	         before, or 0 and the number of a series that was not in it
//	row    = changed delta… : a bit for each column that is not as expected, other
//	         than those of the round before, and by how much it is not, lowest
//	         column first
//
// All are varints (encoding/binary): gap, over and delta zigzag, the others
// unsigned. A column is expected to be as in the series' row of the round
// before, or 0 if it has none; a rate to be what its counter grew by. Where that
// has come true of late, a counter is expected to grow as it did, resident
// memory to change as the working set did, and the last container of a pod as
// the pod did and the containers before it did not (expect.go).
//
// Columns hold numbers that are one more than the value in the unit of its
// column, so that 0 is unknown and 1 is 0. A delta of memory is halved pages or
// one more than twice the bytes. columns.go has the columns and their units.
//
// Series are numbered by stream, and kept beside BuntDB as long as a block may
// have their number: a name is there once, however many rounds it is in.
package window

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

const (
	framePrefix = 'f'
	sumPrefix   = 's'

	blockSpan = 5 * time.Minute
	// spread is the number of seconds over which the keys of one block expire.
	spread = 60
)

// A Window keeps frames and sums. Its methods may be called at the same time.
type Window struct {
	db       *buntdb.DB
	keep     time.Duration
	maxBytes int64 // 0 for no bound

	// writer is held while a round goes in. Readers do without it. It guards
	// the ledger, the streams' heads and rosters, and the buffers.
	writer sync.Mutex
	ledger ledger
	buffer buffer

	// mu is held for moments only.
	mu         sync.RWMutex
	streams    map[streamKey]*stream
	lastStream uint32 // the latest number that was given
	newest     int64  // time of the newest round, 0 for none
	floor      int64  // rounds before it were dropped because of maxBytes
}

// Open returns an empty Window that keeps each round for so long, and takes up
// at most maxBytes, as far as it can count them; 0 is no bound.
func Open(keep time.Duration, maxBytes int64) (*Window, error) {
	db, err := buntdb.Open(":memory:")
	if err != nil {
		return nil, fmt.Errorf("open window: %w", err)
	}
	return &Window{
		db: db, keep: keep, maxBytes: maxBytes,
		ledger:  ledger{blocks: make(map[uint32]*account)},
		streams: make(map[streamKey]*stream),
	}, nil
}

// Close gives the memory back. BuntDB's own goroutine ends within a second.
func (w *Window) Close() error { return w.db.Close() }

// Keep stores the frame whole, or returns an error and stores nothing of it.
// What it says of a metric that is no number from 0 to what a column holds is
// kept as unknown: one bad number costs nothing else.
func (w *Window) Keep(f *hub.Frame) error {
	if err := w.put(nodeKey(f.Node), f.Time, f.Rows); err != nil {
		return fmt.Errorf("keep frame of node %s: %w", f.Node, err)
	}
	return nil
}

// KeepSums stores the sums, as Keep stores a frame. Sums that are as they were
// cost next to nothing.
func (w *Window) KeepSums(s *hub.Sums) error {
	if err := w.put(streamKey{sumPrefix, s.Of}, s.Time, s.Rows); err != nil {
		return fmt.Errorf("keep sums of %s %s%s: %w", s.Of.Kind, s.Of.Node, s.Of.Namespace, err)
	}
	return nil
}

func nodeKey(node string) streamKey {
	return streamKey{framePrefix, hub.Series{Kind: hub.KindNode, Node: node}}
}

// readable returns the times between which rounds can be read.
func (w *Window) readable() (oldest, newest int64) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return max(w.newest-int64(w.keep), w.floor), w.newest
}

func (w *Window) get(key string) (value string, err error) {
	err = w.db.View(func(tx *buntdb.Tx) error {
		value, err = tx.Get(key)
		return err
	})
	if errors.Is(err, buntdb.ErrNotFound) {
		return "", nil
	}
	return value, err
}
