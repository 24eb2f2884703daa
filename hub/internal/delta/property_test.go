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

// TestBetweenProperties runs a node through random faults: whatever happens,
// no rate is negative or above what can be, what is unknown has a reason, and
// the CPU time that the rates add up to is never more than was counted.
func TestBetweenProperties(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var prev *snapshot.Snapshot
		var counted, summed float64 // CPU microseconds of the pod
		for now := int64(100); now < 400; now += 1 + random.Int64N(20) {
			cur := nodeAt(now)
			shake(random, cur)
			r, err := delta.Between(prev, cur)
			if errors.Is(err, delta.ErrNotAfter) || errors.Is(err, delta.ErrTooSoon) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if prev != nil {
				counted += rise(prev, cur)
			}
			prev = cur
			for what, u := range usages(r) {
				checkBounds(t, what, u)
			}
			checkModes(t, r)
			if u := r.Pods[0].Usage; u.Values.Known(hub.CPUMillicores) {
				summed += u.Values[hub.CPUMillicores] * 1000 * u.OverSeconds
			}
		}
		if summed > counted*1.000001 {
			t.Fatalf("seed %d: rates add up to %v µs, counted were %v", seed, summed, counted)
		}
	}
}

// rise is by how much the pod's CPU counter is above the earlier one.
func rise(prev, cur *snapshot.Snapshot) float64 {
	a, b := prev.Pods[0].CPU, cur.Pods[0].CPU
	if a == nil || b == nil || b.UsageMicros < a.UsageMicros {
		return 0
	}
	return float64(b.UsageMicros - a.UsageMicros)
}

func checkBounds(t *testing.T, what string, u hub.Usage) {
	t.Helper()
	checkReasons(t, what, u)
	for m := range hub.MetricCount {
		if u.Values.Known(m) && u.Values[m] < 0 {
			t.Fatalf("%s: %v = %v", what, m, u.Values[m])
		}
		if share := m == hub.CPUThrottledRatio || m >= hub.PressureCPUSome; share && u.Values[m] > 1 {
			t.Fatalf("%s: %v = %v, above 1", what, m, u.Values[m])
		}
	}
	for _, m := range []hub.Metric{hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond, hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond} {
		if u.Values[m] > 1<<40 {
			t.Fatalf("%s: %v = %v", what, m, u.Values[m])
		}
	}
	if u.Values[hub.CPUMillicores] > 2000 {
		t.Fatalf("%s: %v millicores on two processors", what, u.Values[hub.CPUMillicores])
	}
}

// shake makes some of the faults that a node can have.
func shake(random *rand.Rand, s *snapshot.Snapshot) {
	p := &s.Pods[0]
	faults := []func(){
		func() { s.BootID = "boot2" },
		func() { s.BootID = "" },
		func() { s.BootNanos -= second * random.Int64N(30) },
		func() { p.UID = "uid-other" },
		func() { p.CgroupID++ },
		func() { p.CgroupID = 0 },
		func() { p.Containers[0].CgroupID = random.Uint64N(20) },
		func() { s.Time = s.Time.Add(time.Hour) },
		func() { s.Warnings = []snapshot.Warning{{Source: "cgroup"}} },
		func() { p.IO[0].ReadBytes, p.CPU.UsageMicros = math.MaxUint64, math.MaxUint64 },
		func() { p.NetworkID++ },
		func() { p.Network, p.HostNetwork = nil, true },
		func() { p.CPU = nil },
		func() { p.CPU.UsageMicros = random.Uint64() },
		func() { p.CPU.Periods = new(random.Uint64N(1000)) },
		func() { p.CPU.ThrottledPeriods = new(random.Uint64()) },
		func() { p.IO = nil },
		func() { p.IO[0].ReadBytes = random.Uint64() },
		func() { p.IO[0].Device = "9:9" },
		func() { p.Pressure = nil },
		func() { s.Host.Pressure.IO.SomeMicros = random.Uint64() },
		func() { s.Host.Disks = nil },
		func() { s.Host.CPU.UsageMicros = new(random.Uint64()) },
		func() { s.Host.CPU.Modes.SoftIRQMicros, s.Host.CPU.Modes.IdleMicros = random.Uint64(), random.Uint64() },
		func() { *s.Host.CPU.Modes = snapshot.CPUModes{} },
		func() { s.Host.Network[0].RxBytes = random.Uint64() },
		func() { s.Slices = s.Slices[:1] },
		func() { p.Containers[0].ID = "c2" },
		func() { p.Containers = nil },
	}
	for range random.IntN(4) {
		i := random.IntN(len(faults))
		if p.CPU == nil || p.IO == nil || p.Pressure == nil || p.Containers == nil {
			return // later faults reach into what is gone
		}
		faults[i]()
	}
}
