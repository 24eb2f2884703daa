package delta_test

import (
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

const (
	mega   = 1 << 20
	second = int64(time.Second)
)

// nodeAt is a node with one pod of one container, seconds after its boot.
// Tests change what they are about.
func nodeAt(seconds int64) *snapshot.Snapshot {
	t := uint64(seconds)
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: "node1", BootID: "boot1", BootNanos: seconds * second,
		Time: time.Unix(seconds, 0),
		Agent: snapshot.Agent{Version: "1", Cgroup: snapshot.Cgroup{
			Mode: snapshot.ModeUnified, PSI: true, Controllers: []string{"cpu", "io", "memory", "pids"},
		}},
		Host: snapshot.Host{
			CPU: snapshot.HostCPU{Count: 2, UsageMicros: new(t * 500_000), Modes: modesAt(t)},
			Memory: snapshot.HostMemory{
				TotalBytes: new(uint64(1000 * mega)), WorkingSetBytes: new(uint64(400 * mega)),
				AnonBytes: new(uint64(300 * mega)), FileBytes: new(uint64(200 * mega)),
				SwapTotalBytes: new(uint64(50 * mega)), SwapFreeBytes: new(uint64(20 * mega)),
			},
			Pressure: pressureAt(t),
			Disks:    []snapshot.Disk{{Device: "8:0", Name: "sda", ReadBytes: t * mega, WrittenBytes: 2 * t * mega, ReadOps: t, WriteOps: 2 * t, BusyMicros: t * 250_000}},
			Network:  []snapshot.Interface{{Interface: "eth0", RxBytes: t * 3000, TxBytes: t * 4000}},
		},
		Slices: []snapshot.Slice{
			{Cgroup: "kubepods", CgroupID: 1, CPU: cpuAt(t), Memory: memory(100), IO: ioAt(t), PIDs: &snapshot.PIDs{Current: 5}, Pressure: pressureAt(t)},
			{Cgroup: "system.slice", CgroupID: 2, CPU: cpuAt(t), Memory: memory(50), IO: ioAt(t), PIDs: &snapshot.PIDs{Current: 7}, Pressure: pressureAt(t)},
		},
		Pods: []snapshot.Pod{{
			UID: "uid-web", Namespace: "shop", Name: "web", QOSClass: "Burstable", CgroupID: 10,
			CPU: cpuAt(t), Memory: memory(60), IO: ioAt(t), PIDs: &snapshot.PIDs{Current: 4}, Pressure: pressureAt(t),
			NetworkID: 77, Network: []snapshot.Interface{{Interface: "eth0", RxBytes: t * 100, TxBytes: t * 200}},
			Containers: []snapshot.Container{{
				ID: "c1", Name: "web", CgroupID: 11,
				CPU: cpuAt(t), Memory: memory(55), IO: ioAt(t), PIDs: &snapshot.PIDs{Current: 3}, Pressure: pressureAt(t),
			}},
		}},
		Processes: []snapshot.Process{{PID: 1, Name: "init", CPUMicros: t * 1000, RSSBytes: 9, Threads: 1, StartTicks: 3}},
	}
}

// modesAt is how two processors spend their time that use 0.5 of one.
func modesAt(t uint64) *snapshot.CPUModes {
	return &snapshot.CPUModes{
		UserMicros: t * 200_000, NiceMicros: t * 50_000, SystemMicros: t * 100_000, IRQMicros: t * 20_000, SoftIRQMicros: t * 30_000,
		StealMicros: t * 100_000, IOWaitMicros: t * 200_000, IdleMicros: t * 1_300_000,
	}
}

// cpuAt uses 0.3 of a processor and is throttled in a quarter of its periods.
func cpuAt(t uint64) *snapshot.CPU {
	return &snapshot.CPU{UsageMicros: t * 300_000, Periods: new(t * 8), ThrottledPeriods: new(t * 2), LimitMillicores: new(500.0)}
}

func memory(megabytes uint64) *snapshot.Memory {
	return &snapshot.Memory{
		CurrentBytes: megabytes * mega, WorkingSetBytes: megabytes * mega, AnonBytes: 10 * mega, FileBytes: 20 * mega,
		SwapBytes: new(uint64(0)), OOMKills: new(uint64(1)),
	}
}

func ioAt(t uint64) []snapshot.DeviceIO {
	return []snapshot.DeviceIO{{Device: "8:0", ReadBytes: t * 1000, WrittenBytes: t * 2000}}
}

func pressureAt(t uint64) *snapshot.Pressure {
	return &snapshot.Pressure{
		CPU:    &snapshot.Stall{SomeMicros: t * 100_000},
		Memory: &snapshot.Stall{SomeMicros: t * 20_000, FullMicros: new(t * 10_000)},
		IO:     &snapshot.Stall{SomeMicros: t * 40_000, FullMicros: new(t * 30_000)},
	}
}
