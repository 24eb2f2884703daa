package fleet

import (
	"fmt"
	"math"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// What each node runs.
const (
	PodsPerNode      = 30
	ContainersPerPod = 2
	podsPerWorkload  = 10
	podsPerNamespace = 3000
)

const mebibyte = 1 << 20

// A Node is one simulated node.
type Node struct {
	number, of int
	booted     time.Time
}

// nodes returns so many that all booted two hours before now.
func nodes(count int, now time.Time) []Node {
	list := make([]Node, count)
	for i := range list {
		list[i] = Node{number: i, of: count, booted: now.Add(-2 * time.Hour)}
	}
	return list
}

// Name is the node's.
func (n Node) Name() string { return fmt.Sprintf("node-%05d", n.number) }

// A pod is one of the cluster's, told by its number in it.
type pod struct {
	number, of int // of all pods
	node       string
}

// pods are the node's. Their numbers are spread so that a workload's pods run
// on several nodes.
func (n Node) pods() []pod {
	list := make([]pod, PodsPerNode)
	for i := range list {
		list[i] = pod{number: i*n.of + n.number, of: n.of * PodsPerNode, node: n.Name()}
	}
	return list
}

func (p pod) workload() int { return p.number / podsPerWorkload }

func (p pod) namespace() string {
	return fmt.Sprintf("team-%d", p.workload()*podsPerWorkload/podsPerNamespace)
}
func (p pod) deployment() string { return fmt.Sprintf("app-%d", p.workload()) }
func (p pod) replicaSet() string { return p.deployment() + "-5d8f7c9b4" }
func (p pod) name() string       { return fmt.Sprintf("%s-%05d", p.replicaSet(), p.number) }
func (p pod) uid() string        { return fmt.Sprintf("%08x-0000-4000-8000-%012x", p.number, p.number) }

func (p pod) containerID(i int) string { return fmt.Sprintf("%032x%032x", p.number, i) }

// millicores is what container i of the pod uses over a long time. Of a hundred
// containers sixty are idle, thirty-three are medium and seven are busy.
func (p pod) millicores(i int) float64 {
	switch kind := (p.number*ContainersPerPod + i) * 61 % 100; {
	case kind < 60:
		return 0
	case kind < 93:
		return 5 + float64(kind)/10
	default:
		return 150 + float64(kind)
	}
}

// At is the node's snapshot at a moment.
func (n Node) At(now time.Time) *snapshot.Snapshot {
	up := now.Sub(n.booted)
	s := &snapshot.Snapshot{
		Version: snapshot.Version, Node: n.Name(), BootID: "5e1f0000-0000-4000-8000-" + fmt.Sprintf("%012x", n.number),
		Time: now.UTC(), BootNanos: up.Nanoseconds(),
		Agent: snapshot.Agent{Version: "fleet", Cgroup: snapshot.Cgroup{
			Mode: snapshot.ModeUnified, Controllers: []string{"cpu", "io", "memory", "pids"}, PSI: true,
		}},
		Slices: []snapshot.Slice{}, Containers: []snapshot.Container{}, Processes: []snapshot.Process{}, Warnings: []snapshot.Warning{},
	}
	whole := load{millicores: 40, seed: n.number}
	for _, p := range n.pods() {
		reading, used := p.at(up)
		s.Pods = append(s.Pods, reading)
		whole.millicores += used
	}
	s.Host = hostAt(whole, up)
	return s
}

// MillicoresPerNode is what a node uses over a long time, its pods and 40 of
// its own.
func (n Node) MillicoresPerNode() float64 {
	sum := 40.0
	for _, p := range n.pods() {
		sum += p.Millicores()
	}
	return sum
}

// Millicores is what the pod uses over a long time.
func (p pod) Millicores() float64 {
	sum := 0.0
	for i := range ContainersPerPod {
		sum += p.millicores(i)
	}
	return sum
}

// at is the pod's reading, and what it uses over a long time in millicores. As
// on a real node it counts what its containers do, and its sandbox, which does
// nothing.
func (p pod) at(up time.Duration) (snapshot.Pod, float64) {
	whole := load{seed: p.number}
	r := snapshot.Pod{
		UID: p.uid(), QOSClass: "Burstable", CgroupID: uint64(10 + p.number*4), NetworkID: uint64(4026531840 + p.number),
		Cgroup: "kubepods/burstable/pod" + p.uid(),
	}
	r.CPU, r.Memory, r.IO, r.PIDs = sandbox()
	for i := range ContainersPerPod {
		l := load{millicores: p.millicores(i), seed: p.number*ContainersPerPod + i}
		whole.millicores += l.millicores
		c := snapshot.Container{
			ID: p.containerID(i), CgroupID: uint64(11 + p.number*4 + i),
			CPU: l.cpu(up), Memory: l.memory(up), IO: l.io(up), PIDs: l.pids(), Pressure: l.pressure(up),
		}
		addTo(&r, &c)
		r.Containers = append(r.Containers, c)
	}
	r.Pressure = whole.pressure(up)
	r.Network = []snapshot.Interface{whole.network("eth0", up)}
	return r, whole.millicores
}

// sandbox is what a pod counts without its containers.
func sandbox() (*snapshot.CPU, *snapshot.Memory, []snapshot.DeviceIO, *snapshot.PIDs) {
	const pages = 60 * 4096
	return &snapshot.CPU{UsageMicros: 30_000, UserMicros: 10_000, SystemMicros: 20_000, Periods: new(uint64(0)), ThrottledPeriods: new(uint64(0)), ThrottledMicros: new(uint64(0))},
		&snapshot.Memory{CurrentBytes: pages, WorkingSetBytes: pages, AnonBytes: pages / 2, FileBytes: pages / 2, SwapBytes: new(uint64(0)), PeakBytes: new(uint64(pages)), OOMKills: new(uint64(0))},
		[]snapshot.DeviceIO{{Device: "8:0"}}, &snapshot.PIDs{Current: 1}
}

// addTo counts a container for its pod.
func addTo(p *snapshot.Pod, c *snapshot.Container) {
	p.CPU.UsageMicros += c.CPU.UsageMicros
	p.CPU.UserMicros += c.CPU.UserMicros
	p.CPU.SystemMicros += c.CPU.SystemMicros
	*p.CPU.Periods += *c.CPU.Periods
	p.Memory.CurrentBytes += c.Memory.CurrentBytes
	p.Memory.WorkingSetBytes += c.Memory.WorkingSetBytes
	p.Memory.AnonBytes += c.Memory.AnonBytes
	p.Memory.FileBytes += c.Memory.FileBytes
	p.Memory.InactiveFileBytes += c.Memory.InactiveFileBytes
	*p.Memory.PeakBytes += *c.Memory.PeakBytes
	p.PIDs.Current += c.PIDs.Current
	io, of := &p.IO[0], c.IO[0]
	io.ReadBytes += of.ReadBytes
	io.WrittenBytes += of.WrittenBytes
	io.ReadOps += of.ReadOps
	io.WriteOps += of.WriteOps
}

func hostAt(l load, up time.Duration) snapshot.Host {
	cpu, memory := l.cpu(up), l.memory(up)
	network := l.network("eth0", up)
	io := l.io(up)[0]
	return snapshot.Host{
		CPU: snapshot.HostCPU{
			Count: cpus, UsageMicros: &cpu.UsageMicros, UserMicros: &cpu.UserMicros, SystemMicros: &cpu.SystemMicros, Modes: modes(cpu, up),
		},
		Memory: snapshot.HostMemory{
			TotalBytes: new(uint64(32 << 30)), AvailableBytes: new(uint64(32<<30) - memory.CurrentBytes),
			WorkingSetBytes: &memory.WorkingSetBytes, AnonBytes: &memory.AnonBytes, FileBytes: &memory.FileBytes,
		},
		Load: []float64{1, 1, 1}, Pressure: l.pressure(up),
		Disks:   []snapshot.Disk{{Device: "8:0", Name: "sda", ReadBytes: io.ReadBytes, WrittenBytes: io.WrittenBytes, ReadOps: io.ReadOps, WriteOps: io.WriteOps}},
		Network: []snapshot.Interface{network},
	}
}

const cpus = 8

// modes is how the processors spent their time, in whole ticks of 10 ms.
func modes(used *snapshot.CPU, up time.Duration) *snapshot.CPUModes {
	ticks := func(micros uint64) uint64 { return micros - micros%10_000 }
	irq, iowait := used.SystemMicros/5, used.UsageMicros/50
	all := cpus * uint64((up + 10*time.Second).Microseconds()) // as count begins
	return &snapshot.CPUModes{
		UserMicros: ticks(used.UserMicros), SystemMicros: ticks(used.SystemMicros - irq), SoftIRQMicros: ticks(irq),
		IOWaitMicros: ticks(iowait), IdleMicros: ticks(all - used.UsageMicros - iowait),
	}
}

// A load is what one control group does: a steady use of the CPU with swings
// that even out, and traffic in proportion to it.
type load struct {
	millicores float64
	seed       int
}

// swing is how far the group is ahead of its steady use, in seconds of it: less
// than two, and never so much that a counter would fall.
func (l load) swing(up time.Duration) float64 {
	phase := float64(l.seed%97) / 97 * 2 * math.Pi
	return math.Sin(up.Seconds()/7+phase) + 0.9*math.Sin(up.Seconds()/31+2*phase)
}

// count is a counter that grows by perSecond in the long run.
func (l load) count(perSecond float64, up time.Duration) uint64 {
	return uint64(perSecond * (10 + up.Seconds() + l.swing(up)))
}

func (l load) cpu(up time.Duration) *snapshot.CPU {
	used := l.count(l.millicores*1000, up)
	return &snapshot.CPU{
		UsageMicros: used, UserMicros: used - used/4, SystemMicros: used / 4,
		Periods: new(l.count(l.millicores/20, up)), ThrottledPeriods: new(uint64(0)), ThrottledMicros: new(uint64(0)),
	}
}

func (l load) memory(up time.Duration) *snapshot.Memory {
	anon := uint64((20 + float64(l.seed%37)) * mebibyte)
	if l.millicores > 0 {
		anon += uint64((3+l.swing(up))*mebibyte) &^ 4095
	}
	file := uint64(8 * mebibyte)
	return &snapshot.Memory{
		CurrentBytes: anon + 2*file, WorkingSetBytes: anon + file, AnonBytes: anon, FileBytes: 2 * file, InactiveFileBytes: file,
		SwapBytes: new(uint64(0)), PeakBytes: new(anon + 3*file), OOMKills: new(uint64(0)),
	}
}

func (l load) io(up time.Duration) []snapshot.DeviceIO {
	written := l.count(l.millicores*20, up) &^ 4095
	return []snapshot.DeviceIO{{Device: "8:0", ReadBytes: 4 * mebibyte, WrittenBytes: written, ReadOps: 100, WriteOps: written / 4096}}
}

func (l load) network(name string, up time.Duration) snapshot.Interface {
	rx, tx := l.count(l.millicores*500, up), l.count(l.millicores*900, up)
	return snapshot.Interface{Interface: name, RxBytes: rx, RxPackets: rx / 800, TxBytes: tx, TxPackets: tx / 800}
}

func (l load) pids() *snapshot.PIDs { return &snapshot.PIDs{Current: uint64(1 + l.seed%20)} }

func (l load) pressure(up time.Duration) *snapshot.Pressure {
	stall := func(perSecond float64) *snapshot.Stall {
		some := l.count(l.millicores*perSecond, up)
		return &snapshot.Stall{SomeMicros: some, FullMicros: new(some / 2)}
	}
	return &snapshot.Pressure{CPU: stall(10), Memory: stall(0), IO: stall(2)}
}
