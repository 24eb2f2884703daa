package delta_test

import (
	"testing"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// bear adds a pod of one container to the node, which has counted since its
// birth two seconds before the snapshot.
func bear(s *snapshot.Snapshot) *snapshot.Pod {
	p := nodeAt(2).Pods[0]
	p.UID, p.CgroupID, p.NetworkID = "uid-new", 20, 78
	p.Containers[0].ID, p.Containers[0].CgroupID = "c-new", 21
	s.Pods = append(s.Pods, p)
	return &s.Pods[len(s.Pods)-1]
}

func TestBetweenNewborn(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	bear(cur)
	pod := between(t, prev, cur).Pods[1]
	want := values{
		hub.CPUMillicores: 60, hub.CPUThrottledRatio: 0.25,
		hub.MemoryBytes: 60 * mega, hub.MemoryRSSBytes: 10 * mega, hub.MemoryCacheBytes: 20 * mega, hub.MemorySwapBytes: 0,
		hub.DiskReadBytes: 2000, hub.DiskWriteBytes: 4000, hub.DiskReadBytesPerSecond: 200, hub.DiskWriteBytesPerSecond: 400,
		hub.NetworkRxBytes: 200, hub.NetworkTxBytes: 400, hub.OOMKills: 1, hub.PIDs: 4,
		hub.PressureCPUSome: 0.02, hub.PressureMemorySome: 0.004, hub.PressureMemoryFull: 0.002, hub.PressureIOSome: 0.008, hub.PressureIOFull: 0.006,
	}
	check(t, "pod", pod.Usage, 10, want)
	delete(want, hub.NetworkRxBytes)
	delete(want, hub.NetworkTxBytes)
	want[hub.MemoryBytes], want[hub.PIDs] = 55*mega, 3
	check(t, "container", pod.Containers[0].Usage, 10, want)
}

// TestBetweenNewbornOrNot has a row for each thing that makes it doubtful that
// a pod was made between the two snapshots.
func TestBetweenNewbornOrNot(t *testing.T) {
	tests := []struct {
		name   string
		change func(prev, cur *snapshot.Snapshot, newborn *snapshot.Pod)
		born   bool
	}{
		{"after missed rounds", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { *prev = *nodeAt(50) }, true},
		{"no io controller", func(_, _ *snapshot.Snapshot, p *snapshot.Pod) { p.IO = nil }, true},
		{"a warning of something else", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) {
			prev.Warnings = []snapshot.Warning{{Source: "network"}}
		}, true},
		{"groups are left out now", func(_, cur *snapshot.Snapshot, _ *snapshot.Pod) {
			cur.Warnings = []snapshot.Warning{{Source: "cgroup"}}
		}, true},
		{"groups were left out", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) {
			prev.Warnings = []snapshot.Warning{{Source: "cgroup"}}
		}, false},
		{"changes were not told", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) {
			prev.Warnings = []snapshot.Warning{{Source: "watch"}}
		}, false},
		{"the groups were hybrid", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { prev.Agent.Cgroup.Mode = snapshot.ModeHybrid }, false},
		{"another version of the agent", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { prev.Agent.Version = "0" }, false},
		{"another boot", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { prev.BootID = "boot0" }, false},
		{"no groups before", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { prev.Pods, prev.Slices = nil, nil }, false},
		{"an inode that was unknown", func(prev, _ *snapshot.Snapshot, _ *snapshot.Pod) { prev.Pods[0].CgroupID = 0 }, false},
		{"an inode that is unknown", func(_, _ *snapshot.Snapshot, p *snapshot.Pod) { p.CgroupID = 0 }, false},
		{"an inode that another pod had", func(_, _ *snapshot.Snapshot, p *snapshot.Pod) { p.CgroupID = 10 }, false},
		{"an inode that a container had", func(_, _ *snapshot.Snapshot, p *snapshot.Pod) { p.CgroupID = 11 }, false},
		{"a known pod in a new group", func(prev, _ *snapshot.Snapshot, p *snapshot.Pod) { prev.Pods[0].UID = p.UID }, false},
		{"more CPU time than there was", func(_, _ *snapshot.Snapshot, p *snapshot.Pod) { p.CPU.UsageMicros = 22_000_000 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			prev, cur := nodeAt(100), nodeAt(110)
			tt.change(prev, cur, bear(cur))
			u := between(t, prev, cur).Pods[1].Usage
			checkReasons(t, "pod", u)
			for _, m := range []hub.Metric{hub.CPUMillicores, hub.PressureCPUSome} {
				if u.Values.Known(m) != tt.born {
					t.Errorf("%v = %v, known should be %v", m, u.Values[m], tt.born)
				}
			}
			if u.Values.Known(hub.NetworkRxBytesPerSecond) {
				t.Error("a new network namespace has a rate")
			}
		})
	}
}

// TestBetweenNewContainer restarts a pod's container: the new one has used all
// that it counts, and the pod's own numbers go on.
func TestBetweenNewContainer(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	cur.Pods[0].Containers = bear(cur).Containers
	cur.Pods = cur.Pods[:1]
	r := between(t, prev, cur)
	if got := r.Pods[0].Containers[0].Usage.Values[hub.CPUMillicores]; got != 60 {
		t.Errorf("the new container's CPU = %v millicores, want 60", got)
	}
	if got := r.Pods[0].Usage.Values[hub.CPUMillicores]; got != 300 {
		t.Errorf("the pod's CPU = %v millicores, want 300", got)
	}
}

// TestBetweenKnownContainerInNewGroup starts a container again under its ID:
// what it used in the group that is gone is not known.
func TestBetweenKnownContainerInNewGroup(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	cur.Pods[0].Containers = bear(cur).Containers
	cur.Pods[0].Containers[0].ID = "c1"
	cur.Pods = cur.Pods[:1]
	u := between(t, prev, cur).Pods[0].Containers[0].Usage
	if u.Values.Known(hub.CPUMillicores) || u.OverSeconds != 0 {
		t.Errorf("CPU = %v over %v s, want none", u.Values[hub.CPUMillicores], u.OverSeconds)
	}
}

// TestBetweenDeviceOfTheNode uses a device for the first time: the kernel has
// counted it from 0.
func TestBetweenDeviceOfTheNode(t *testing.T) {
	prev, cur := nodeAt(100), nodeAt(110)
	prev.Host.Disks = append(prev.Host.Disks, snapshot.Disk{Device: "8:16"})
	cur.Pods[0].IO = append(cur.Pods[0].IO, snapshot.DeviceIO{Device: "8:16", ReadBytes: 500})
	if got := between(t, prev, cur).Pods[0].Usage.Values[hub.DiskReadBytesPerSecond]; got != 1050 {
		t.Errorf("disk rate = %v, want 1050", got)
	}
}
