package window

import (
	"errors"
	"maps"
	"math"
	"slices"
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

// put counts a block, in place of one with a value and samples of that size if
// replaced is not -1.
func (l *ledger) put(h *head, before int64, replaced int, until time.Time) {
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
		a.samples -= before
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

// oldest returns the oldest block, false if there is none.
func (l *ledger) oldest() (uint32, bool) {
	if len(l.blocks) == 0 {
		return 0, false
	}
	return slices.Min(slices.Collect(maps.Keys(l.blocks))), true
}

// makeRoom drops the oldest blocks until the window takes up no more than it
// may.
func (w *Window) makeRoom() error {
	if w.maxBytes == 0 {
		return nil
	}
	for {
		block, ok := w.ledger.oldest()
		if bytes, _ := w.ledger.totals(); bytes <= w.maxBytes || !ok {
			return nil
		}
		if err := w.drop(block); err != nil {
			return err
		}
	}
}

// drop deletes the blocks of that number and all that are older. If it is the
// newest, the window begins anew with the next round.
func (w *Window) drop(block uint32) error {
	w.mu.Lock()
	w.floor = min(blockStart(block+1), w.newest+1)
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
	if block, ok := w.ledger.oldest(); ok {
		s.Oldest = timeOf(max(w.ledger.blocks[block].first, readable))
	}
	if w.floor > w.newest-int64(w.keep) {
		s.DroppedBefore = timeOf(w.floor)
	}
	return s
}

func timeOf(at int64) time.Time { return time.Unix(0, at).UTC() }
