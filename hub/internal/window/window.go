// Package window keeps the last hour of frames, in memory, in BuntDB.
//
// The pipeline keeps one frame for each node and round; readers iterate over
// them while it goes on. A frame is gone when it has been kept for as long as
// the window is, by the monotonic clock, whether or not BuntDB has swept it
// yet. What a frame says of names and owners stays as it was: a pod that is
// gone can be asked for until its last frame is. Values come back rounded to
// what REST shows of them; reasons for unknown values are not kept.
package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

// What BuntDB holds; numbers in keys are big endian, so that keys sort by them:
//
//	"f" node uint64 round int64  ⇒ a frame: the rows of one node in one round
//	"s" series uint64            ⇒ a series: kind, node, namespace, pod, …
//
// round is the round's time in Unix milliseconds. node and series are numbers
// that the Window gives to each series it meets; a node's is that of its own
// series {Kind: KindNode, Node: name}. Rows have a series' number instead of
// its names, so a name is kept once however many rounds it is in.
//
// A frame's key expires after keep. A series' key expires after three times
// that and is written again when it is used in a frame and older than keep: it
// outlives, with time to spare for readers, every frame that has its number. The forms of the values are in
// encode.go.
//
// To read a node's frames, scan "f" node from one round to another. Scans see
// keys that have expired but are not yet swept: they are skipped. Values are
// immutable strings, so they are collected in the transaction and decoded
// after it; nobody waits for a decoder.
const (
	framePrefix  = 'f'
	seriesPrefix = 's'

	seriesLife = 3 // by keep
)

// A Window keeps frames. Its methods may be called at the same time.
type Window struct {
	db   *buntdb.DB
	keep time.Duration

	mu     sync.RWMutex
	series map[hub.Series]number // those with a key in db
	nodes  map[string]uint64     // the numbers of nodes' own series
	last   uint64                // the latest number that was given
	pruned time.Time
}

// A number stands for a series in keys and values.
type number struct {
	id      uint64
	written time.Time // when the series' key was last written
}

// Open returns an empty Window that keeps each frame for so long.
func Open(keep time.Duration) (*Window, error) {
	db, err := buntdb.Open(":memory:")
	if err != nil {
		return nil, fmt.Errorf("open window: %w", err)
	}
	return &Window{
		db: db, keep: keep,
		series: make(map[hub.Series]number),
		nodes:  make(map[string]uint64),
		pruned: time.Now(),
	}, nil
}

// Close gives the memory back. BuntDB's own goroutine ends within a second.
func (w *Window) Close() error { return w.db.Close() }

// Keep stores the frame whole or returns an error and stores nothing of it. A
// second frame of one node and round takes the first one's place. Rounds are
// kept in the order of their times.
func (w *Window) Keep(f *hub.Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.prune(now)
	fresh := numbering{w: w, now: now, last: w.last, given: make(map[hub.Series]number)}
	node := fresh.of(hub.Series{Kind: hub.KindNode, Node: f.Node})
	value, err := encodeFrame(f, fresh.of)
	if err != nil {
		return fmt.Errorf("keep frame of node %s: %w", f.Node, err)
	}
	err = w.db.Update(func(tx *buntdb.Tx) error {
		for s, n := range fresh.given {
			if err := set(tx, key(seriesPrefix, n.id), encodeSeries(s), seriesLife*w.keep); err != nil {
				return err
			}
		}
		return set(tx, frameKey(node, f.Time), value, w.keep)
	})
	if err != nil {
		return fmt.Errorf("keep frame of node %s: %w", f.Node, err)
	}
	maps.Copy(w.series, fresh.given)
	w.nodes[f.Node], w.last = node, fresh.last
	return nil
}

func set(tx *buntdb.Tx, key, value string, ttl time.Duration) error {
	_, _, err := tx.Set(key, value, &buntdb.SetOptions{Expires: true, TTL: ttl})
	return err
}

// A numbering finds the numbers of one frame's series. What it gives takes
// effect only if the frame is kept.
type numbering struct {
	w     *Window
	now   time.Time
	last  uint64
	given map[hub.Series]number // new, or to be written again
}

func (n *numbering) of(s hub.Series) uint64 {
	if known, ok := n.given[s]; ok {
		return known.id
	}
	known, ok := n.w.series[s]
	if ok && n.now.Sub(known.written) < n.w.keep {
		return known.id
	}
	if !ok {
		n.last++
		known.id = n.last
	}
	n.given[s] = number{known.id, n.now}
	return known.id
}

// prune forgets the numbers whose keys have expired. It looks rarely, because
// it looks at all.
func (w *Window) prune(now time.Time) {
	if now.Sub(w.pruned) < w.keep {
		return
	}
	w.pruned = now
	for s, n := range w.series {
		if now.Sub(n.written) < seriesLife*w.keep {
			continue
		}
		delete(w.series, s)
		if w.nodes[s.Node] == n.id {
			delete(w.nodes, s.Node)
		}
	}
}

// Frames returns the frames of one node, or of all if node is "", whose rounds
// lie from one time to another, both included: node by node by name, each
// node's in order of time. It reads as it goes, one node at a time; a frame
// kept meanwhile may or may not be seen. An error ends it.
func (w *Window) Frames(node string, from, to time.Time) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) {
		seriesOf := w.lookup()
		for _, name := range w.nodeNames(node) {
			for f, err := range w.nodeFrames(name, from, to, seriesOf) {
				if !yield(f, err) || err != nil {
					return
				}
			}
		}
	}
}

func (w *Window) nodeNames(only string) []string {
	if only != "" {
		return []string{only}
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Sorted(maps.Keys(w.nodes))
}

func (w *Window) nodeFrames(node string, from, to time.Time, seriesOf func(uint64) (hub.Series, error)) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) {
		frames, err := w.collect(node, from, to)
		for _, k := range frames {
			f := &hub.Frame{Time: k.round, Node: node}
			f.Rows, err = decodeRows(k.value, seriesOf)
			if err != nil || !yield(f, nil) {
				break
			}
		}
		if err != nil {
			yield(nil, fmt.Errorf("read frames of node %s: %w", node, err))
		}
	}
}

// A kept frame is its key's time and its value as BuntDB has it.
type kept struct {
	round time.Time
	value string
}

// collect returns what is kept of a node and has not expired. Frames expire in
// the order of their keys, so the first that lives ends the check.
func (w *Window) collect(node string, from, to time.Time) (frames []kept, err error) {
	w.mu.RLock()
	id, ok := w.nodes[node]
	w.mu.RUnlock()
	if !ok {
		return nil, nil
	}
	err = w.db.View(func(tx *buntdb.Tx) error {
		return tx.AscendRange("", frameKey(id, atLeast(from)), frameKey(id, to.Add(time.Millisecond)), func(key, value string) bool {
			if len(frames) == 0 {
				if _, err := tx.TTL(key); errors.Is(err, buntdb.ErrNotFound) {
					return true
				}
			}
			frames = append(frames, kept{roundOf(key), value})
			return true
		})
	})
	return frames, err
}

// lookup returns a function that gives a number its series. It reads each of
// them once.
func (w *Window) lookup() func(uint64) (hub.Series, error) {
	known := make(map[uint64]hub.Series)
	return func(id uint64) (hub.Series, error) {
		if s, ok := known[id]; ok {
			return s, nil
		}
		var value string
		err := w.db.View(func(tx *buntdb.Tx) (err error) {
			value, err = tx.Get(key(seriesPrefix, id))
			return err
		})
		if err != nil {
			return hub.Series{}, err
		}
		s, err := decodeSeries(value)
		known[id] = s
		return s, err
	}
}

func key(prefix byte, id uint64) string {
	return string(binary.BigEndian.AppendUint64([]byte{prefix}, id))
}

func frameKey(node uint64, round time.Time) string {
	ms := max(0, round.UnixMilli()) // so that keys sort by time
	return string(binary.BigEndian.AppendUint64([]byte(key(framePrefix, node)), uint64(ms)))
}

// atLeast is the first whole millisecond that is not before t.
func atLeast(t time.Time) time.Time { return t.Add(time.Millisecond - time.Nanosecond) }

func roundOf(frameKey string) time.Time {
	ms := binary.BigEndian.Uint64([]byte(frameKey[len(frameKey)-8:]))
	return time.UnixMilli(int64(ms)).UTC()
}
