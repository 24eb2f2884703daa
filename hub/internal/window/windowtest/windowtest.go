// Package windowtest says what a store of frames must do, as a test that any
// store can be put to, and has the simplest store that does it.
package windowtest

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/window"
)

// A Store is what is tested.
type Store interface {
	Keep(*hub.Frame) error
	KeepSums(*hub.Sums) error
	Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error]
	Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error]
	Close() error
}

const (
	keep  = time.Minute
	every = 10 * time.Second
	// linger is how long a round may outlive the window if none follows it.
	linger = 7 * time.Minute
)

// Test puts the stores that open returns to the test. Each is opened and
// closed in a synctest bubble.
func Test(t *testing.T, open func(keep time.Duration) (Store, error)) {
	tests := []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"any sequence", testProperties},
		{"any sequence in time", testPropertiesInTime},
		{"sums", testSums},
		{"only what matches", testMatch},
		{"empty", testEmpty},
		{"what is kept comes back", testRoundTrip},
		{"order and bounds", testOrderAndBounds},
		{"second frame of a round", testReplace},
		{"rounds kept again", testAgain},
		{"late rounds", testLate},
		{"late round, then away", testLateAndGone},
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
				defer func() {
					if err := store.Close(); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second) // a store's own goroutine may end this late
				}()
				tt.test(t, store)
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
	for f, err := range s.Frames(node, nil, from, to) {
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

// equal compares frames, their values to the precision of a window.
func equal(a, b *hub.Frame) bool {
	return a.Node == b.Node && a.Time.Equal(b.Time) && slices.EqualFunc(a.Rows, b.Rows, equalRows)
}

func equalRows(a, b hub.Row) bool {
	if a.Series != b.Series || a.Parts != b.Parts || !near(a.Usage.OverSeconds, b.Usage.OverSeconds, 1e-9) {
		return false
	}
	for m := range hub.MetricCount {
		if !near(a.Usage.Values[m], b.Usage.Values[m], window.Precision(m)) {
			return false
		}
	}
	return true
}

func near(a, b, precision float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= precision+1e-12*math.Abs(a)
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
