package delta_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestRatesAreExact and FuzzRatesAreExact run a node through whatever can
// happen to it. Each rate that is given must be exactly what the kernel
// counted between the two snapshots, for groups born in between as well, and
// all that the rates of one group add up to must be within what it counted.
func TestRatesAreExact(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		events := make(script, 2000)
		for i := range events {
			events[i] = byte(random.Uint32())
		}
		replay(t, events)
	}
}

func FuzzRatesAreExact(f *testing.F) {
	f.Fuzz(func(t *testing.T, events []byte) { replay(t, events[:min(len(events), 4000)]) })
}

func replay(t *testing.T, events script) {
	w := &witness{T: t, totals: map[uint64]*total{}}
	node := newSimulated(events)
	spans := []time.Duration{10 * time.Second, 10 * time.Second, time.Second, 400 * time.Millisecond, 35 * time.Second}
	for len(node.script) > 0 {
		node.happen()
		node.pass(spans[node.choose(len(spans))])
		if node.choose(8) == 1 {
			continue // a missed round
		}
		cur := node.snapshot()
		w.see(cur, node.truth())
		if node.choose(8) == 1 {
			w.refuse(cur) // the same again
		}
		if node.choose(8) == 1 {
			late := *cur
			late.BootNanos -= int64(5 * time.Second)
			w.refuse(&late)
		}
	}
}

// A witness compares what delta says with what the kernel counted.
type witness struct {
	*testing.T
	prev   *snapshot.Snapshot
	before map[uint64]counters // the truth when prev was taken
	totals map[uint64]*total   // by inode
}

// A total is the CPU time that the rates of a group add up to, and what the
// group had counted where they begin.
type total struct{ first, summed float64 }

// see takes the next snapshot, as the pipeline does: one that is refused leaves
// the one before in its place.
func (w *witness) see(cur *snapshot.Snapshot, truth map[uint64]counters) {
	r, err := delta.Between(w.prev, cur)
	if errors.Is(err, delta.ErrTooSoon) {
		return
	}
	if err != nil {
		w.Fatal(err)
	}
	if w.prev == nil || w.prev.BootID != cur.BootID {
		clear(w.totals)
		w.before = nil
	}
	w.times(r, cur)
	w.node(r, truth)
	for i := range r.Pods {
		p := &cur.Pods[i]
		w.group(p.UID, p.CgroupID, r.Pods[i].Usage, truth)
		w.rate(p.UID, r.Pods[i].Usage, hub.NetworkRxBytesPerSecond, truth[p.NetworkID].receive, w.before[p.NetworkID].receive, 1)
		for j, c := range r.Pods[i].Containers {
			w.group(c.ID, p.Containers[j].CgroupID, c.Usage, truth)
		}
	}
	w.prev, w.before = cur, truth
}

// times checks that rates cover the time since the snapshot before, by the
// node's own clock.
func (w *witness) times(r *hub.Reading, cur *snapshot.Snapshot) {
	seconds := 0.0
	if w.prev != nil && w.prev.BootID == cur.BootID {
		seconds = time.Duration(cur.BootNanos - w.prev.BootNanos).Seconds()
	}
	for what, u := range usages(r) {
		if u.OverSeconds != seconds && (what == "host" || u.OverSeconds != 0) {
			w.Fatalf("%s: OverSeconds = %v, want %v", what, u.OverSeconds, seconds)
		}
	}
}

func (w *witness) refuse(again *snapshot.Snapshot) {
	if w.prev.BootID != again.BootID || w.prev.BootNanos < again.BootNanos {
		return // it was too soon, and would be the next
	}
	if r, err := delta.Between(w.prev, again); r != nil || !errors.Is(err, delta.ErrNotAfter) {
		w.Fatalf("Between = %v, %v of a snapshot that is not newer", r, err)
	}
}

// node checks that the node's CPU time survives everything but a reboot.
func (w *witness) node(r *hub.Reading, truth map[uint64]counters) {
	u := r.Host.Usage
	w.group("node", 1, hub.Usage{OverSeconds: u.OverSeconds, Values: onlyCPU(u)}, truth)
	all := w.totals[1]
	if want := float64(truth[1].cpu) - all.first; math.Abs(all.summed-want) > 1 {
		w.Fatalf("node: rates add up to %v µs, counted were %v", all.summed, want)
	}
}

func onlyCPU(u hub.Usage) hub.Values {
	v := hub.Unknown()
	v[hub.CPUMillicores] = u.Values[hub.CPUMillicores]
	return v
}

func (w *witness) group(what string, id uint64, u hub.Usage, truth map[uint64]counters) {
	now, before := truth[id], w.before[id]
	w.rate(what, u, hub.CPUMillicores, now.cpu, before.cpu, 1000)
	w.rate(what, u, hub.DiskReadBytesPerSecond, now.read, before.read, 1)
	w.rate(what, u, hub.PressureCPUSome, now.stalled, before.stalled, 1e6)
	known := u.Values.Known(hub.CPUMillicores)
	all := w.totals[id]
	if all == nil {
		all = &total{first: float64(now.cpu)}
		if known {
			all.first = float64(before.cpu)
		}
		w.totals[id] = all
	}
	if known {
		all.summed += u.Values[hub.CPUMillicores] * 1000 * u.OverSeconds
	}
	if all.summed > float64(now.cpu)-all.first+1 {
		w.Fatalf("%s: rates add up to %v µs of %v", what, all.summed, float64(now.cpu)-all.first)
	}
}

// rate checks that a rate is unknown or exact.
func (w *witness) rate(what string, u hub.Usage, m hub.Metric, now, before uint64, unit float64) {
	if !u.Values.Known(m) {
		return
	}
	got, want := u.Values[m]*unit*u.OverSeconds, float64(now)-float64(before)
	if w.prev == nil || math.Abs(got-want) > 1 {
		w.Fatalf("%s: %v = %v over %v s is %v, counted were %v", what, m, u.Values[m], u.OverSeconds, got, want)
	}
}
