package window

import (
	"errors"
	"maps"
	"math"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

// itemBytes is what an item of BuntDB takes up beside its value: the item, its
// options, its key and its places in two trees.
const itemBytes = 200

// valueBytes is what a value takes up: the allocator rounds it up by a
// sixteenth on average.
func valueBytes(length int) int64 { return int64(length + length/16) }

// A ledger counts what the window takes up, block by block.
type ledger struct {
	blocks  map[uint32]*account
	streams int64 // bytes
}

// An account is the blocks of one number, of all streams.
type account struct {
	bytes, samples int64
	first          int64     // time of the oldest round
	until          time.Time // when BuntDB has let go of the last
}

// with returns what the window takes up once the change is stored.
func (l *ledger) with(c *change) int64 {
	bytes, _ := l.totals()
	bytes += valueBytes(len(c.head.value))
	if c.length < 0 {
		return bytes + itemBytes
	}
	return bytes - valueBytes(c.length)
}

// put counts a change, of a value of that length if replaced is not -1.
func (l *ledger) put(c *change, replaced int, until time.Time) {
	h := c.head
	a := l.blocks[h.block]
	if a == nil {
		l.sweep(time.Now())
		a = &account{first: math.MaxInt64}
		l.blocks[h.block] = a
	}
	a.bytes += valueBytes(len(h.value))
	a.samples += h.samples
	if replaced >= 0 {
		a.bytes -= valueBytes(replaced)
		a.samples -= c.samples
	} else {
		a.bytes += itemBytes
	}
	a.first = min(a.first, h.first)
	if until.After(a.until) {
		a.until = until
	}
}

// sweep forgets what BuntDB has let go of.
func (l *ledger) sweep(now time.Time) {
	maps.DeleteFunc(l.blocks, func(_ uint32, a *account) bool { return a.until.Before(now) })
}

func (l *ledger) totals() (bytes, samples int64) {
	bytes = l.streams
	for _, a := range l.blocks {
		bytes += a.bytes
		samples += a.samples
	}
	return bytes, samples
}

// oldest returns the oldest block, math.MaxUint32 if there is none.
func (l *ledger) oldest() uint32 {
	oldest := uint32(math.MaxUint32)
	for block := range l.blocks {
		oldest = min(oldest, block)
	}
	return oldest
}

// drop deletes the blocks of that number, the oldest. If that of the newest
// round is among them, the window begins anew with the round that is to come.
func (w *Window) drop(block uint32, coming int64) error {
	w.mu.Lock()
	w.floor = min(blockStart(block+1), max(w.newest, coming))
	w.mu.Unlock()
	delete(w.ledger.blocks, block)
	for _, prefix := range []byte{framePrefix, sumPrefix} {
		for more := true; more; {
			var err error
			if more, err = w.dropSome(blockKey(prefix, block, 0), blockKey(prefix, block+1, 0)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropSome deletes some of the keys from one to another, few enough that
// readers hardly wait, and reports whether there may be more.
func (w *Window) dropSome(from, to string) (more bool, err error) {
	const atOnce = 256
	err = w.db.Update(func(tx *buntdb.Tx) error {
		var keys []string
		err := tx.AscendRange("", from, to, func(key, _ string) bool {
			keys = append(keys, key)
			return len(keys) < atOnce
		})
		for _, key := range keys {
			if _, err := tx.Delete(key); err != nil && !errors.Is(err, buntdb.ErrNotFound) {
				return err
			}
		}
		more = len(keys) == atOnce
		return err
	})
	return more, err
}

// Status says how much the window holds. It waits for a writer.
func (w *Window) Status() hub.WindowStatus {
	w.writer.Lock()
	defer w.writer.Unlock()
	w.ledger.sweep(time.Now())
	s := hub.WindowStatus{MaxBytes: w.maxBytes}
	s.Bytes, s.Samples = w.ledger.totals()
	readable, _ := w.readable()
	if oldest := w.ledger.blocks[w.ledger.oldest()]; oldest != nil {
		s.Oldest = timeOf(max(oldest.first, readable))
	}
	if w.floor > max(0, w.newest-int64(w.keep)) {
		s.DroppedBefore = timeOf(w.floor)
	}
	return s
}

func timeOf(at int64) time.Time { return time.Unix(0, at).UTC() }
