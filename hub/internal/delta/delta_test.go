package delta_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/delta"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// values are what a test expects of a Usage; what is left out is unknown.
type values map[hub.Metric]float64

func check(t *testing.T, what string, got hub.Usage, overSeconds float64, want values) {
	t.Helper()
	known := values{}
	for m := range hub.MetricCount {
		if got.Values.Known(m) {
			known[m] = math.Round(got.Values[m]*1e6) / 1e6
		}
	}
	if diff := cmp.Diff(want, known); diff != "" {
		t.Errorf("%s: values (-want +got):\n%s", what, diff)
	}
	if got.OverSeconds != overSeconds {
		t.Errorf("%s: OverSeconds = %v, want %v", what, got.OverSeconds, overSeconds)
	}
	checkReasons(t, what, got)
}

// checkReasons checks that what is unknown has a reason, and what is known has
// none.
func checkReasons(t *testing.T, what string, u hub.Usage) {
	t.Helper()
	for m := range hub.MetricCount {
		reason := u.Unavailable[m.String()] + u.Unavailable[groupOf(m)]
		if known := u.Values.Known(m); known == (reason != "") {
			t.Errorf("%s: %v: known is %v, its reason %q", what, m, known, reason)
		}
	}
}

func groupOf(m hub.Metric) string {
	for _, group := range []string{"memory", "disk", "network", "pressure"} {
		if strings.HasPrefix(m.String(), group) {
			return group
		}
	}
	return ""
}

func between(t *testing.T, prev, cur *snapshot.Snapshot) *hub.Reading {
	t.Helper()
	r, err := delta.Between(prev, cur)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBetweenSteady(t *testing.T) {
	r := between(t, nodeAt(100), nodeAt(110))
	check(t, "host", r.Host.Usage, 10, values{
		hub.CPUMillicores: 500,
		hub.MemoryBytes:   400 * mega, hub.MemoryRSSBytes: 300 * mega, hub.MemoryCacheBytes: 200 * mega, hub.MemorySwapBytes: 30 * mega,
		hub.DiskReadBytes: 110 * mega, hub.DiskWriteBytes: 220 * mega, hub.DiskReadBytesPerSecond: mega, hub.DiskWriteBytesPerSecond: 2 * mega,
		hub.NetworkRxBytes: 330_000, hub.NetworkTxBytes: 440_000, hub.NetworkRxBytesPerSecond: 3000, hub.NetworkTxBytesPerSecond: 4000,
		hub.OOMKills: 2, hub.PIDs: 12,
		hub.PressureCPUSome: 0.1, hub.PressureMemorySome: 0.02, hub.PressureMemoryFull: 0.01, hub.PressureIOSome: 0.04, hub.PressureIOFull: 0.03,
	})
	group := values{
		hub.CPUMillicores: 300, hub.CPUThrottledRatio: 0.25,
		hub.MemoryBytes: 60 * mega, hub.MemoryRSSBytes: 10 * mega, hub.MemoryCacheBytes: 20 * mega, hub.MemorySwapBytes: 0,
		hub.DiskReadBytes: 110_000, hub.DiskWriteBytes: 220_000, hub.DiskReadBytesPerSecond: 1000, hub.DiskWriteBytesPerSecond: 2000,
		hub.NetworkRxBytes: 11_000, hub.NetworkTxBytes: 22_000, hub.NetworkRxBytesPerSecond: 100, hub.NetworkTxBytesPerSecond: 200,
		hub.OOMKills: 1, hub.PIDs: 4,
		hub.PressureCPUSome: 0.1, hub.PressureMemorySome: 0.02, hub.PressureMemoryFull: 0.01, hub.PressureIOSome: 0.04, hub.PressureIOFull: 0.03,
	}
	check(t, "pod", r.Pods[0].Usage, 10, group)
	for m := hub.NetworkRxBytes; m <= hub.NetworkTxBytesPerSecond; m++ {
		delete(group, m)
	}
	group[hub.MemoryBytes], group[hub.PIDs] = 55*mega, 3
	check(t, "container", r.Pods[0].Containers[0].Usage, 10, group)
	group[hub.MemoryBytes], group[hub.PIDs] = 50*mega, 7
	check(t, "slice", r.System[1].Usage, 10, group)
}

func TestBetweenDevicesAndProcesses(t *testing.T) {
	r := between(t, nodeAt(100), nodeAt(110))
	wantDisks := []hub.DiskReading{{
		Device: "8:0", Name: "sda", ReadBytes: 110 * mega, WriteBytes: 220 * mega,
		ReadBytesPerSecond: new(float64(mega)), WriteBytesPerSecond: new(float64(2 * mega)),
		ReadOpsPerSecond: new(1.0), WriteOpsPerSecond: new(2.0), BusyRatio: new(0.25),
	}}
	if diff := cmp.Diff(wantDisks, r.Host.Disks); diff != "" {
		t.Errorf("disks (-want +got):\n%s", diff)
	}
	wantNetwork := []hub.InterfaceReading{{
		Interface: "eth0", RxBytes: 330_000, TxBytes: 440_000, RxBytesPerSecond: new(3000.0), TxBytesPerSecond: new(4000.0),
	}}
	if diff := cmp.Diff(wantNetwork, r.Host.Network); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	wantProcesses := []hub.ProcessReading{{PID: 1, Name: "init", CPUMillicores: new(1.0), MemoryBytes: 9, Threads: 1}}
	if diff := cmp.Diff(wantProcesses, r.Processes); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
}

// rates are the metrics that need two samples.
func rates() []hub.Metric {
	return []hub.Metric{
		hub.CPUMillicores, hub.CPUThrottledRatio,
		hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond, hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond,
		hub.PressureCPUSome, hub.PressureMemorySome, hub.PressureMemoryFull, hub.PressureIOSome, hub.PressureIOFull,
	}
}

// TestBetweenPod has a row for each way in which a pod, or what is known of
// it, changes between two samples.
func TestBetweenPod(t *testing.T) {
	type pods = func(prev, cur *snapshot.Pod)
	disk := []hub.Metric{hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond}
	network := []hub.Metric{hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond}
	allNetwork := append(network, hub.NetworkRxBytes, hub.NetworkTxBytes)
	tests := []struct {
		name    string
		change  pods
		unknown []hub.Metric
		at      hub.Metric // whose reason is looked at
		reason  string
		value   float64 // of at, if it is known
	}{
		{"first seen", func(prev, _ *snapshot.Pod) { prev.UID = "other" },
			rates(), hub.CPUMillicores, "first sample: a rate needs two", 0},
		{"control group made anew", func(_, cur *snapshot.Pod) { cur.CgroupID++ },
			[]hub.Metric{hub.CPUMillicores, hub.CPUThrottledRatio, disk[0], disk[1],
				hub.PressureCPUSome, hub.PressureMemorySome, hub.PressureMemoryFull, hub.PressureIOSome, hub.PressureIOFull},
			hub.PressureIOFull, "first sample: a rate needs two", 0},
		{"network namespace made anew", func(_, cur *snapshot.Pod) { cur.NetworkID++; cur.Network[0].RxBytes = 5 },
			network, network[0], "first sample: a rate needs two", 0},
		{"CPU counter fell", func(_, cur *snapshot.Pod) { cur.CPU.UsageMicros = 1 },
			[]hub.Metric{hub.CPUMillicores}, hub.CPUMillicores, "the counter fell: a rate needs two samples of one count", 0},
		{"CPU counter jumped", func(_, cur *snapshot.Pod) { cur.CPU.UsageMicros = math.MaxUint64 },
			[]hub.Metric{hub.CPUMillicores}, hub.CPUMillicores, "the counter grew by more than the machine can do", 0},
		{"network counter jumped", func(_, cur *snapshot.Pod) { cur.Network[0].TxBytes = math.MaxUint64 },
			[]hub.Metric{hub.NetworkTxBytesPerSecond}, hub.NetworkTxBytesPerSecond, "the counter grew by more than the machine can do", 0},
		{"CPU a little above the node's", func(prev, cur *snapshot.Pod) { cur.CPU.UsageMicros = prev.CPU.UsageMicros + 20_100_000 },
			nil, hub.CPUMillicores, "", 2000},
		{"no CPU limit", func(_, cur *snapshot.Pod) { cur.CPU.LimitMillicores = nil },
			[]hub.Metric{hub.CPUThrottledRatio}, hub.CPUThrottledRatio, "its control group has no CPU limit", 0},
		{"idle under a CPU limit", func(prev, cur *snapshot.Pod) {
			cur.CPU.Periods, cur.CPU.ThrottledPeriods = prev.CPU.Periods, prev.CPU.ThrottledPeriods
		},
			[]hub.Metric{hub.CPUThrottledRatio}, hub.CPUThrottledRatio, "idle: no period of the CPU limit has passed", 0},
		{"no cpu controller", func(_, cur *snapshot.Pod) { cur.CPU.Periods = nil },
			[]hub.Metric{hub.CPUThrottledRatio}, hub.CPUThrottledRatio, "the cpu controller is not enabled in this control group", 0},
		{"no CPU time", func(_, cur *snapshot.Pod) { cur.CPU = nil },
			[]hub.Metric{hub.CPUMillicores, hub.CPUThrottledRatio}, hub.CPUMillicores, "the kernel reports no CPU time here", 0},
		{"no memory", func(_, cur *snapshot.Pod) { cur.Memory = nil },
			[]hub.Metric{hub.MemoryBytes, hub.MemoryRSSBytes, hub.MemoryCacheBytes, hub.MemorySwapBytes, hub.OOMKills},
			hub.MemoryBytes, "the memory controller is not enabled in this control group", 0},
		{"no swap accounting", func(_, cur *snapshot.Pod) { cur.Memory.SwapBytes = nil },
			[]hub.Metric{hub.MemorySwapBytes}, hub.MemorySwapBytes, "swap accounting is off", 0},
		{"no pids", func(_, cur *snapshot.Pod) { cur.PIDs = nil },
			[]hub.Metric{hub.PIDs}, hub.PIDs, "the pids controller is not enabled in this control group", 0},
		{"no io", func(_, cur *snapshot.Pod) { cur.IO = nil },
			append(disk, hub.DiskReadBytes, hub.DiskWriteBytes), hub.DiskReadBytes, "the io controller is not enabled in this control group", 0},
		{"io is new", func(prev, _ *snapshot.Pod) { prev.IO = nil },
			disk, disk[0], "first sample: a rate needs two", 0},
		{"first use of any device", func(prev, _ *snapshot.Pod) { prev.IO = []snapshot.DeviceIO{} },
			nil, hub.DiskReadBytesPerSecond, "", 11_000},
		{"device new to the agent", func(_, cur *snapshot.Pod) {
			cur.IO = append(cur.IO, snapshot.DeviceIO{Device: "8:16", ReadBytes: 500})
		}, nil, hub.DiskReadBytesPerSecond, "", 1000},
		{"only a device new to the agent", func(_, cur *snapshot.Pod) { cur.IO[0].Device = "8:16" },
			disk, disk[0], "first sample: a rate needs two", 0},
		{"device gone", func(prev, _ *snapshot.Pod) {
			prev.IO = append(prev.IO, snapshot.DeviceIO{Device: "8:16", ReadBytes: 1 << 40})
		}, nil, hub.DiskReadBytesPerSecond, "", 1000},
		{"host network", func(_, cur *snapshot.Pod) { cur.HostNetwork, cur.Network = true, nil },
			allNetwork, hub.NetworkRxBytes, "host network: its traffic is counted on the node", 0},
		{"no live process", func(_, cur *snapshot.Pod) { cur.NetworkID, cur.Network = 0, nil },
			allNetwork, hub.NetworkRxBytes, "no live process through which the network could be read", 0},
		{"network unread", func(_, cur *snapshot.Pod) { cur.Network = nil },
			allNetwork, hub.NetworkRxBytes, "the network counters could not be read", 0},
		{"second interface", func(_, cur *snapshot.Pod) {
			cur.Network = append(cur.Network, snapshot.Interface{Interface: "net1", RxBytes: 1 << 40})
		}, nil, hub.NetworkRxBytesPerSecond, "", 100},
		{"no PSI in one group", func(_, cur *snapshot.Pod) { cur.Pressure = nil },
			[]hub.Metric{hub.PressureCPUSome, hub.PressureMemorySome, hub.PressureMemoryFull, hub.PressureIOSome, hub.PressureIOFull},
			hub.PressureCPUSome, "the kernel reports no pressure here", 0},
		{"no memory pressure", func(_, cur *snapshot.Pod) { cur.Pressure.Memory = nil },
			[]hub.Metric{hub.PressureMemorySome, hub.PressureMemoryFull}, hub.PressureMemoryFull, "the kernel reports no pressure here", 0},
		{"stalled for longer than the time", func(_, cur *snapshot.Pod) { cur.Pressure.CPU.SomeMicros += 10e6 },
			nil, hub.PressureCPUSome, "", 1},
		{"stalled total jumped", func(_, cur *snapshot.Pod) { cur.Pressure.CPU.SomeMicros += 100e6 },
			[]hub.Metric{hub.PressureCPUSome}, hub.PressureCPUSome, "the counter grew by more than the machine can do", 0},
		{"throttled in more periods than there were", func(_, cur *snapshot.Pod) { *cur.CPU.ThrottledPeriods += 1000 },
			[]hub.Metric{hub.CPUThrottledRatio}, hub.CPUThrottledRatio, "the counter grew by more than the machine can do", 0},
		{"counters close to their end", func(prev, cur *snapshot.Pod) {
			prev.CPU.UsageMicros, cur.CPU.UsageMicros = math.MaxUint64-3_000_000, math.MaxUint64
		}, nil, hub.CPUMillicores, "", 300},
		{"counter past its end", func(prev, cur *snapshot.Pod) {
			prev.CPU.UsageMicros, cur.CPU.UsageMicros = math.MaxUint64-1_000_000, 2_000_000
		}, []hub.Metric{hub.CPUMillicores}, hub.CPUMillicores, "the counter fell: a rate needs two samples of one count", 0},
		{"container made anew", func(_, cur *snapshot.Pod) {
			cur.Containers[0].ID, cur.Containers[0].CgroupID = "c2", 12
		}, nil, hub.CPUMillicores, "", 300},
		{"interface gone", func(prev, _ *snapshot.Pod) {
			prev.Network = append(prev.Network, snapshot.Interface{Interface: "net1", RxBytes: 1 << 40})
		}, nil, hub.NetworkRxBytesPerSecond, "", 100},
		{"another interface", func(_, cur *snapshot.Pod) { cur.Network[0].Interface = "net1" },
			network, network[0], "first sample: a rate needs two", 0},
		{"no OOM kills counted", func(_, cur *snapshot.Pod) { cur.Memory.OOMKills = nil },
			[]hub.Metric{hub.OOMKills}, hub.OOMKills, "the kernel reports no OOM kills here", 0},
		{"OOM kill of a container that is gone", func(_, cur *snapshot.Pod) {
			cur.Memory.OOMKills = new(uint64(2))
			cur.Containers[0].ID, cur.Containers[0].CgroupID, cur.Containers[0].Memory.OOMKills = "c2", 12, new(uint64(0))
		}, nil, hub.OOMKills, "", 2},
		{"periods are new", func(prev, _ *snapshot.Pod) { prev.CPU.Periods = nil },
			[]hub.Metric{hub.CPUThrottledRatio}, hub.CPUThrottledRatio, "first sample: a rate needs two", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prev, cur := nodeAt(100), nodeAt(110)
			tt.change(&prev.Pods[0], &cur.Pods[0])
			u := between(t, prev, cur).Pods[0].Usage
			checkReasons(t, "pod", u)
			unknown := map[hub.Metric]bool{}
			for m := range hub.MetricCount {
				if !u.Values.Known(m) {
					unknown[m] = true
				}
			}
			want := map[hub.Metric]bool{}
			for _, m := range tt.unknown {
				want[m] = true
			}
			if diff := cmp.Diff(want, unknown); diff != "" {
				t.Errorf("unknown metrics (-want +got):\n%s", diff)
			}
			if reason := u.Unavailable[tt.at.String()] + u.Unavailable[groupOf(tt.at)]; reason != tt.reason {
				t.Errorf("reason for %v = %q, want %q", tt.at, reason, tt.reason)
			}
			if tt.reason == "" && math.Abs(u.Values[tt.at]-tt.value) > 1e-6 {
				t.Errorf("%v = %v, want %v", tt.at, u.Values[tt.at], tt.value)
			}
		})
	}
}

func TestBetweenContainerOutsidePods(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	// The runtime moved the container's group: same ID, same inode.
	prev.Containers, prev.Pods[0].Containers = prev.Pods[0].Containers, nil
	r := between(t, prev, cur)
	if got := r.Pods[0].Containers[0].Usage.Values[hub.CPUMillicores]; got != 300 {
		t.Errorf("CPU = %v millicores, want 300", got)
	}
}

// usages returns every Usage of the reading by name.
func usages(r *hub.Reading) map[string]hub.Usage {
	all := map[string]hub.Usage{"host": r.Host.Usage}
	for _, s := range r.System {
		all["slice "+s.Cgroup] = s.Usage
	}
	for _, p := range r.Pods {
		all["pod "+p.UID] = p.Usage
		for _, c := range p.Containers {
			all["container "+c.ID] = c.Usage
		}
	}
	return all
}
