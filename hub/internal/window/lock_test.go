package window

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/buntdb"

	"github.com/kubemon/kubemon/hub"
)

func nodeFrame(node int, at time.Time, rows int) *hub.Frame {
	f := &hub.Frame{Time: at, Node: fmt.Sprintf("node%03d", node)}
	for i := range rows {
		f.Rows = append(f.Rows, hub.Row{
			Series: hub.Series{Kind: hub.KindPod, Node: f.Node, Pod: fmt.Sprint(i)}, Usage: hub.Usage{Values: hub.Values{1: float64(at.Second())}},
		})
	}
	return f
}

func openWith(t *testing.T, nodes int, at time.Time) *Window {
	t.Helper()
	w, err := Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	for i := range nodes {
		if err := w.Keep(nodeFrame(i, at, 3)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestReadersDoNotWaitForWriters holds the lock that a writer holds while it
// encodes a round, and reads all that was kept.
func TestReadersDoNotWaitForWriters(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	w := openWith(t, 40, at)
	w.writer.Lock()
	defer w.writer.Unlock()
	frames := 0
	for _, err := range w.Frames("", func(s *hub.Series) bool { return s.Pod == "2" }, at, at) {
		if err != nil {
			t.Fatal(err)
		}
		frames++
	}
	if frames != 40 {
		t.Errorf("%d frames were read, want 40", frames)
	}
}

// TestRoundsAreEncodedOutsideTransactions encodes a round while a transaction
// holds BuntDB's lock, as every one that writes does.
func TestRoundsAreEncodedOutsideTransactions(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	w := openWith(t, 1, at)
	err := w.db.Update(func(*buntdb.Tx) error {
		frame := nodeFrame(0, at.Add(10*time.Second), 3)
		c, err := w.prepare(nodeKey(frame.Node), frame.Time, frame.Rows)
		if err == nil && (c.head.samples != 6 || c.samples != 3) {
			t.Errorf("the block has %d samples, and had %d", c.head.samples, c.samples)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadersHoldNoLockWhileTheyDecode keeps frames of every node in the middle
// of reading them: what was not looked up yet is seen, so that no transaction
// is longer than a few nodes.
func TestReadersHoldNoLockWhileTheyDecode(t *testing.T) {
	const nodes = 3 * streamsAtOnce
	at := time.Unix(1_800_000_000, 0)
	w := openWith(t, nodes, at)
	next := at.Add(10 * time.Second)
	seen := map[string]int{}
	for f, err := range w.Frames("", nil, at, next) {
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) == 0 {
			for i := range nodes {
				if err := w.Keep(nodeFrame(i, next, 3)); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen[f.Node]++
	}
	for i := range nodes {
		want := 1
		if i >= streamsAtOnce {
			want = 2
		}
		if got := seen[fmt.Sprintf("node%03d", i)]; got != want {
			t.Errorf("%d frames of node %d, want %d", got, i, want)
		}
	}
}

// TestSweepsAreSmall lets the blocks of many nodes expire, and counts how many
// go in each second: BuntDB holds its lock for as long as that takes.
func TestSweepsAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes = 600
		w, err := Open(time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { w.Close(); time.Sleep(2 * time.Second) }()
		at := time.Now()
		for i := range nodes {
			if err := w.Keep(nodeFrame(i, at, 1)); err != nil {
				t.Fatal(err)
			}
		}
		left, sweeps, biggest := nodes, 0, 0
		for range 8 * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			now := items(t, w)
			if swept := left - now; swept > 0 {
				sweeps++
				biggest = max(biggest, swept)
			}
			left = now
		}
		if left != 0 || biggest > 2*nodes/spread {
			t.Errorf("%d blocks are left after %d sweeps of at most %d", left, sweeps, biggest)
		}
		if s := w.Status(); s.Samples != 0 {
			t.Errorf("status is %+v after all has expired", s)
		}
	})
}

func items(t *testing.T, w *Window) (n int) {
	t.Helper()
	err := w.db.View(func(tx *buntdb.Tx) (err error) {
		n, err = tx.Len()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNamesAreForgotten keeps pods that each live for a minute, for a day: the
// names of those that no block has any more are gone, and their bytes with
// them.
func TestNamesAreForgotten(t *testing.T) {
	w, err := Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	start := time.Unix(1_800_000_000, 0)
	for minute := range 24 * 60 {
		f := nodeFrame(minute/600, start.Add(time.Duration(minute)*time.Minute), 1)
		f.Rows[0].Series.Pod = fmt.Sprint("job-", minute)
		if err := w.Keep(f); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.streams) != 1 {
		t.Errorf("%d streams are left, want that of the last node", len(w.streams))
	}
	var bytes int64
	for _, s := range w.streams {
		if names := len(s.names); names < 60 || names > 200 {
			t.Errorf("%d names are left of 1,440, want those of two hours and a bit", names)
		}
		bytes += s.bytes
	}
	if w.ledger.streams != bytes {
		t.Errorf("%d bytes of streams are counted, they take %d", w.ledger.streams, bytes)
	}
}

// TestHeadsAreLetGo: a node that gives no more rounds holds on to its last
// block no longer than BuntDB does.
func TestHeadsAreLetGo(t *testing.T) {
	w, err := Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	start := time.Unix(1_800_000_000, 0)
	gone := w.streamFor(nodeKey("node000"))
	for round := range 70 {
		for node := range 2 {
			if node == 0 && round >= 20 && round != 25 {
				continue
			}
			at := start.Add(time.Duration(round) * 10 * time.Second)
			if round == 25 {
				at = start.Add(15 * time.Second) // comes late
			}
			if err := w.Keep(nodeFrame(node, at, 3)); err != nil {
				t.Fatal(err)
			}
		}
		if round == 25 && gone.late == nil {
			t.Error("nothing is held for the next round that comes late")
		}
	}
	if gone.head != nil || gone.late != nil {
		t.Errorf("the node that is gone has the heads %v and %v", gone.head, gone.late)
	}
	if w.streamFor(nodeKey("node001")).head == nil {
		t.Error("the node that goes on has no head")
	}
}

// TestRoundsKeptAgainAreCheap: each round of a block is kept twice, and each
// time no more of the block is gone through than the round before.
func TestRoundsKeptAgainAreCheap(t *testing.T) {
	w, err := Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	start := time.Unix(1_800_000_000, 0)
	s := w.streamFor(nodeKey("node000"))
	for round := range 30 {
		at := start.Add(time.Duration(round) * 10 * time.Second)
		for rows := range 2 {
			if err := w.Keep(nodeFrame(0, at, 3+rows)); err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				continue
			}
			if want := at.Add(time.Duration(-2+rows) * 10 * time.Second).UnixNano(); round > 1 && s.late.at != want {
				t.Fatalf("round %d goes on from %v, want %v", round, timeOf(s.late.at), timeOf(want))
			}
		}
	}
}
