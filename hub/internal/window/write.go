package window

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

// A change is a block with one round more than it had, or with another in the
// place of one.
type change struct {
	stream *stream
	round  *round
	head   *head // the block, as it will be
	// late is what of the block lies before the round that came late or again,
	// nil if none did.
	late *head
	// length is that of the value before, -1 for none; samples its rows.
	length  int
	samples int64
}

// put makes a round part of a stream's block. All but the last step is done
// without BuntDB's lock.
func (w *Window) put(key streamKey, at time.Time, rows []hub.Row) error {
	w.writer.Lock()
	defer w.writer.Unlock()
	c, err := w.prepare(key, at, rows)
	if err != nil || c == nil {
		return err
	}
	whole, err := w.makeRoom(c)
	if err != nil {
		return err
	}
	if !whole {
		if c, err = w.beginAnew(key, at, rows); err != nil || c == nil {
			return err
		}
	}
	return w.store(c)
}

// prepare encodes a round. It returns nil if there is nothing to do: the round
// is gone before it came, or it is in the window as it is.
func (w *Window) prepare(key streamKey, at time.Time, rows []hub.Row) (*change, error) {
	r, err := w.buffer.quantise(at, rows)
	if err != nil {
		return nil, err
	}
	if oldest, _ := w.readable(); r.at < oldest {
		return nil, nil
	}
	s := w.streamFor(key)
	w.ledger.streams -= s.bytes
	r.names = s.resolve(rows, r.block())
	w.ledger.streams += s.bytes
	return w.extend(s, r)
}

// extend adds the round to the stream's block. It goes on from the head, or
// from the round that last came late, if it can.
func (w *Window) extend(s *stream, r *round) (*change, error) {
	h := s.head
	if w.isBefore(h, r) {
		c := &change{stream: s, round: r, head: h, late: s.late, length: len(h.value), samples: h.samples}
		s.head = nil // until the block is stored, nothing may go on with it
		h.append(r, &w.buffer)
		return c, nil
	}
	value, err := w.get(s.blockKey(r.block()))
	if err != nil || h != nil && h.ends(r) && h.value == value {
		return nil, err
	}
	from := newHead(r.block())
	if w.isBefore(s.late, r) && strings.HasPrefix(value, s.late.value) {
		from = s.late
	}
	s.late = nil
	return insert(from, s, r, value, w.floor, &w.buffer)
}

// isBefore reports whether the round can be added where the head ends.
func (w *Window) isBefore(h *head, r *round) bool {
	return h != nil && h.block == r.block() && h.at < r.at && h.first >= w.floor
}

// insert makes the block of that value anew, with the round in its place. What
// from has of it is taken over as it is.
func insert(from *head, s *stream, r *round, value string, floor int64, buffer *buffer) (*change, error) {
	c := &change{stream: s, round: r, head: from, length: len(value), samples: from.samples}
	if value == "" {
		c.length = -1
	}
	placed := false
	d := from.decoder(value, s.named)
	for d.next() {
		c.samples += int64(len(d.rows))
		if d.at >= r.at && !placed {
			c.late = c.head.clone()
			c.head.append(r, buffer)
			placed = true
		}
		if d.at >= floor && d.at != r.at {
			c.head.append(&d.round, buffer)
		}
	}
	if !placed {
		c.head.append(r, buffer)
	}
	return c, d.err()
}

// store makes the change that of the window.
func (w *Window) store(c *change) error {
	s, h := c.stream, c.head
	_, newest := w.readable()
	newest = max(newest, c.round.at)
	until := blockStart(h.block+1) + int64(w.keep) + int64(s.id%spread)*int64(time.Second)
	ttl := time.Duration(until - newest)
	replaced, err := w.set(s.blockKey(h.block), h.value, ttl)
	if err != nil {
		return err
	}
	if s.head == nil || s.head.block <= h.block {
		s.head, s.late = h, c.late
	} else if s.late = c.late; s.late == nil {
		s.late = h // an old block that is filled up: its next round comes behind
	}
	w.ledger.put(c, replaced, time.Now().Add(ttl))
	w.advance(newest)
	return nil
}

// set stores a value and returns the length of the one that it replaced, -1 if
// there was none.
func (w *Window) set(key, value string, ttl time.Duration) (replaced int, err error) {
	replaced = -1
	err = w.db.Update(func(tx *buntdb.Tx) error {
		before, ok, err := tx.Set(key, value, &buntdb.SetOptions{Expires: true, TTL: ttl})
		if ok {
			replaced = len(before)
		}
		return err
	})
	return replaced, err
}

// advance notes the newest round. With a new block it lets go of the heads that
// nothing is added to any more, and forgets what no block has any more, nor had
// lately: somebody may still be decoding it.
func (w *Window) advance(newest int64) {
	if block := blockOf(newest); block > blockOf(w.newest) {
		for _, s := range w.streams {
			s.rest(block)
		}
		w.forget(blockOf(max(newest-2*int64(w.keep)-int64(2*blockSpan), 0)))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest = newest
}

// makeRoom drops the oldest blocks until there is room for the change. It
// returns false if the change's own had to go.
func (w *Window) makeRoom(c *change) (whole bool, err error) {
	for w.maxBytes > 0 && w.ledger.with(c) > w.maxBytes {
		block := min(w.ledger.oldest(), c.head.block)
		if err := w.drop(block, c.round.at); err != nil {
			return false, err
		}
		if block == c.head.block {
			w.forget(w.ledger.oldest())
			return false, nil
		}
		w.forget(min(w.ledger.oldest(), c.head.block))
	}
	return true, nil
}

// beginAnew encodes a round whose block had to go. It returns nil if the round
// is older than what is left; else nothing is, and the round must have room
// alone.
func (w *Window) beginAnew(key streamKey, at time.Time, rows []hub.Row) (*change, error) {
	c, err := w.prepare(key, at, rows)
	if err != nil || c == nil {
		return nil, err
	}
	if alone := w.ledger.with(c); alone > w.maxBytes {
		w.forget(math.MaxUint32)
		return nil, fmt.Errorf("a round and its names take %d bytes alone, and the window may take %d", alone, w.maxBytes)
	}
	return c, nil
}
