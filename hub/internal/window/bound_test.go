package window_test

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
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

// TestBoundHoldsNames keeps other pods in each round: the names of those that
// no round is left of go with it.
func TestBoundHoldsNames(t *testing.T) {
	const bound = 100_000
	w, err := window.Open(time.Hour, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(3)
	for round := range hour {
		for i := range 3 {
			f := m.frame(nodeName(i), round)
			for j := range f.Rows {
				f.Rows[j].Series.PodUID += "-" + strconv.Itoa(round)
			}
			if err := w.Keep(f); err != nil {
				t.Fatal(err)
			}
			if s := w.Status(); s.Bytes > bound {
				t.Fatalf("after round %d the window takes %d of %d bytes", round, s.Bytes, bound)
			}
			if got := roundsOf(t, w, f.Node, f.Time); len(got) == 0 || !got[len(got)-1].Equal(f.Time) {
				t.Fatalf("after round %d of %s there are %v", round, f.Node, got)
			}
		}
	}
	last := m.start.Add((hour - 1) * 10 * time.Second)
	if s := w.Status(); s.DroppedBefore.Before(last.Add(-time.Minute)) || s.DroppedBefore.After(last) {
		t.Errorf("all before %s was dropped, the last round was at %s", s.DroppedBefore, last)
	}
}

// TestBoundBelowOneRound: what has no room alone is an error, takes up nothing
// and leaves the window fit for what has.
func TestBoundBelowOneRound(t *testing.T) {
	const bound = 10_000
	w, err := window.Open(time.Hour, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(1)
	for round := range 3 {
		big := m.frame(nodeName(0), round)
		if err := w.Keep(big); err == nil || !strings.Contains(err.Error(), nodeName(0)) || !strings.Contains(err.Error(), strconv.Itoa(bound)) {
			t.Fatalf("a round of %d rows in %d bytes gives the error %v", perNode, bound, err)
		}
		if s := w.Status(); s.Bytes > bound || s.Samples != 0 {
			t.Fatalf("status is %+v, want nothing", s)
		}
		small := windowtest.Frame("small", big.Time, 1)
		if err := w.Keep(small); err != nil {
			t.Fatal(err)
		}
		if got := roundsOf(t, w, "", big.Time); len(got) != 1 || !got[0].Equal(big.Time) {
			t.Errorf("rounds are %v, want the small node's of %s", got, big.Time)
		}
	}
}

// TestLateRoundHasNoRoom: with the bound reached, a round that would be the
// first to go is not kept, and takes the place of no other.
func TestLateRoundHasNoRoom(t *testing.T) {
	const bound = 1 << 17
	w, err := window.Open(time.Hour, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(3)
	var latest time.Time
	for round := 60; w.Status().DroppedBefore.IsZero(); round++ {
		for i := range 3 {
			f := m.frame(nodeName(i), round)
			if latest = f.Time; w.Keep(f) != nil {
				t.Fatal(err)
			}
		}
	}
	before, samples := roundsOf(t, w, "", latest), w.Status().Samples
	late := m.frame("late", 1)
	late.Rows = append(late.Rows, m.frame(nodeName(0), 1).Rows...)
	if err := w.Keep(late); err != nil {
		t.Fatal(err)
	}
	if s := w.Status(); s.Bytes > bound || s.Samples != samples {
		t.Errorf("status is %+v, want %d samples", s, samples)
	}
	if got := roundsOf(t, w, "", latest); !slices.EqualFunc(got, before, time.Time.Equal) {
		t.Errorf("rounds are %v, were %v", got, before)
	}
}

// TestDropWhileReading drops what is being read: the reader sees no error and
// then no more of it.
func TestDropWhileReading(t *testing.T) {
	w, err := window.Open(time.Hour, 60_000)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	m := newMix(1)
	keep := func(round int) {
		f := m.frame(nodeName(0), round)
		for i := range f.Rows {
			f.Rows[i].Series.PodUID += "-" + strconv.Itoa(round/20)
		}
		if err := w.Keep(f); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 25 {
		keep(round)
	}
	seen := 0
	for _, err := range w.Frames("", nil, time.Time{}, m.end()) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 5 {
			for round := 25; round < 100; round++ {
				keep(round)
			}
		}
	}
	if seen < 5 || seen >= 25 {
		t.Errorf("%d rounds were seen, want some", seen)
	}
}

// roundsOf lists the times of a node's frames, or of all.
func roundsOf(t *testing.T, w *window.Window, node string, to time.Time) (rounds []time.Time) {
	t.Helper()
	for f, err := range w.Frames(node, nil, time.Time{}, to) {
		if err != nil {
			t.Fatal(err)
		}
		rounds = append(rounds, f.Time)
	}
	return rounds
}
