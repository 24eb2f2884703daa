package delta_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestBetweenWholeNode has a row for each way in which two snapshots as wholes
// cannot, or can still, be compared.
func TestBetweenWholeNode(t *testing.T) {
	tests := []struct {
		name        string
		change      func(prev, cur *snapshot.Snapshot)
		err         error
		overSeconds float64
		reason      string // for the node's CPU
	}{
		{"a missed round", func(prev, _ *snapshot.Snapshot) { *prev = *nodeAt(90) }, nil, 20, ""},
		{"reboot", func(_, cur *snapshot.Snapshot) { *cur = *nodeAt(5); cur.BootID = "boot2" },
			nil, 0, "the node has started anew: a rate needs two samples of one boot"},
		{"no boot ID", func(prev, cur *snapshot.Snapshot) { prev.BootID, cur.BootID = "", "" },
			nil, 0, "the agent reports no boot ID: samples cannot be compared"},
		{"same instant", func(_, cur *snapshot.Snapshot) { cur.BootNanos = 100 * second }, delta.ErrNotAfter, 0, ""},
		{"earlier", func(_, cur *snapshot.Snapshot) { cur.BootNanos = 99 * second }, delta.ErrNotAfter, 0, ""},
		{"just under half a second later", func(_, cur *snapshot.Snapshot) { cur.BootNanos = 100*second + second/2 - 1 }, delta.ErrTooSoon, 0, ""},
		{"a second later", func(prev, cur *snapshot.Snapshot) { *cur = *nodeAt(101) }, nil, 1, ""},
		{"wall clock set back", func(_, cur *snapshot.Snapshot) { cur.Time = cur.Time.Add(-time.Hour) }, nil, 10, ""},
		{"wall clock set forward", func(_, cur *snapshot.Snapshot) { cur.Time = cur.Time.Add(time.Hour) }, nil, 10, ""},
		{"older than the boot before", func(prev, cur *snapshot.Snapshot) { cur.BootID, cur.BootNanos = "boot2", prev.BootNanos-1 },
			nil, 0, "the node has started anew: a rate needs two samples of one boot"},
		{"an agent without CPU time before", func(prev, _ *snapshot.Snapshot) { prev.Host.CPU.UsageMicros = nil },
			nil, 10, "first sample: a rate needs two"},
		{"an agent without CPU time now", func(_, cur *snapshot.Snapshot) { cur.Host.CPU.UsageMicros = nil },
			nil, 10, "the kernel reports no CPU time here"},
		{"no number of processors", func(prev, cur *snapshot.Snapshot) { prev.Host.CPU.Count, cur.Host.CPU.Count = 0, 0 }, nil, 10, ""},
		{"a broken counter and no number of processors", func(prev, cur *snapshot.Snapshot) {
			prev.Host.CPU.Count, cur.Host.CPU.Count = 0, 0
			*cur.Host.CPU.UsageMicros = math.MaxUint64
		}, nil, 10, "the counter grew by more than the machine can do"},
		{"the CPU counter of the node fell", func(_, cur *snapshot.Snapshot) { *cur.Host.CPU.UsageMicros = 0 },
			nil, 10, "the counter fell: a rate needs two samples of one count"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prev, cur := nodeAt(100), nodeAt(110)
			tt.change(prev, cur)
			r, err := delta.Between(prev, cur)
			if !errors.Is(err, tt.err) {
				t.Fatalf("Between = %v, want error %v", err, tt.err)
			}
			if err != nil {
				return
			}
			u := r.Host.Usage
			checkReasons(t, "host", u)
			if u.OverSeconds != tt.overSeconds || u.Unavailable["cpuMillicores"] != tt.reason {
				t.Errorf("over %v s, reason %q; want %v s, %q", u.OverSeconds, u.Unavailable["cpuMillicores"], tt.overSeconds, tt.reason)
			}
		})
	}
}

func TestBetweenFirst(t *testing.T) {
	r := between(t, nil, nodeAt(100))
	for what, u := range usages(r) {
		checkReasons(t, what, u)
		if u.OverSeconds != 0 {
			t.Errorf("%s: OverSeconds = %v, want 0", what, u.OverSeconds)
		}
		for _, m := range rates() {
			if u.Values.Known(m) {
				t.Errorf("%s: %v = %v of one sample", what, m, u.Values[m])
			}
		}
		if !u.Values.Known(hub.MemoryBytes) || !u.Values.Known(hub.DiskReadBytes) {
			t.Errorf("%s: gauges and counters are not known from the first sample", what)
		}
	}
	if r.Processes[0].CPUMillicores != nil || r.Host.Disks[0].BusyRatio != nil || r.Host.Network[0].RxBytesPerSecond != nil {
		t.Error("a process, disk or interface has a rate of one sample")
	}
}

// TestBetweenHost has the odd cases of the node's own devices and processes.
func TestBetweenHost(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	cur.Host.Disks = append(cur.Host.Disks, snapshot.Disk{Device: "8:16", ReadBytes: 1 << 40})
	cur.Host.Network = append(cur.Host.Network, snapshot.Interface{Interface: "eth1", RxBytes: 1 << 40})
	cur.Processes[0].StartTicks++ // another process with the same PID
	r := between(t, prev, cur)
	if got := r.Host.Usage.Values[hub.DiskReadBytesPerSecond]; got != mega {
		t.Errorf("disk rate with a new disk = %v, want %v", got, mega)
	}
	if got := r.Host.Usage.Values[hub.DiskReadBytes]; got != 110*mega+1<<40 {
		t.Errorf("disk bytes with a new disk = %v", got)
	}
	if got := r.Host.Usage.Values[hub.NetworkRxBytesPerSecond]; got != 3000 {
		t.Errorf("network rate with a new uplink = %v, want 3000", got)
	}
	if r.Processes[0].CPUMillicores != nil {
		t.Error("a new process with an old PID has a rate")
	}
	if r.Host.Disks[1].ReadBytesPerSecond != nil || r.Host.Network[1].RxBytesPerSecond != nil {
		t.Error("a new disk or uplink has a rate")
	}
}

// TestBetweenBareKernel is a hybrid node: hardly anything can be read.
func TestBetweenBareKernel(t *testing.T) {
	at := func(seconds int64) *snapshot.Snapshot {
		return &snapshot.Snapshot{
			Node: "node1", BootID: "boot1", BootNanos: seconds * second,
			Agent:    snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeHybrid}},
			Slices:   []snapshot.Slice{{Cgroup: "system.slice"}},
			Warnings: []snapshot.Warning{{Source: "cgroup", Reason: "hybrid"}},
		}
	}
	r := between(t, at(100), at(110))
	check(t, "host", r.Host.Usage, 10, values{})
	check(t, "slice", r.System[0].Usage, 10, values{})
	if got, want := r.Host.Usage.Unavailable["memoryBytes"], "the node's memory controller is not in a unified cgroup v2 hierarchy"; got != want {
		t.Errorf("reason for memory = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"cgroup: hybrid"}, r.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// TestBetweenCourse follows a node through rounds, and keeps the snapshot before
// as the pipeline does: one that is refused changes nothing. The pod uses 300
// millicores all the time.
func TestBetweenCourse(t *testing.T) {
	at := func(boot string, seconds float64, skew time.Duration) *snapshot.Snapshot {
		s := nodeAt(int64(seconds))
		s.BootID, s.BootNanos, s.Time = boot, int64(seconds*1e9), s.Time.Add(skew)
		return s
	}
	none := math.NaN()
	tests := []struct {
		name   string
		course []*snapshot.Snapshot
		over   []float64 // seconds of each snapshot's rates, 0 for none yet, NaN for refused
	}{
		{"steady", []*snapshot.Snapshot{at("a", 100, 0), at("a", 110, 0), at("a", 120, 0)}, []float64{0, 10, 10}},
		{"missed rounds", []*snapshot.Snapshot{at("a", 100, 0), at("a", 140, 0), at("a", 150, 0)}, []float64{0, 40, 10}},
		{"same instant twice", []*snapshot.Snapshot{at("a", 100, 0), at("a", 110, 0), at("a", 110, 0), at("a", 120, 0)}, []float64{0, 10, none, 10}},
		{"out of order", []*snapshot.Snapshot{at("a", 100, 0), at("a", 120, 0), at("a", 110, 0), at("a", 130, 0)}, []float64{0, 20, none, 10}},
		{"too soon", []*snapshot.Snapshot{at("a", 100, 0), at("a", 100.25, 0), at("a", 100.4, 0), at("a", 110, 0)}, []float64{0, none, none, 10}},
		{"reboot", []*snapshot.Snapshot{at("a", 100, 0), at("a", 110, 0), at("b", 20, 0), at("b", 30, 0)}, []float64{0, 10, 0, 10}},
		{"reboot after a longer run", []*snapshot.Snapshot{at("a", 100, 0), at("b", 200, 0), at("b", 210, 0)}, []float64{0, 0, 10}},
		{"clock an hour forward and back", []*snapshot.Snapshot{at("a", 100, 0), at("a", 110, time.Hour), at("a", 120, -time.Hour)}, []float64{0, 10, 10}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var prev *snapshot.Snapshot
			for i, cur := range tt.course {
				r, err := delta.Between(prev, cur)
				if refused := math.IsNaN(tt.over[i]); refused != (err != nil) || refused != (r == nil) {
					t.Fatalf("snapshot %d: Between = %v, %v", i, r, err)
				}
				if err != nil {
					continue
				}
				prev = cur
				u := r.Pods[0].Usage
				if u.OverSeconds != tt.over[i] {
					t.Errorf("snapshot %d: OverSeconds = %v, want %v", i, u.OverSeconds, tt.over[i])
				}
				if cpu := u.Values[hub.CPUMillicores]; (tt.over[i] == 0) != math.IsNaN(cpu) || math.Abs(cpu-300) > 1e-6 {
					t.Errorf("snapshot %d: CPU = %v millicores, want 300", i, cpu)
				}
			}
		})
	}
}

// TestBetweenWithoutAPart takes each optional part out of either snapshot, as
// another version of the agent or another kernel may. What is then unknown has
// a reason, and nothing has another value.
func TestBetweenWithoutAPart(t *testing.T) {
	whole := usages(between(t, nodeAt(100), nodeAt(110)))
	for _, side := range []string{"before", "now"} {
		for n := range optional(nodeAt(0)) {
			prev, cur := nodeAt(100), nodeAt(110)
			changed := cur
			if side == "before" {
				changed = prev
			}
			part := optional(changed)[n]
			name := side + " without " + part.name
			part.value.SetZero()
			for what, u := range usages(between(t, prev, cur)) {
				checkReasons(t, name+": "+what, u)
				for m := range hub.MetricCount {
					if u.Values.Known(m) && u.Values[m] != whole[what].Values[m] {
						t.Errorf("%s: %s: %v = %v, want %v or unknown", name, what, m, u.Values[m], whole[what].Values[m])
					}
				}
			}
		}
	}
}

// A part is an optional field of a snapshot: a pointer, or a list that may be
// nil.
type part struct {
	name  string
	value reflect.Value
}

func optional(s *snapshot.Snapshot) []part {
	parts := partsOf("host", reflect.ValueOf(&s.Host).Elem())
	parts = append(parts, partsOf("slice", reflect.ValueOf(&s.Slices[0]).Elem())...)
	return append(parts, partsOf("pod", reflect.ValueOf(&s.Pods[0]).Elem())...)
}

func partsOf(name string, v reflect.Value) []part {
	var parts []part
	switch v.Kind() {
	case reflect.Pointer:
		parts = append(parts, part{name, v})
		if !v.IsNil() {
			parts = append(parts, partsOf(name, v.Elem())...)
		}
	case reflect.Slice:
		parts = append(parts, part{name, v})
	case reflect.Struct:
		for field, value := range v.Fields() {
			parts = append(parts, partsOf(name+"."+field.Name, value)...)
		}
	}
	return parts
}
