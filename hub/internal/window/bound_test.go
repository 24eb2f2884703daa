package window_test

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub/internal/window"
	"github.com/kubemon/kubemon/hub/internal/window/windowtest"
)

// TestBound fills a window with four times what it may take up: it never takes
// up more, and what is left is all of the latest rounds.
func TestBound(t *testing.T) {
	const nodes, bound = 20, 1 << 20
	before := heap()
	w, err := window.Open(time.Hour, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(nodes)
	for round := range hour {
		for i := range nodes {
			if err := w.Keep(m.frame(nodeName(i), round)); err != nil {
				t.Fatal(err)
			}
			if s := w.Status(); s.Bytes > bound || s.MaxBytes != bound {
				t.Fatalf("after round %d the window takes %d of %d bytes", round, s.Bytes, s.MaxBytes)
			}
		}
	}
	end := m.end()
	m = nil
	if used := heap() - before; used > bound*11/10 {
		t.Errorf("%d bytes of heap are used, with a bound of %d", used, bound)
	}
	s := w.Status()
	if s.DroppedBefore.IsZero() || s.Oldest.Before(s.DroppedBefore) || !s.Oldest.Before(end.Add(-5*time.Minute)) {
		t.Errorf("status is %+v, want the oldest dropped and minutes kept until %s", s, end)
	}
	rounds := map[string][]time.Time{}
	for f, err := range w.Frames("", nil, time.Time{}, end) {
		if err != nil || len(f.Rows) != perNode {
			t.Fatalf("frame of %d rows, %v", len(f.Rows), err)
		}
		rounds[f.Node] = append(rounds[f.Node], f.Time)
	}
	want := int(end.Sub(s.Oldest)/(10*time.Second)) + 1
	for i := range nodes {
		if got := rounds[nodeName(i)]; len(got) != want || !got[0].Equal(s.Oldest) {
			t.Errorf("%d rounds of %s are left, want all %d since %s", len(got), nodeName(i), want, s.Oldest)
		}
	}
	runtime.KeepAlive(w)
}

// TestBoundBelowOneBlock has room for a few rounds only: the window begins anew
// again and again.
func TestBoundBelowOneBlock(t *testing.T) {
	const bound = 40_000
	w, err := window.Open(time.Hour, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(1)
	fewest, most := hour, 0
	for round := range 90 {
		f := m.frame(nodeName(0), round)
		if err := w.Keep(f); err != nil {
			t.Fatal(err)
		}
		if s := w.Status(); s.Bytes > bound {
			t.Fatalf("after round %d the window takes %d bytes", round, s.Bytes)
		}
		var left []time.Time
		for f, err := range w.Frames("", nil, time.Time{}, f.Time) {
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, f.Time)
		}
		for i, at := range slices.Backward(left) {
			if want := f.Time.Add(-time.Duration(len(left)-1-i) * 10 * time.Second); !at.Equal(want) {
				t.Fatalf("after round %d the rounds left are %v", round, left)
			}
		}
		fewest, most = min(fewest, len(left)), max(most, len(left))
	}
	if fewest > 2 || most < 10 {
		t.Errorf("%d to %d rounds were left, want the bound to be reached now and then", fewest, most)
	}
}

// TestBoundThatIsNoMore: once all that was dropped would be gone anyway, the
// status says no more of it; and an unbounded window never does.
func TestBoundThatIsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := window.Open(10*time.Minute, 40_000)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { w.Close(); time.Sleep(time.Second) }()
		m := newMix(1)
		m.start = time.Now()
		for round := range 60 {
			if err := w.Keep(m.frame(nodeName(0), round)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if s := w.Status(); s.DroppedBefore.IsZero() {
			t.Fatalf("nothing was dropped: %+v", s)
		}
		for range 90 {
			if err := w.Keep(windowtest.Frame("node1", time.Now(), 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if s := w.Status(); !s.DroppedBefore.IsZero() || s.Samples < 120 {
			t.Errorf("status is %+v, want a whole window of a small node", s)
		}
		time.Sleep(20 * time.Minute)
		if s := w.Status(); s.Samples != 0 || !s.Oldest.IsZero() {
			t.Errorf("status is %+v long after the last round, want none", s)
		}
	})
}
