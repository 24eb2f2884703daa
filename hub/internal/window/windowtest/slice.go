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

// A Slice is a Store in a plain slice. It is right and slow, and serves tests
// that need a store but not BuntDB.
type Slice struct {
	keep time.Duration

	mu     sync.Mutex
	frames []sliceFrame
}

type sliceFrame struct {
	frame *hub.Frame
	kept  time.Time
}

// NewSlice returns an empty Slice that keeps each frame for so long.
func NewSlice(keep time.Duration) *Slice { return &Slice{keep: keep} }

// Keep stores the frame or refuses it whole.
func (s *Slice) Keep(f *hub.Frame) error {
	for _, r := range f.Rows {
		for _, v := range append(r.Usage.Values[:], r.Usage.OverSeconds) {
			if v < 0 || v >= math.MaxInt64 {
				return fmt.Errorf("keep frame of node %s: %v cannot be", f.Node, v)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = slices.DeleteFunc(s.frames, func(old sliceFrame) bool {
		return time.Since(old.kept) > s.keep || old.frame.Node == f.Node && old.frame.Time.Equal(f.Time)
	})
	s.frames = append(s.frames, sliceFrame{f, time.Now()})
	return nil
}

// Frames returns the frames between two times, by node and time.
func (s *Slice) Frames(node string, from, to time.Time) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) {
		for _, f := range s.matching(node, from, to) {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func (s *Slice) matching(node string, from, to time.Time) []*hub.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*hub.Frame
	for _, f := range s.frames {
		outside := f.frame.Time.Before(from) || f.frame.Time.After(to)
		if (node == "" || f.frame.Node == node) && !outside && time.Since(f.kept) <= s.keep {
			found = append(found, f.frame)
		}
	}
	slices.SortFunc(found, func(a, b *hub.Frame) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), a.Time.Compare(b.Time))
	})
	return found
}

// Close does nothing.
func (s *Slice) Close() error { return nil }
