package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A group is what a control group counts.
type group struct {
	cpu      snapshot.CPU
	memory   snapshot.Memory
	io       snapshot.DeviceIO
	network  snapshot.Interface
	pids     snapshot.PIDs
	pressure *snapshot.Pressure
}

func newGroup() *group {
	return &group{
		cpu:    snapshot.CPU{Periods: new(uint64(0)), ThrottledPeriods: new(uint64(0)), ThrottledMicros: new(uint64(0))},
		memory: snapshot.Memory{SwapBytes: new(uint64(0)), PeakBytes: new(uint64(0)), OOMKills: new(uint64(0))},
		io:     snapshot.DeviceIO{Device: "259:0"}, network: snapshot.Interface{Interface: "eth0"}, pressure: pressure(0, 0, 0),
	}
}

func pressure(cpu, memory, io uint64) *snapshot.Pressure {
	stall := func(some uint64) *snapshot.Stall {
		return &snapshot.Stall{SomeMicros: some, FullMicros: new(some * 6 / 10)}
	}
	return &snapshot.Pressure{CPU: stall(cpu), Memory: stall(memory), IO: stall(io)}
}

// setMemory takes the working set and the file cache besides it.
func (g *group) setMemory(workingSet, inactiveFile float64) {
	used, cache := uint64(workingSet), uint64(inactiveFile)
	active := used / 12
	g.memory.CurrentBytes, g.memory.WorkingSetBytes = used+cache, used
	g.memory.AnonBytes, g.memory.FileBytes, g.memory.InactiveFileBytes = used-active, active+cache, cache
	*g.memory.PeakBytes = max(*g.memory.PeakBytes, used+cache)
}

func (g *group) clone() *group {
	c := newGroup()
	c.add(g)
	return c
}

// add counts another group with this one.
func (g *group) add(of *group) {
	g.cpu.UsageMicros += of.cpu.UsageMicros
	g.cpu.UserMicros += of.cpu.UserMicros
	g.cpu.SystemMicros += of.cpu.SystemMicros
	*g.cpu.Periods += *of.cpu.Periods
	*g.cpu.ThrottledPeriods += *of.cpu.ThrottledPeriods
	*g.cpu.ThrottledMicros += *of.cpu.ThrottledMicros
	g.memory.CurrentBytes += of.memory.CurrentBytes
	g.memory.WorkingSetBytes += of.memory.WorkingSetBytes
	g.memory.AnonBytes += of.memory.AnonBytes
	g.memory.FileBytes += of.memory.FileBytes
	g.memory.InactiveFileBytes += of.memory.InactiveFileBytes
	*g.memory.PeakBytes += *of.memory.PeakBytes
	*g.memory.OOMKills += *of.memory.OOMKills
	g.io.ReadBytes += of.io.ReadBytes
	g.io.WrittenBytes += of.io.WrittenBytes
	g.io.ReadOps += of.io.ReadOps
	g.io.WriteOps += of.io.WriteOps
	g.network.RxBytes += of.network.RxBytes
	g.network.TxBytes += of.network.TxBytes
	g.pids.Current += of.pids.Current
	g.pressure = pressure(
		g.pressure.CPU.SomeMicros+of.pressure.CPU.SomeMicros,
		g.pressure.Memory.SomeMicros+of.pressure.Memory.SomeMicros,
		g.pressure.IO.SomeMicros+of.pressure.IO.SomeMicros)
}

// addPod counts a pod. Pods wait at the same time, so a node is stalled for less
// than they are together.
func (g *group) addPod(p *snapshot.Pod) {
	of := &group{cpu: *p.CPU, memory: *p.Memory, io: p.IO[0], pids: *p.PIDs}
	of.pressure = pressure(p.Pressure.CPU.SomeMicros/4, p.Pressure.Memory.SomeMicros/4, p.Pressure.IO.SomeMicros/4)
	if len(p.Network) > 0 {
		of.network = p.Network[0]
	}
	g.add(of)
}

// at is the pod's reading. It counts what its containers ever did, and its
// sandbox. As in Kubernetes it has a CPU limit if all of its containers have one.
func (p *pod) at(now time.Time, on *node) snapshot.Pod {
	up := now.Sub(on.booted)
	r := snapshot.Pod{
		UID: p.uid, Namespace: p.of.namespace, Name: p.name, QOSClass: "Burstable", Cgroup: "kubepods.slice/pod" + p.uid,
		CgroupID: 1000 + p.seed>>12, HostNetwork: p.of.hostNetwork,
	}
	all := newGroup()
	all.cpu.UsageMicros, all.pids.Current = 30_000, 1
	limit := int64(0)
	for _, c := range p.running {
		limit += c.limitCPU
		life, age := c.life(now, on.since), up
		if c.leaks {
			age = now.Sub(life.began)
		}
		one := c.group(up, age)
		whole := c.group(up, up) // what earlier ones did counts for the pod as well
		whole.memory = one.memory
		whole.memory.OOMKills = &life.kills
		all.add(whole)
		r.Containers = append(r.Containers, snapshot.Container{
			ID: c.id(life), Name: c.name, CgroupID: 2000 + c.seed>>12 + life.kills,
			CPU: &one.cpu, Memory: &one.memory, IO: []snapshot.DeviceIO{one.io}, PIDs: &one.pids, Pressure: one.pressure,
		})
	}
	if !slices.ContainsFunc(p.running, func(c running) bool { return c.limitCPU == 0 }) {
		all.cpu.LimitMillicores = new(float64(limit))
	}
	r.CPU, r.Memory, r.IO, r.PIDs, r.Pressure = &all.cpu, &all.memory, []snapshot.DeviceIO{all.io}, &all.pids, all.pressure
	if !p.of.hostNetwork {
		r.NetworkID = 4026531840 + p.seed>>20
		r.Network = []snapshot.Interface{all.network}
	}
	return r
}

// A life is one of a container's, between two kills.
type life struct {
	kills uint64    // before it
	began time.Time // with the last
}

// A container that leaks is killed each lifetime, the last time lastKill before
// the demo began.
const (
	lifetime = 21 * time.Minute
	lastKill = 6 * time.Minute
)

func (c *running) life(now, since time.Time) life {
	if !c.leaks {
		return life{}
	}
	const before = 4 // kills up to the last one before the demo
	ago := now.Sub(since.Add(-lastKill)) + before*lifetime
	kills := max(ago/lifetime, 0)
	return life{kills: uint64(kills), began: since.Add(-lastKill).Add((kills - before) * lifetime)}
}

func (c *running) id(l life) string { return fmt.Sprintf("%016x%048x", c.seed, l.kills) }

// group is what the container counts that began to run so long ago, on a node
// that is up for so long.
func (c *running) group(up, age time.Duration) *group {
	g := newGroup()
	since := func(w *wave) uint64 { return w.count(up) - w.count(up-age) }
	g.cpu.UsageMicros = since(c.cpuTime)
	g.cpu.UserMicros, g.cpu.SystemMicros = g.cpu.UsageMicros*3/4, g.cpu.UsageMicros/4
	if c.limitCPU > 0 {
		g.cpu.LimitMillicores = new(float64(c.limitCPU))
		*g.cpu.Periods = uint64(age.Seconds() * 10)
		*g.cpu.ThrottledPeriods = since(c.throttled)
		*g.cpu.ThrottledMicros = *g.cpu.ThrottledPeriods * 40_000
	}
	used := c.memoryUse.level(up)
	if c.leaks {
		used = float64(c.limitMemory) * mebibyte * min(0.34+0.64*age.Seconds()/lifetime.Seconds(), 1)
	}
	g.setMemory(used, used/9)
	if c.limitMemory > 0 {
		g.memory.LimitBytes = new(uint64(c.limitMemory * mebibyte))
	}
	g.io.ReadBytes, g.io.WrittenBytes = since(c.reads), since(c.writes)
	g.io.ReadOps, g.io.WriteOps = g.io.ReadBytes/8192, g.io.WrittenBytes/8192
	g.network.RxBytes, g.network.TxBytes = since(c.receives), since(c.sends)
	g.pids.Current = 4 + c.seed%23
	g.pressure = pressure(since(c.cpuStall), since(c.memoryStall), since(c.ioStall))
	return g
}
