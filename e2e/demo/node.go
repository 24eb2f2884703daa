package demo

import (
	"fmt"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A node is a machine with its pods.
type node struct {
	machine
	booted time.Time
	// since is when the demo began; what is told of happened before it.
	since time.Time
	pods  []*pod
	own   *wave // CPU time of what runs beside pods
}

// At is the node's snapshot at a moment.
func (n *node) At(now time.Time) *snapshot.Snapshot {
	up := now.Sub(n.booted)
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: n.name, BootID: fmt.Sprintf("5e1f0000-0000-4000-8000-%012x", seedOf(n.name)&0xffffffffffff),
		Time: now.UTC(), BootNanos: up.Nanoseconds(), Agent: n.agent(),
		Slices: []snapshot.Slice{}, Containers: []snapshot.Container{}, Processes: []snapshot.Process{}, Warnings: []snapshot.Warning{},
	}
	all := newGroup()
	if !n.hybrid {
		for _, p := range n.pods {
			reading := p.at(now, n)
			s.Pods = append(s.Pods, reading)
			all.addPod(&reading)
		}
	}
	system := n.system(up)
	s.Slices = n.slices(all, system)
	s.Processes = n.processes(up)
	all.add(system)
	s.Host = n.host(all, up)
	n.forget(s)
	return s
}

func (n *node) agent() snapshot.Agent {
	a := snapshot.Agent{Version: "0.1.0", Cgroup: snapshot.Cgroup{
		Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "io", "memory", "pids"}, PSI: !n.noPressure,
	}}
	if n.hybrid {
		a.Cgroup.Mode, a.Cgroup.Controllers = snapshot.ModeHybrid, nil
	}
	return a
}

// forget takes out what the node's kernel does not say.
func (n *node) forget(s *snapshot.Snapshot) {
	if !n.noPressure && !n.hybrid {
		return
	}
	s.Host.Pressure = nil
	for i := range s.Slices {
		s.Slices[i].Pressure = nil
	}
	for i := range s.Pods {
		s.Pods[i].Pressure = nil
		for j := range s.Pods[i].Containers {
			s.Pods[i].Containers[j].Pressure = nil
		}
	}
	s.Warnings = append(s.Warnings, snapshot.Warning{Source: "pressure", Reason: "PSI is not enabled in this kernel"})
}

// system is what runs beside pods.
func (n *node) system(up time.Duration) *group {
	g := newGroup()
	g.cpu.UsageMicros = n.own.count(up)
	g.cpu.UserMicros, g.cpu.SystemMicros = g.cpu.UsageMicros*6/10, g.cpu.UsageMicros*4/10
	g.setMemory(0.028*float64(n.memory)*(0.97+0.03*n.own.level(up)/n.own.base), 0.018*float64(n.memory))
	g.io = snapshot.DeviceIO{Device: "259:0", ReadBytes: g.cpu.UsageMicros / 40, WrittenBytes: g.cpu.UsageMicros * 2, ReadOps: 9000, WriteOps: g.cpu.UsageMicros / 9000}
	g.pids.Current = 180
	g.pressure = pressure(g.cpu.UsageMicros/90, 0, g.cpu.UsageMicros/120)
	return g
}

func (n *node) slices(pods, system *group) []snapshot.Slice {
	slice := func(name string, id uint64, g *group) snapshot.Slice {
		return snapshot.Slice{Cgroup: name, CgroupID: id, CPU: &g.cpu, Memory: &g.memory, IO: []snapshot.DeviceIO{g.io}, PIDs: &g.pids, Pressure: g.pressure}
	}
	user, first := newGroup(), newGroup()
	user.setMemory(28*mebibyte, 12*mebibyte)
	first.setMemory(9*mebibyte, 4*mebibyte)
	list := []snapshot.Slice{slice("system.slice", 3, system), slice("user.slice", 4, user), slice("init.scope", 5, first)}
	if !n.hybrid {
		list = append(list, slice("kubepods.slice", 2, pods.clone()))
	}
	return list
}

func (n *node) processes(up time.Duration) []snapshot.Process {
	all := n.own.count(up)
	process := func(pid int, name string, tenths uint64, rss uint64, threads int) snapshot.Process {
		return snapshot.Process{PID: pid, PPID: 1, Name: name, CPUMicros: all * tenths / 10, RSSBytes: rss * mebibyte, Threads: threads, StartTicks: uint64(pid), Cgroup: "system.slice/" + name + ".service"}
	}
	return []snapshot.Process{
		process(812, "kubelet", 5, 118, 21), process(640, "containerd", 3, 84, 34), process(402, "systemd-journald", 1, 46, 1),
		process(1, "systemd", 0, 13, 1), process(733, "sshd", 0, 9, 1), process(455, "chronyd", 0, 4, 1),
	}
}

func (n *node) host(all *group, up time.Duration) snapshot.Host {
	total, used := n.memory, all.memory.WorkingSetBytes
	h := snapshot.Host{
		CPU: n.cpu(all, up),
		Memory: snapshot.HostMemory{
			TotalBytes: &total, AvailableBytes: new(total - min(used, total)), WorkingSetBytes: &used, AnonBytes: &all.memory.AnonBytes, FileBytes: &all.memory.FileBytes,
			SwapTotalBytes: new(uint64(0)), SwapFreeBytes: new(uint64(0)),
		},
		Load: n.load(up), Pressure: all.pressure,
		Disks: []snapshot.Disk{{
			Device: "259:0", Name: "nvme0n1", ReadBytes: all.io.ReadBytes, WrittenBytes: all.io.WrittenBytes, ReadOps: all.io.ReadOps, WriteOps: all.io.WriteOps,
			BusyMicros: (all.io.ReadBytes + all.io.WrittenBytes) / 90,
		}},
		Network: []snapshot.Interface{{Interface: "eth0", RxBytes: all.network.RxBytes + 1, RxPackets: all.network.RxBytes / 900, TxBytes: all.network.TxBytes + 1, TxPackets: all.network.TxBytes / 900, RxDropped: 12}},
	}
	h.Filesystems = n.filesystems()
	return h
}

// cpu is what the processors did: the groups' time, what other guests of the
// hypervisor took, and the rest, a part of which some task waited for the disk.
func (n *node) cpu(all *group, up time.Duration) snapshot.HostCPU {
	steal, irq, iowait := n.own.count(up)/8, all.cpu.SystemMicros/6, all.pressure.IO.SomeMicros*4
	return snapshot.HostCPU{
		Count: n.cores, UsageMicros: &all.cpu.UsageMicros, UserMicros: &all.cpu.UserMicros, SystemMicros: &all.cpu.SystemMicros,
		IOWaitMicros: &iowait, StealMicros: &steal,
		Modes: &snapshot.CPUModes{
			UserMicros: all.cpu.UserMicros, SystemMicros: all.cpu.SystemMicros - irq, IRQMicros: irq / 9, SoftIRQMicros: irq - irq/9,
			StealMicros: steal, IOWaitMicros: iowait, IdleMicros: uint64(n.cores)*uint64(up.Microseconds()) - all.cpu.UsageMicros - steal - iowait,
		},
	}
}

func (n *node) load(up time.Duration) []float64 {
	one := n.own.level(up) / n.own.base * float64(n.cores) * 0.4
	return []float64{one, one * 0.95, one * 0.9}
}

func (n *node) filesystems() []snapshot.Filesystem {
	available := uint64(61 * gibibyte)
	if n.nearlyFull {
		available = 12 * gibibyte
	}
	return []snapshot.Filesystem{
		{Mount: "/", TotalBytes: 40 * gibibyte, AvailableBytes: 27 * gibibyte, TotalInodes: 2_600_000, FreeInodes: 2_310_000},
		{Mount: "/var/lib/containerd", TotalBytes: 120 * gibibyte, AvailableBytes: available, TotalInodes: 7_800_000, FreeInodes: 6_900_000},
	}
}
