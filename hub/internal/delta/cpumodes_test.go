package delta_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestBetweenModes has a row for each way in which the modes of a node's
// processors, or what is known of them, change between two samples.
func TestBetweenModes(t *testing.T) {
	steady := hub.CPUModes{hub.CPUUser: 250, hub.CPUSystem: 100, hub.CPUIRQ: 50, hub.CPUSteal: 100, hub.CPUIOWait: 200, hub.CPUIdle: 1300}
	without := func(lost ...hub.CPUMode) *hub.CPUModes {
		modes := steady
		for _, m := range lost {
			modes[m] = math.NaN()
		}
		return &modes
	}
	const fell, broken = "the counter fell: a rate needs two samples of one count", "the counter grew by more than the machine can do"
	tests := []struct {
		name   string
		change func(prev, cur *snapshot.Snapshot)
		want   *hub.CPUModes // nil if none is known
		at     string        // whose reason is looked at
		reason string
	}{
		{name: "steady", change: func(_, _ *snapshot.Snapshot) {}, want: &steady},
		{name: "after a missed round", change: func(prev, _ *snapshot.Snapshot) { *prev = *nodeAt(90) }, want: &steady},
		{name: "iowait falls", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes.IOWaitMicros = 7 },
			want: without(hub.CPUIOWait), at: "cpuMillicoresByMode.iowait", reason: fell},
		{name: "nice falls, which user holds", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes.NiceMicros = 7 },
			want: without(hub.CPUUser), at: "cpuMillicoresByMode.user", reason: fell},
		{name: "idle falls, as where a processor is switched off", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes.IdleMicros /= 2 },
			want: without(hub.CPUIdle), at: "cpuMillicoresByMode.idle", reason: fell},
		{name: "steal jumps", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes.StealMicros = math.MaxUint64 },
			want: without(hub.CPUSteal), at: "cpuMillicoresByMode.steal", reason: broken},
		{name: "all fall", change: func(_, cur *snapshot.Snapshot) { *cur.Host.CPU.Modes = snapshot.CPUModes{} },
			want: new(hub.UnknownCPUModes()), at: "cpuMillicoresByMode.system", reason: fell},
		{name: "a little more than there is", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes.IdleMicros += 7_100_000 },
			want: func() *hub.CPUModes { m := steady; m[hub.CPUIdle] = 2000; return &m }()},
		{name: "no sample before", change: func(prev, _ *snapshot.Snapshot) { prev.BootID = "boot0" },
			at: "cpuMillicoresByMode", reason: "the node has started anew: a rate needs two samples of one boot"},
		{name: "not in the sample before", change: func(prev, _ *snapshot.Snapshot) { prev.Host.CPU.Modes = nil },
			at: "cpuMillicoresByMode", reason: "first sample: a rate needs two"},
		{name: "/proc/stat unread", change: func(_, cur *snapshot.Snapshot) { cur.Host.CPU.Modes = nil },
			at: "cpuMillicoresByMode", reason: "the agent could not read /proc/stat, or is of a version that does not tell"},
		{name: "nested", change: func(_, cur *snapshot.Snapshot) { cur.Agent.Cgroup.Nested = true },
			at: "cpuMillicoresByMode", reason: "the node is nested in another machine, and the kernel counts modes for the whole machine only"},
		{name: "a kernel that does not count", change: func(prev, cur *snapshot.Snapshot) {
			prev.Host.CPU.Modes, cur.Host.CPU.Modes = &snapshot.CPUModes{}, &snapshot.CPUModes{}
		}, at: "cpuMillicoresByMode", reason: "the kernel does not count how its processors spend their time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prev, cur := nodeAt(100), nodeAt(110)
			tt.change(prev, cur)
			r := between(t, prev, cur)
			checkModes(t, r)
			if diff := cmp.Diff(tt.want, r.Host.CPUModes, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-6)); diff != "" {
				t.Errorf("modes (-want +got):\n%s", diff)
			}
			if got := r.Host.Usage.Unavailable[tt.at]; got != tt.reason {
				t.Errorf("reason for %q = %q, want %q", tt.at, got, tt.reason)
			}
		})
	}
}

// checkModes checks that no mode is negative or above what the node has, that
// what is unknown has a reason, and what is known has none.
func checkModes(t *testing.T, r *hub.Reading) {
	t.Helper()
	reasons := r.Host.Usage.Unavailable
	if known := r.Host.CPUModes != nil; known == (reasons[hub.CPUModesName] != "") {
		t.Errorf("modes are %v, their reason %q", r.Host.CPUModes, reasons[hub.CPUModesName])
	}
	if r.Host.CPUModes == nil {
		return
	}
	for m := range hub.CPUModeCount {
		millicores, reason := r.Host.CPUModes[m], reasons[hub.CPUModesName+"."+m.String()]
		if math.IsNaN(millicores) != (reason != "") || millicores < 0 || millicores > 2000 {
			t.Errorf("%s is %v on two processors, its reason %q", m, millicores, reason)
		}
	}
}
