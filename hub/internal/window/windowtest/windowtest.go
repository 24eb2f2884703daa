// Package windowtest says what a store of frames must do, as a test that any
// store can be put to, and has the simplest store that does it.
package windowtest

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A Store is what is tested.
type Store interface {
	Keep(*hub.Frame) error
	Frames(node string, from, to time.Time) iter.Seq2[*hub.Frame, error]
	Close() error
}

const (
	keep  = time.Minute
	every = 10 * time.Second
)

// Test puts the stores that open returns to the test. Each is opened and
// closed in a synctest bubble.
func Test(t *testing.T, open func(keep time.Duration) (Store, error)) {
	tests := []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"empty", testEmpty},
		{"what is kept comes back", testRoundTrip},
		{"order and bounds", testOrderAndBounds},
		{"second frame of a round", testReplace},
		{"expiry", testExpiry},
		{"names outlive long use", testLongUse},
		{"bad values", testBadValues},
		{"odd names", testOddNames},
		{"early end", testEarlyEnd},
		{"keep while reading", testKeepWhileReading},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, err := open(keep)
				if err != nil {
					t.Fatal(err)
				}
				tt.test(t, store)
				if err := store.Close(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second) // a store's own goroutine may end this late
			})
		})
	}
}

// Frame is a frame of two rows, the node's and a pod's, that uses so many
// millicores.
func Frame(node string, round time.Time, millicores float64) *hub.Frame {
	usage := hub.NewUsage()
	usage.OverSeconds = 10
	usage.Values[hub.CPUMillicores] = millicores
	usage.Values[hub.OOMKills] = 0
	return &hub.Frame{Time: round, Node: node, Rows: []hub.Row{
		{Series: hub.Series{Kind: hub.KindNode, Node: node}, Usage: usage.Clone()},
		{Series: hub.Series{
			Kind: hub.KindPod, Node: node, Namespace: "shop", Pod: "web", PodUID: "uid-" + node,
			OwnerKind: "Deployment", OwnerName: "web",
		}, Usage: usage.Clone()},
	}}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func mustKeep(t *testing.T, s Store, frames ...*hub.Frame) {
	t.Helper()
	for _, f := range frames {
		if err := s.Keep(f); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, s Store, node string, from, to time.Time) []*hub.Frame {
	t.Helper()
	var frames []*hub.Frame
	for f, err := range s.Frames(node, from, to) {
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

// want checks that the store has exactly these frames, in this order.
func want(t *testing.T, s Store, node string, from, to time.Time, frames ...*hub.Frame) {
	t.Helper()
	got := read(t, s, node, from, to)
	if len(got) != len(frames) {
		t.Fatalf("%d frames of %q, want %d: %s", len(got), node, len(frames), describe(got))
	}
	for i, f := range frames {
		if !equal(got[i], f) {
			t.Errorf("frame %d of %q is\n%swant\n%s", i, node, describe(got[i:i+1]), describe(frames[i:i+1]))
		}
	}
}

// equal compares frames; the fixed point of a value may lie half a millionth
// beside it.
func equal(a, b *hub.Frame) bool {
	return a.Node == b.Node && a.Time.Equal(b.Time) && slices.EqualFunc(a.Rows, b.Rows, func(a, b hub.Row) bool {
		return a.Series == b.Series && near(a.Usage.OverSeconds, b.Usage.OverSeconds) &&
			slices.EqualFunc(a.Usage.Values[:], b.Usage.Values[:], near)
	})
}

func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 0.5e-6+1e-12*math.Abs(a)
}

func describe(frames []*hub.Frame) string {
	var text strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&text, "%s %s\n", f.Node, f.Time)
		for _, r := range f.Rows {
			fmt.Fprintf(&text, "\t%+v over %v s: %v\n", r.Series, r.Usage.OverSeconds, r.Usage.Values)
		}
	}
	return text.String()
}

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
		if m.Sums() && m != hub.CPUMillicores {
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

// testExpiry looks at each moment from the first frame's keeping to its end,
// also between a frame's end and the next time that a store might sweep.
func testExpiry(t *testing.T, s Store) {
	start := now()
	first, second := Frame("node1", start, 1), Frame("node1", start.Add(every), 2)
	mustKeep(t, s, first)
	time.Sleep(every)
	mustKeep(t, s, second)
	all := start.Add(time.Hour)
	time.Sleep(keep - every - time.Millisecond)
	want(t, s, "", start, all, first, second)
	time.Sleep(2 * time.Millisecond)
	want(t, s, "", start, all, second)
	want(t, s, "node1", start, all, second)
	time.Sleep(every)
	want(t, s, "", start, all)
	mustKeep(t, s, first) // it lives from its keeping, whatever its time
	time.Sleep(keep - time.Millisecond)
	want(t, s, "", start, all, first)
}

// testLongUse keeps frames for many times the window: names must last as long
// as the frames that have them, and come back after a pause of any length.
func testLongUse(t *testing.T, s Store) {
	for _, pause := range []time.Duration{0, keep / 2, keep, 2 * keep, 3 * keep, 5 * keep} {
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

func testBadValues(t *testing.T, s Store) {
	round := now()
	for _, bad := range []float64{-1, math.Inf(1), math.Inf(-1), math.MaxFloat64} {
		f := Frame("node1", round, 5)
		f.Rows[1].Usage.Values[hub.MemoryBytes] = bad
		if err := s.Keep(f); err == nil {
			t.Errorf("a pod with %v bytes of memory was kept", bad)
		}
		f = Frame("node1", round, 5)
		f.Rows[0].Usage.OverSeconds = bad
		if err := s.Keep(f); err == nil {
			t.Errorf("a rate over %v seconds was kept", bad)
		}
	}
	want(t, s, "", round.Add(-time.Hour), round.Add(time.Hour)) // nothing half-stored
	good := Frame("node1", round, 5)
	mustKeep(t, s, good)
	want(t, s, "", round, round, good)
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
	for range s.Frames("", round, round.Add(time.Second)) {
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
	for f, err := range s.Frames("", round, round.Add(time.Second)) {
		if err != nil {
			t.Fatal(err)
		}
		mustKeep(t, s, Frame(f.Node, round.Add(time.Millisecond), 2))
	}
	if got := len(read(t, s, "", round, round.Add(time.Second))); got != 6 {
		t.Errorf("%d frames, want 6", got)
	}
}
