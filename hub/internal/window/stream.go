package window

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/kubemon/kubemon/hub"
)

// A streamKey says whose frames or sums a stream has.
type streamKey struct {
	prefix byte
	of     hub.Series
}

// A stream is the blocks of one node's frames or of one thing's sums. Its heads
// and last are the writer's.
type stream struct {
	key  streamKey
	id   uint32
	head *head // of the newest block, nil if nothing was added lately
	// late is what lies before the round that last came late or again, nil if
	// none did lately: the next to come late most often follows it.
	late *head
	last []*name // of the latest round to be kept
	used uint32  // the newest block
	// bytes is what the stream takes up beside its blocks, by its own count.
	bytes int64

	mu    sync.RWMutex // held for moments only
	names map[uint32]*name
	given uint32 // the latest number that was given
}

// A name is a series with its number in the stream.
type name struct {
	number uint32
	used   uint32 // the newest block that has it
	series hub.Series
}

// What things take up beside their texts, by the sizes of their types and a
// share of the maps that they are in.
const (
	streamBytes = 600
	nameBytes   = 500 // with the series' row in the head
)

func (n *name) bytes() int64 {
	s := &n.series
	return nameBytes + int64(len(s.Node)+len(s.Namespace)+len(s.Pod)+len(s.PodUID)+len(s.Container)+len(s.OwnerKind)+len(s.OwnerName))
}

func (s *stream) blockKey(block uint32) string { return blockKey(s.key.prefix, block, s.id) }

func blockKey(prefix byte, block, stream uint32) string {
	var b [9]byte
	b[0] = prefix
	binary.BigEndian.PutUint32(b[1:], block)
	binary.BigEndian.PutUint32(b[5:], stream)
	return string(b[:])
}

// resolve gives the rows' series their names. Those of the round before keep
// theirs; what comes back later gets a new one.
func (s *stream) resolve(rows []hub.Row, block uint32) []*name {
	same := func(n *name, r hub.Row) bool { return n.series == r.Series }
	if !slices.EqualFunc(s.last, rows, same) {
		s.last = s.roster(rows)
	}
	s.used = max(s.used, block)
	for _, n := range s.last {
		n.used = max(n.used, block)
	}
	return s.last
}

func (s *stream) roster(rows []hub.Row) []*name {
	known := make(map[hub.Series]*name, len(s.last))
	for _, n := range s.last {
		known[n.series] = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]*name, len(rows))
	for i := range rows {
		n := known[rows[i].Series]
		if n == nil {
			s.given++
			n = &name{number: s.given, series: rows[i].Series}
			s.names[n.number], known[n.series] = n, n
			s.bytes += n.bytes()
		}
		names[i] = n
	}
	return names
}

// named returns the name of that number, nil if there is none. All are needed.
func (s *stream) named(number uint32) (*name, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.names[number], true
}

// A podKey is what the rows of a pod and of its containers have in common.
type podKey struct{ namespace, pod, uid string }

func podOf(s *hub.Series) podKey { return podKey{s.Namespace, s.Pod, s.PodUID} }

// needed returns which series must be decoded to read those that match: a
// container's rows depend on those of its pod and of the containers before it.
func (s *stream) needed(match func(*hub.Series) bool) func(*hub.Series) bool {
	pods := make(map[podKey]bool)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range s.names {
		if n.series.Kind == hub.KindContainer && match(&n.series) {
			pods[podOf(&n.series)] = true
		}
	}
	return func(s *hub.Series) bool { return match(s) || len(pods) > 0 && pods[podOf(s)] }
}

// has reports whether a series of the stream matches.
func (s *stream) has(match func(*hub.Series) bool) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range s.names {
		if match(&n.series) {
			return true
		}
	}
	return false
}

// rest lets go of what is of use only while rounds are added to older blocks
// than those two.
func (s *stream) rest(newest uint32) {
	s.late = nil
	if s.head != nil && s.head.block+1 < newest {
		s.head = nil
	}
}

// forget drops the names that no block since that one has. The latest round may
// have come late and have such names: they are not to be used again.
func (s *stream) forget(since uint32) {
	if slices.ContainsFunc(s.last, func(n *name) bool { return n.used < since }) {
		s.last = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, n := range s.names {
		if n.used < since {
			s.bytes -= n.bytes()
			delete(s.names, number)
		}
	}
}

// streamFor returns the stream of that key, a new one if there is none.
func (w *Window) streamFor(key streamKey) *stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.streams[key]
	if s == nil {
		w.lastStream++
		s = &stream{key: key, id: w.lastStream, names: make(map[uint32]*name), bytes: streamBytes}
		w.streams[key] = s
		w.ledger.streams += s.bytes
	}
	return s
}

// forget drops the streams and names that no block since that one has. It is
// the writer's to change the streams, so it needs the lock only where it does.
func (w *Window) forget(since uint32) {
	var dead []*stream
	for _, s := range w.streams {
		w.ledger.streams -= s.bytes
		if s.used < since {
			dead = append(dead, s)
			continue
		}
		s.forget(since)
		w.ledger.streams += s.bytes
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range dead {
		delete(w.streams, s.key)
	}
}
