package windowtest

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A Slice is a Store in plain slices. It is right and slow, and serves tests
// that need a store but not BuntDB.
type Slice struct {
	window time.Duration

	mu     sync.Mutex
	newest time.Time
	frames []*hub.Frame
	sums   []*hub.Sums
	kept   time.Time // when something was last kept
}

// NewSlice returns an empty Slice that keeps each round for so long.
func NewSlice(window time.Duration) *Slice { return &Slice{window: window} }

// Keep stores the frame or refuses it whole.
func (s *Slice) Keep(f *hub.Frame) error {
	if err := check(f.Time); err != nil {
		return fmt.Errorf("keep frame of node %s: %w", f.Node, err)
	}
	f = &hub.Frame{Time: f.Time, Node: f.Node, Rows: known(f.Rows)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(f.Time)
	s.frames = slices.DeleteFunc(s.frames, func(old *hub.Frame) bool { return old.Node == f.Node && old.Time.Equal(f.Time) })
	s.frames = append(s.frames, f)
	slices.SortFunc(s.frames, byNodeAndTime)
	return nil
}

// KeepSums stores the sums or refuses them whole.
func (s *Slice) KeepSums(sums *hub.Sums) error {
	if err := check(sums.Time); err != nil {
		return fmt.Errorf("keep sums of %+v: %w", sums.Of, err)
	}
	sums = &hub.Sums{Time: sums.Time, Of: sums.Of, Rows: known(sums.Rows)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(sums.Time)
	s.sums = slices.DeleteFunc(s.sums, func(old *hub.Sums) bool { return old.Of == sums.Of && old.Time.Equal(sums.Time) })
	s.sums = append(s.sums, sums)
	slices.SortFunc(s.sums, func(a, b *hub.Sums) int { return a.Time.Compare(b.Time) })
	return nil
}

func byNodeAndTime(a, b *hub.Frame) int {
	return cmp.Or(cmp.Compare(a.Node, b.Node), a.Time.Compare(b.Time))
}

func check(at time.Time) error {
	if at.Unix() < 1 || at.Year() > 2242 {
		return fmt.Errorf("the time %s cannot be", at)
	}
	return nil
}

// known returns rows in which every number that cannot be is unknown.
func known(rows []hub.Row) []hub.Row {
	rows = slices.Clone(rows)
	for i := range rows {
		u := &rows[i].Usage
		for m, v := range u.Values {
			if v < 0 || v >= 1<<60 {
				u.Values[m] = math.NaN()
			}
		}
		if u.OverSeconds < 0 || u.OverSeconds > 1e9 {
			u.OverSeconds = 0
		}
	}
	return rows
}

func (s *Slice) advance(round time.Time) {
	if round.After(s.newest) {
		s.newest = round
	}
	s.kept = time.Now()
}

// covers reports whether a round can be read and lies within the bounds.
func (s *Slice) covers(round, from, to time.Time) bool {
	return !round.Before(s.newest.Add(-s.window)) && time.Since(s.kept) < s.window &&
		!round.Before(from) && !round.After(to)
}

// Frames returns the frames between two times, by node and time.
func (s *Slice) Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*hub.Frame
	for _, f := range s.frames {
		if (node == "" || f.Node == node) && s.covers(f.Time, from, to) {
			found = append(found, &hub.Frame{Time: f.Time, Node: f.Node, Rows: matching(f.Rows, match)})
		}
	}
	return each(found)
}

// Sums returns the sums of one thing between two times, by time.
func (s *Slice) Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*hub.Sums
	for _, sums := range s.sums {
		if sums.Of == of && s.covers(sums.Time, from, to) {
			found = append(found, &hub.Sums{Time: sums.Time, Of: of, Rows: matching(sums.Rows, match)})
		}
	}
	return each(found)
}

func matching(rows []hub.Row, match func(*hub.Series) bool) []hub.Row {
	if match == nil {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r hub.Row) bool { return !match(&r.Series) })
}

func each[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// Close does nothing.
func (s *Slice) Close() error { return nil }
