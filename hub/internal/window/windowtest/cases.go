package windowtest

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/window"
)

func testEmpty(t *testing.T, s Store) {
	want(t, s, "", time.Time{}, now())
	want(t, s, "node1", time.Time{}, now())
}

func testRoundTrip(t *testing.T, s Store) {
	f := Frame("node1", now(), 0)
	full := hub.NewUsage()
	full.OverSeconds = 10.001
	for m := range hub.MetricCount {
		full.Values[m] = 1 / float64(m+3)
		if window.Precision(m) == 0 {
			full.Values[m] = float64(uint64(1) << (2 * m))
		}
	}
	zero := hub.NewUsage()
	zero.Values = hub.Values{}
	f.Rows = append(f.Rows,
		hub.Row{Series: hub.Series{Kind: hub.KindContainer, Node: "node1", Namespace: "shop", Pod: "web", PodUID: "u", Container: "c"}, Usage: full},
		hub.Row{Series: hub.Series{Kind: hub.KindPod, Node: "node1", Namespace: "shop", Pod: "idle"}, Usage: zero},
		hub.Row{Series: hub.Series{Kind: hub.KindPod, Node: "node1", Namespace: "shop", Pod: "unknown"}, Usage: hub.NewUsage()},
	)
	empty := &hub.Frame{Node: "node2", Time: f.Time, Rows: []hub.Row{}}
	mustKeep(t, s, f, empty)
	want(t, s, "node1", f.Time, f.Time, f)
	want(t, s, "", f.Time, f.Time, f, empty)
}

func testOrderAndBounds(t *testing.T, s Store) {
	start := now()
	var a, b []*hub.Frame
	for i := range 5 {
		round := start.Add(time.Duration(i) * time.Second)
		a = append(a, Frame("a", round, float64(i)))
		b = append(b, Frame("b", round, float64(i)))
	}
	// Kept in another order than that of time and of names.
	mustKeep(t, s, b[4], a[0], b[0], a[3], a[1], b[2], b[1], a[2], b[3], a[4])
	want(t, s, "", start, start.Add(time.Hour), slices.Concat(a, b)...)
	want(t, s, "b", start.Add(time.Second), start.Add(3*time.Second), b[1:4]...)
	want(t, s, "b", start.Add(1), start.Add(time.Second-1))
	want(t, s, "c", start, start.Add(time.Hour))
	want(t, s, "a", start.Add(time.Hour), start)
}

func testReplace(t *testing.T, s Store) {
	round := now()
	second := Frame("node1", round, 2)
	second.Rows = second.Rows[:1]
	mustKeep(t, s, Frame("node1", round, 1), second)
	want(t, s, "node1", round, round, second)
}

// testExpiry looks at a frame's last moment, and at a store that nothing is
// kept in any more.
func testExpiry(t *testing.T, s Store) {
	start := now()
	all := start.Add(time.Hour)
	first, last, after := Frame("node1", start, 1), Frame("node2", start.Add(keep), 2), Frame("node2", start.Add(keep+1), 3)
	mustKeep(t, s, first)
	time.Sleep(keep)
	mustKeep(t, s, last)
	want(t, s, "", start, all, first, last)
	mustKeep(t, s, after)
	want(t, s, "", start, all, last, after)
	want(t, s, "node1", start, all)
	mustKeep(t, s, first) // it is too late for it
	want(t, s, "", start, all, last, after)
	time.Sleep(keep + linger)
	want(t, s, "", start, all)
	again := Frame("node1", now(), 4)
	mustKeep(t, s, again)
	want(t, s, "", start, all, again)
}

// testLongUse keeps frames for many times the window: names must last as long
// as the frames that have them, and come back after a pause of any length.
func testLongUse(t *testing.T, s Store) {
	for _, pause := range []time.Duration{0, keep / 2, keep, 2 * keep, 5 * keep, 30 * keep} {
		time.Sleep(pause)
		for i := range 30 {
			round := now()
			f := Frame("node1", round, float64(i))
			mustKeep(t, s, f)
			want(t, s, "node1", round, round, f)
			if got := len(read(t, s, "", round.Add(-time.Hour), round)); got > int(keep/every)+1 {
				t.Fatalf("%d frames after the pause of %v, at most %d can live", got, pause, keep/every+1)
			}
			time.Sleep(every)
		}
	}
}

// testBadValues: a number that cannot be costs no other; a time that cannot be
// costs the frame.
func testBadValues(t *testing.T, s Store) {
	round := now()
	for _, bad := range []float64{-1, math.Inf(1), math.Inf(-1), math.MaxFloat64, 1 << 60} {
		f := Frame("node1", round, 5)
		f.Rows[0].Usage.OverSeconds = bad
		f.Rows[1].Usage.Values[hub.MemoryBytes] = bad
		mustKeep(t, s, f)
		f.Rows[0].Usage.OverSeconds = 0
		f.Rows[1].Usage.Values[hub.MemoryBytes] = math.NaN()
		want(t, s, "node1", round, round, f)
		round = round.Add(time.Second)
	}
	for _, never := range []time.Time{{}, time.Unix(0, 0), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if err := s.Keep(Frame("node2", never, 5)); err == nil {
			t.Errorf("a frame of %s was kept", never)
		}
	}
	want(t, s, "node2", round.Add(-time.Hour), round.Add(time.Hour)) // nothing half-stored
}

func testOddNames(t *testing.T, s Store) {
	round := now()
	var frames []*hub.Frame
	for _, name := range []string{"", "\x00", "a", "a\x00", "a/b", "a:b", "ü", "f", "s"} {
		frames = append(frames, Frame(name, round, 1))
	}
	mustKeep(t, s, frames...)
	for _, f := range frames[1:] {
		want(t, s, f.Node, round, round, f)
	}
}

func testEarlyEnd(t *testing.T, s Store) {
	round := now()
	mustKeep(t, s, Frame("a", round, 1), Frame("a", round.Add(1e6), 1), Frame("b", round, 1))
	seen := 0
	for range s.Frames("", nil, round, round.Add(time.Second)) {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("%d frames after the loop ended", seen)
	}
}

// testKeepWhileReading keeps frames inside the loop: a reader holds nobody up.
func testKeepWhileReading(t *testing.T, s Store) {
	round := now()
	for i := range 3 {
		mustKeep(t, s, Frame("node"+strconv.Itoa(i), round, 1))
	}
	for f, err := range s.Frames("", nil, round, round.Add(time.Second)) {
		if err != nil {
			t.Fatal(err)
		}
		mustKeep(t, s, Frame(f.Node, round.Add(time.Millisecond), 2))
	}
	if got := len(read(t, s, "", round, round.Add(time.Second))); got != 6 {
		t.Errorf("%d frames, want 6", got)
	}
}

// testMatch reads some of the rows of some of the nodes.
func testMatch(t *testing.T, s Store) {
	round := now()
	var frames []*hub.Frame
	for i := range 3 {
		f := Frame("node"+strconv.Itoa(i), round, float64(i))
		f.Rows[1].Series.Pod = "web-" + strconv.Itoa(i)
		frames = append(frames, f)
	}
	mustKeep(t, s, frames...)
	var rows []hub.Row
	match := func(s *hub.Series) bool { return s.Pod == "web-1" || s.Kind == hub.KindNode && s.Node == "node2" }
	for f, err := range s.Frames("", match, round, round) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, f.Rows...)
	}
	if !slices.EqualFunc(rows, []hub.Row{frames[1].Rows[1], frames[2].Rows[0]}, equalRows) {
		t.Errorf("rows that match are %+v", rows)
	}
}
