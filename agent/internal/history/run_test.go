package history

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A machine is read at the time of the bubble.
type machine struct {
	history *History
	booted  time.Time
	took    time.Duration

	mu    sync.Mutex
	reads []time.Duration // since the boot
	err   error
}

// take reads the machine because nobody asked.
func (m *machine) take(context.Context) error { return m.read(m.history.Keep) }

// read reads the machine and gives the snapshot to keep.
func (m *machine) read(keep func(snapshot.Stamp, []byte) error) error {
	m.mu.Lock()
	m.reads = append(m.reads, time.Since(m.booted))
	failure := m.err
	m.mu.Unlock()
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: "node1", Time: time.Now(), BootNanos: int64(time.Since(m.booted)),
		Agent: snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified}},
	}
	time.Sleep(m.took)
	if failure != nil {
		return failure
	}
	data, err := snapshot.Encode(s, snapshot.ContentTypeMsgpack)
	if err != nil {
		return err
	}
	return keep(snapshot.StampOf(s), data)
}

// run keeps a history of the machine until the test is over.
func run(t *testing.T, m *machine) (*History, *strings.Builder) {
	var log strings.Builder
	m.booted = time.Now()
	h := newHistory()
	m.history = h
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		h.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), m.take)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return h, &log
}

// ask reads the machine for a hub.
func ask(t *testing.T, m *machine) {
	t.Helper()
	if err := m.read(m.history.Offer); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestRunReadsWhenNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{took: time.Second}
		h, _ := run(t, m)
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{12500 * time.Millisecond, 22500 * time.Millisecond, 32500 * time.Millisecond, 42500 * time.Millisecond, 52500 * time.Millisecond}
		if !slices.Equal(m.reads, want) {
			t.Errorf("read after %v, want %v", m.reads, want)
		}
		if kept, _ := h.Size(); kept != len(want) {
			t.Errorf("%d snapshots are kept, want %d", kept, len(want))
		}
	})
}

// TestRunAfterALateReading has readings that take as long as an interval and
// longer: the node is left alone for an interval after each.
func TestRunAfterALateReading(t *testing.T) {
	for took, want := range map[time.Duration][]time.Duration{
		interval:         {12500 * time.Millisecond, 32500 * time.Millisecond, 52500 * time.Millisecond},
		interval * 3 / 2: {12500 * time.Millisecond, 37500 * time.Millisecond, 62500 * time.Millisecond},
		interval * 7 / 2: {12500 * time.Millisecond, 57500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &machine{took: took}
			run(t, m)
			time.Sleep(70 * time.Second)
			m.mu.Lock()
			defer m.mu.Unlock()
			if !slices.Equal(m.reads, want) {
				t.Errorf("readings of %v each begin after %v, want %v", took, m.reads, want)
			}
		})
	}
}

// TestRunLeavesItToTheHub has a hub that asks every ten seconds, now a bit
// early and now two seconds late: the node is read for it alone, and each
// snapshot is kept.
func TestRunLeavesItToTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		h, _ := run(t, m)
		const rounds = 30
		for i := range rounds {
			late := []time.Duration{0, 2 * time.Second, -300 * time.Millisecond, time.Second}[i%4]
			time.Sleep(time.Until(m.booted.Add(time.Duration(i)*interval + 5*time.Second + late)))
			ask(t, m)
		}
		if len(m.reads) != rounds {
			t.Errorf("the node was read %d times for %d questions", len(m.reads), rounds)
		}
		if kept, _ := h.Size(); kept != rounds {
			t.Errorf("%d snapshots are kept, want %d", kept, rounds)
		}
	})
}

// TestRunWithoutTheHub has a hub that goes away for a minute and comes back at
// any time between two of the agent's own snapshots, with a second question soon
// after its first: from then on the node is read for it alone, and there was
// never much more than an interval between two snapshots.
func TestRunWithoutTheHub(t *testing.T) {
	for away := time.Minute; away < time.Minute+interval; away += 490 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			m := &machine{}
			h, _ := run(t, m)
			for range 5 {
				time.Sleep(interval)
				ask(t, m)
			}
			time.Sleep(away)
			synctest.Wait()
			reads := len(m.reads)
			ask(t, m)
			time.Sleep(2 * time.Second)
			ask(t, m)
			time.Sleep(interval - 2*time.Second)
			for range 10 {
				ask(t, m)
				time.Sleep(interval)
			}
			synctest.Wait()
			if more := len(m.reads) - reads; more != 12 {
				t.Errorf("away for %v: the node was read %d times for 12 questions", away, more)
			}
			all := decoded(t, h, time.Time{}, time.Time{})
			for i := 1; i < len(all); i++ {
				if gap := time.Duration(all[i].BootNanos - all[i-1].BootNanos); gap > interval*5/4 {
					t.Errorf("away for %v: %v between two snapshots", away, gap)
				}
			}
			if len(all) < 20 {
				t.Errorf("away for %v: %d snapshots", away, len(all))
			}
		})
	}
}

// TestRunGoesOn fails for a while.
func TestRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{err: errors.New("no clock")}
		h, log := run(t, m)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if kept, _ := h.Size(); kept != 0 || strings.Count(log.String(), `msg="history has a gap" err="no clock"`) != 2 {
			t.Errorf("%d are kept; log:\n%s", kept, log.String())
		}
		m.mu.Lock()
		m.err = nil
		m.mu.Unlock()
		time.Sleep(interval)
		synctest.Wait()
		if kept, _ := h.Size(); kept != 1 {
			t.Errorf("%d are kept, want 1", kept)
		}
	})
}
