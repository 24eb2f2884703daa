package history

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

const (
	interval = 10 * time.Second
	keep     = 10 * time.Minute
)

func newHistory() *History {
	return New(Options{Interval: interval, Keep: keep, MaxBytes: 8 << 20})
}

func offer(t testing.TB, h *History, s *snapshot.Snapshot) {
	t.Helper()
	if err := h.Offer(snapshot.StampOf(s), encoded(t, s)); err != nil {
		t.Fatal(err)
	}
}

func encoded(t testing.TB, s *snapshot.Snapshot) []byte {
	t.Helper()
	data, err := snapshot.Encode(s, snapshot.ContentTypeMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decoded returns what is kept from one time to another.
func decoded(t testing.TB, h *History, since, until time.Time) []*snapshot.Snapshot {
	t.Helper()
	data, err := h.Encode(since, until)
	if err != nil {
		t.Fatal(err)
	}
	past, err := snapshot.DecodeHistory(data)
	if err != nil {
		t.Fatal(err)
	}
	var all []*snapshot.Snapshot
	for range past.Stamps {
		s, err := past.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		if err := past.Next(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	return all
}

// TestHistoryIsWhole keeps an hour of a node whose pods come and go: the last
// ten minutes are there, exactly, and nothing else.
func TestHistoryIsWhole(t *testing.T) {
	n, h := newNode(20, 0.5), newHistory()
	var want []*snapshot.Snapshot
	for i := range 360 {
		if i%7 == 0 {
			n.replacePod()
		}
		s := n.later(interval)
		offer(t, h, s)
		want = append(want, s)
	}
	if diff := cmp.Diff(want[360-61:], decoded(t, h, time.Time{}, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSpacing offers snapshots at odd times: those that follow too soon are not
// kept.
func TestSpacing(t *testing.T) {
	n, h := newNode(1, 1), newHistory()
	var want []int64
	for _, step := range []struct {
		after time.Duration
		kept  bool
	}{
		{interval, true}, {0, false}, {2 * time.Second, false}, {5 * time.Second, false}, {3 * time.Second, true},
		{9500 * time.Millisecond, true}, {7500 * time.Millisecond, true}, {7 * time.Second, false}, {time.Minute, true},
	} {
		s := n.later(step.after)
		offer(t, h, s)
		if step.kept {
			want = append(want, s.BootNanos)
		}
	}
	var got []int64
	for _, s := range decoded(t, h, time.Time{}, time.Time{}) {
		got = append(got, s.BootNanos)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept at (-want +got):\n%s", diff)
	}
}

// TestOwnSnapshots are kept beside those of hubs, each once, and none that is
// older than the newest.
func TestOwnSnapshots(t *testing.T) {
	n, h := newNode(1, 1), newHistory()
	older := n.later(interval)
	first, second := n.later(time.Second), n.later(time.Second)
	for _, s := range []*snapshot.Snapshot{first, second, second, older} {
		if err := h.Keep(snapshot.StampOf(s), encoded(t, s)); err != nil {
			t.Fatal(err)
		}
	}
	offer(t, h, second) // one reading that both waited for
	third := n.later(8 * time.Second)
	offer(t, h, third)
	if diff := cmp.Diff([]*snapshot.Snapshot{first, second, third}, decoded(t, h, time.Time{}, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPeriod(t *testing.T) {
	n, h := newNode(1, 1), newHistory()
	var at []time.Time
	for range 10 {
		s := n.later(interval)
		offer(t, h, s)
		at = append(at, s.Time)
	}
	far := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name         string
		since, until time.Time
		want         []time.Time
	}{
		{"all", time.Time{}, time.Time{}, at},
		{"since one", at[3], time.Time{}, at[3:]},
		{"since between", at[3].Add(time.Second), time.Time{}, at[4:]},
		{"until one", time.Time{}, at[5], at[:6]},
		{"one", at[4], at[4], at[4:5]},
		{"between two", at[4].Add(1e9), at[4].Add(2e9), nil},
		{"before all", time.Unix(0, 0), at[0].Add(-1e9), nil},
		{"after all", at[9].Add(1e9), time.Time{}, nil},
		{"long ago to far ahead", time.Unix(0, 0), far, at},
		{"far ahead", far, far, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []time.Time
			for _, s := range decoded(t, h, tt.since, tt.until) {
				got = append(got, s.Time)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := decoded(t, newHistory(), time.Time{}, time.Time{}); got != nil {
		t.Errorf("a new history has %v", got)
	}
}

// TestClockSteps sets the wall clock back by an hour: what was kept before has
// its age by the boot-time clock.
func TestClockSteps(t *testing.T) {
	n, h := newNode(1, 1), newHistory()
	for range 5 {
		offer(t, h, n.later(interval))
	}
	n.now.Time = n.now.Time.Add(-time.Hour)
	for range 5 {
		offer(t, h, n.later(interval))
	}
	if got := decoded(t, h, n.now.Time.Add(-7*interval), time.Time{}); len(got) != 8 {
		t.Errorf("%d snapshots since 70 s ago, want 8", len(got))
	}
}

func TestAnotherBoot(t *testing.T) {
	n, h := newNode(1, 1), newHistory()
	offer(t, h, n.later(interval))
	offer(t, h, n.later(interval))
	n.now.BootNanos, n.now.BootID = 0, "another"
	last := n.later(interval)
	offer(t, h, last)
	if diff := cmp.Diff([]*snapshot.Snapshot{last}, decoded(t, h, time.Time{}, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBytesAreBounded has room for some of the snapshots only, then for none
// but the newest.
func TestBytesAreBounded(t *testing.T) {
	for _, maxBytes := range []int{200_000, 1} {
		n := newNode(20, 1)
		h := New(Options{Interval: interval, Keep: keep, MaxBytes: maxBytes})
		for range 100 {
			offer(t, h, n.later(interval))
		}
		kept, bytes := h.Size()
		if got := decoded(t, h, time.Time{}, time.Time{}); len(got) != kept || got[kept-1].BootNanos != n.now.BootNanos {
			t.Errorf("%d snapshots, want %d up to the newest", len(got), kept)
		}
		t.Logf("%d bytes hold %d snapshots", bytes, kept)
		if bytes > maxBytes && kept > 1 || maxBytes > 1 && (kept < 5 || kept > 55) {
			t.Errorf("%d bytes for %d snapshots, of at most %d", bytes, kept, maxBytes)
		}
	}
}

// What ten minutes of a node of 220 containers may take up, counted.
const (
	maxBytes       = 1_700_000
	maxAllocations = 4
)

// TestCost keeps ten minutes of such a node of which every container works, and
// of one of which a fifth does.
func TestCost(t *testing.T) {
	for _, working := range []float64{1, 0.2} {
		n, h := newNode(110, working), newHistory()
		for range 61 {
			offer(t, h, n.later(interval))
		}
		kept, bytes := h.Size()
		wire, err := h.Encode(time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("working %.0f%%: %d snapshots in %d bytes: %d each beside one of %d; %d bytes on the wire",
			100*working, kept, bytes, h.diffBytes/(kept-1), len(h.newest), len(wire))
		if kept != 61 || bytes > maxBytes {
			t.Errorf("working %.0f%%: %d snapshots in %d bytes, want 61 in at most %d", 100*working, kept, bytes, maxBytes)
		}
		allocations := allocationsOf(t, h, n)
		t.Logf("working %.0f%%: %d allocations a kept snapshot", 100*working, allocations)
		if allocations > maxAllocations {
			t.Errorf("working %.0f%%: %d allocations a kept snapshot, want at most %d", 100*working, allocations, maxAllocations)
		}
	}
}

// TestEncodeAllocatesOnce encodes ten minutes: beside what is sent, that takes
// room for a few snapshots.
func TestEncodeAllocatesOnce(t *testing.T) {
	n, h := newNode(110, 1), newHistory()
	for range 61 {
		offer(t, h, n.later(interval))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wire, err := h.Encode(time.Time{}, time.Time{})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	allocated := int(after.TotalAlloc - before.TotalAlloc)
	t.Logf("%d bytes allocated for %d on the wire and snapshots of %d", allocated, len(wire), len(h.newest))
	if most := len(wire) + 3*len(h.newest); allocated > most || cap(wire) > len(wire)*5/4 {
		t.Errorf("%d bytes allocated, want at most %d; %d bytes have room for %d", allocated, most, len(wire), cap(wire))
	}
}

// allocationsOf counts those of one more snapshot.
func allocationsOf(t *testing.T, h *History, n *node) uint64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := n.later(interval)
	at, data := snapshot.StampOf(s), encoded(t, s)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := h.Offer(at, data)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	return after.Mallocs - before.Mallocs
}

func BenchmarkKeep(b *testing.B) {
	n, h := newNode(110, 1), newHistory()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := n.later(interval)
		at, data := snapshot.StampOf(s), encoded(b, s)
		b.StartTimer()
		if err := h.Offer(at, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	n, h := newNode(110, 1), newHistory()
	for range 61 {
		offer(b, h, n.later(interval))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Encode(time.Time{}, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
}
