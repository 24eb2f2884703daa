// Package window keeps the last hour of frames and sums, in memory, in BuntDB.
//
// The pipeline keeps one frame for each node and round, and the sums of each
// round; readers iterate over them while it goes on.
//
//   - A round can be read until it is older, by more than the window, than the
//     newest round that was kept. Should no round follow, it is gone at most
//     seven minutes later than that. Times of rounds come back exactly.
//   - A second frame of one node and round takes the first one's place. Rounds
//     may be kept in any order; in that of their times is cheapest.
//   - What a frame says of names and owners stays as it was: a pod that is gone
//     can be asked for until its last frame is gone. Values come back as
//     [quantise] rounds them; reasons for unknown values are not kept.
//   - With a bound on the memory the oldest rounds of all nodes go first, five
//     minutes at a time, and Status says since when there are any.
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
//	row    = changed delta… : a bit for each column that is not as expected, and
//	         by how much it is not, lowest column first
//
// All are varints (encoding/binary): gap, over and delta zigzag, the others
// unsigned. A column is expected to be as in the series' row of the round
// before, or 0 if it has none; a rate to be what its counter grew by; the last
// container of a pod to have changed by what the pod did and the containers
// before it did not (expect.go). Columns
// hold numbers that are one more than the value in the unit of its column, so
// that 0 is unknown and 1 is 0. A delta of memory is halved pages or one more
// than twice the bytes. columns.go has the columns and their units.
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
	// the ledger, the streams' heads and the buffers.
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
func (w *Window) Keep(f *hub.Frame) error {
	if err := w.put(nodeKey(f.Node), f.Time, f.Rows); err != nil {
		return fmt.Errorf("keep frame of node %s: %w", f.Node, err)
	}
	return nil
}

// KeepSums stores the sums whole, or returns an error and stores nothing of
// them.
func (w *Window) KeepSums(s *hub.Sums) error {
	if err := w.put(streamKey{sumPrefix, s.Of}, s.Time, s.Rows); err != nil {
		return fmt.Errorf("keep sums of %s %s%s: %w", s.Of.Kind, s.Of.Node, s.Of.Namespace, err)
	}
	return nil
}

func nodeKey(node string) streamKey {
	return streamKey{framePrefix, hub.Series{Kind: hub.KindNode, Node: node}}
}

// put makes a round part of a stream's block. All but the last step is done
// without BuntDB's lock.
func (w *Window) put(key streamKey, at time.Time, rows []hub.Row) error {
	w.writer.Lock()
	defer w.writer.Unlock()
	r, err := w.buffer.quantise(at, rows)
	if err != nil {
		return err
	}
	oldest, newest := w.readable()
	if r.at < oldest {
		return nil // gone before it came
	}
	newest = max(newest, r.at)
	s := w.streamFor(key)
	w.ledger.streams -= s.bytes
	r.names = s.resolve(rows, r.block())
	w.ledger.streams += s.bytes
	h, before, err := w.extend(s, r)
	if err != nil {
		return err
	}
	s.head = nil // until the block is stored, nothing may go on with it
	until := blockStart(h.block+1) - newest + int64(w.keep) + int64(s.id%spread)*int64(time.Second)
	replaced, err := w.set(s, h, time.Duration(until))
	if err != nil {
		return err
	}
	s.head = h
	w.ledger.put(h, before, replaced, time.Now().Add(time.Duration(until)))
	w.advance(newest)
	return w.makeRoom()
}

// extend adds the round to the stream's block and returns it, and how many
// samples it had before. It goes on from the head if it can.
func (w *Window) extend(s *stream, r *round) (h *head, before int64, err error) {
	h = s.head
	if h != nil && h.block == r.block() && h.at < r.at && h.first >= w.floor {
		before = h.samples
		h.append(r, &w.buffer)
		return h, before, nil
	}
	value, err := w.get(s.blockKey(r.block()))
	if err != nil {
		return nil, 0, err
	}
	return insert(s, r, value, w.floor, &w.buffer)
}

// insert makes the block anew, with the round in its place.
func insert(s *stream, r *round, value string, floor int64, buffer *buffer) (h *head, before int64, err error) {
	h = newHead(r.block())
	placed := false
	d := newDecoder(value, r.block(), s.named)
	for d.next() {
		before += int64(len(d.rows))
		if d.at >= r.at && !placed {
			h.append(r, buffer)
			placed = true
		}
		if d.at >= floor && d.at != r.at {
			h.append(&d.round, buffer)
		}
	}
	if !placed {
		h.append(r, buffer)
	}
	return h, before, d.err()
}

// advance notes the newest round. With a new block it forgets what no block
// has any more, nor had lately: somebody may still be decoding it.
func (w *Window) advance(newest int64) {
	if blockOf(newest) > blockOf(w.newest) {
		w.forget(blockOf(max(newest-2*int64(w.keep)-int64(2*blockSpan), 0)))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest = newest
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

// set stores a block and returns the length of the value that it replaced, -1
// if there was none.
func (w *Window) set(s *stream, h *head, ttl time.Duration) (replaced int, err error) {
	replaced = -1
	err = w.db.Update(func(tx *buntdb.Tx) error {
		before, ok, err := tx.Set(s.blockKey(h.block), h.value, &buntdb.SetOptions{Expires: true, TTL: ttl})
		if ok {
			replaced = len(before)
		}
		return err
	})
	return replaced, err
}
