package window

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

// Frames returns the frames of one node, or of all if node is "", whose rounds
// lie from one time to another, both included: node by node by name, each
// node's in order of time. Rows are those of the series that match, all if
// match is nil; frames of a node that has no such series are left out. It reads
// as it goes, a few nodes at a time; a frame kept meanwhile may or may not be
// seen. An error ends it.
func (w *Window) Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) {
		for s, r := range w.read(w.nodes(node, match), match, from, to) {
			if r.err != nil {
				yield(nil, fmt.Errorf("read frames of node %s: %w", s.key.of.Node, r.err))
				return
			}
			if !yield(&hub.Frame{Time: r.at, Node: s.key.of.Node, Rows: r.rows}, nil) {
				return
			}
		}
	}
}

// Sums returns the sums of one thing, as Frames returns frames.
func (w *Window) Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error] {
	return func(yield func(*hub.Sums, error) bool) {
		for _, r := range w.read(w.those(streamKey{sumPrefix, of}), match, from, to) {
			if r.err != nil {
				yield(nil, fmt.Errorf("read sums of %s %s%s: %w", of.Kind, of.Node, of.Namespace, r.err))
				return
			}
			if !yield(&hub.Sums{Time: r.at, Of: of, Rows: r.rows}, nil) {
				return
			}
		}
	}
}

// nodes returns the streams of one node or of all that have a series that
// matches, by name.
func (w *Window) nodes(only string, match func(*hub.Series) bool) []*stream {
	streams := w.those(nodeKey(only))
	if only == "" {
		streams = w.allNodes()
	}
	if match == nil {
		return streams
	}
	return slices.DeleteFunc(streams, func(s *stream) bool { return !s.has(match) })
}

func (w *Window) those(key streamKey) []*stream {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if s := w.streams[key]; s != nil {
		return []*stream{s}
	}
	return nil
}

func (w *Window) allNodes() []*stream {
	w.mu.RLock()
	var streams []*stream
	for key, s := range w.streams {
		if key.prefix == framePrefix {
			streams = append(streams, s)
		}
	}
	w.mu.RUnlock()
	slices.SortFunc(streams, func(a, b *stream) int { return cmp.Compare(a.key.of.Node, b.key.of.Node) })
	return streams
}

// A found is what was read of one round, or why it could not be.
type found struct {
	at   time.Time
	rows []hub.Row
	err  error
}

// streamsAtOnce is how many streams are looked up in one transaction.
const streamsAtOnce = 16

func everything(*hub.Series) bool { return true }

// read yields the rounds of the streams, one stream after the other. Values
// are collected in transactions and decoded between them.
func (w *Window) read(streams []*stream, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*stream, found] {
	if match == nil {
		match = everything
	}
	return func(yield func(*stream, found) bool) {
		for some := range slices.Chunk(streams, streamsAtOnce) {
			first, last := w.bound(from, to)
			blocks, err := w.collect(some, first, last)
			if err != nil {
				yield(some[0], found{err: err})
				return
			}
			if !w.decode(blocks, match, first, last, yield) {
				return
			}
		}
	}
}

// bound returns the first and the last time that can be read, of those asked
// for.
func (w *Window) bound(from, to time.Time) (first, last int64) {
	first, last = w.readable()
	if from.After(timeOf(first)) {
		first = from.UnixNano()
	}
	if to.Before(timeOf(last)) {
		last = to.UnixNano()
	}
	return first, last
}

// A block is a value with what it is of.
type block struct {
	stream *stream
	number uint32
	value  string
}

// collect looks up the streams' blocks. Get leaves out what has expired.
func (w *Window) collect(streams []*stream, first, last int64) (blocks []block, err error) {
	if first > last {
		return nil, nil
	}
	err = w.db.View(func(tx *buntdb.Tx) error {
		for _, s := range streams {
			for number := blockOf(first); number <= blockOf(last); number++ {
				value, err := tx.Get(s.blockKey(number))
				if err == nil {
					blocks = append(blocks, block{s, number, value})
				} else if !errors.Is(err, buntdb.ErrNotFound) {
					return err
				}
			}
		}
		return nil
	})
	return blocks, err
}

// decode yields the rounds of the blocks from first to last, until yield wants
// no more. A block whose names are forgotten meanwhile, because there was no
// more room for it, ends there.
func (w *Window) decode(blocks []block, match func(*hub.Series) bool, first, last int64, yield func(*stream, found) bool) bool {
	var of *stream
	var needed func(*hub.Series) bool
	for _, b := range blocks {
		if b.stream != of {
			of, needed = b.stream, b.stream.needed(match)
		}
		d := newDecoder(b.value, b.number, func(number uint32) (*name, bool) {
			n, _ := of.named(number)
			return n, n != nil && needed(&n.series)
		})
		for d.next() && d.at <= last {
			if d.at >= first && !yield(of, found{at: timeOf(d.at), rows: d.read(match)}) {
				return false
			}
		}
		if err := d.err(); err != nil && !w.dropped(b.number) {
			yield(of, found{err: err})
			return false
		}
	}
	return true
}

// dropped reports whether blocks of that number had to make room.
func (w *Window) dropped(block uint32) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return blockStart(block) < w.floor
}

// read returns the rows of the round that match.
func (d *decoder) read(match func(*hub.Series) bool) []hub.Row {
	list := make([]hub.Row, 0, d.matching(match))
	unknown := hub.NewUsage()
	for i, needed := range d.needed {
		if needed && match(&d.names[i].series) {
			list = append(list, hub.Row{Series: d.names[i].series, Usage: unknown})
			d.rows[i].fill(&list[len(list)-1], d.over)
		}
	}
	return list
}

// matching counts the rows that match.
func (d *decoder) matching(match func(*hub.Series) bool) (count int) {
	for i, needed := range d.needed {
		if needed && match(&d.names[i].series) {
			count++
		}
	}
	return count
}
