package collect

import (
	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// parts are the pieces of one snapshot, each kind in an array of its own: a
// snapshot of a thousand pieces takes some ten allocations. Room is made for
// as many as the last snapshot had. A pointer into an array that was outgrown
// stays valid, for the pieces do not change.
type parts struct {
	containers []snapshot.Container
	cpus       []snapshot.CPU
	memories   []snapshot.Memory
	pids       []snapshot.PIDs
	pressures  []snapshot.Pressure
	stalls     []snapshot.Stall
	numbers    []uint64
	limits     []float64
	devices    []snapshot.DeviceIO
	interfaces []snapshot.Interface
}

// sizes says how many of each kind there are.
type sizes struct {
	containers, cpus, memories, pids, pressures, stalls, numbers, limits, devices, interfaces int
}

func newParts(last sizes) *parts {
	const spare = 16 // so that one more pod needs no new array
	return &parts{
		containers: make([]snapshot.Container, 0, last.containers+spare),
		cpus:       make([]snapshot.CPU, 0, last.cpus+spare),
		memories:   make([]snapshot.Memory, 0, last.memories+spare),
		pids:       make([]snapshot.PIDs, 0, last.pids+spare),
		pressures:  make([]snapshot.Pressure, 0, last.pressures+spare),
		stalls:     make([]snapshot.Stall, 0, last.stalls+spare),
		numbers:    make([]uint64, 0, last.numbers+spare),
		limits:     make([]float64, 0, last.limits+spare),
		devices:    make([]snapshot.DeviceIO, 0, last.devices+spare),
		interfaces: make([]snapshot.Interface, 0, last.interfaces+spare),
	}
}

func (p *parts) sizes() sizes {
	return sizes{
		containers: len(p.containers), cpus: len(p.cpus), memories: len(p.memories), pids: len(p.pids),
		pressures: len(p.pressures), stalls: len(p.stalls), numbers: len(p.numbers), limits: len(p.limits),
		devices: len(p.devices), interfaces: len(p.interfaces),
	}
}

// hold puts a value into a list and returns where it is.
func hold[T any](list *[]T, value T) *T {
	*list = append(*list, value)
	return &(*list)[len(*list)-1]
}

// count is nil for what is not known.
func (p *parts) count(c cgroup.Count) *uint64 {
	if !c.Known {
		return nil
	}
	return hold(&p.numbers, c.Value)
}

func (p *parts) cpu(c cgroup.CPU) *snapshot.CPU {
	cpu := snapshot.CPU{
		UsageMicros: c.UsageMicros, UserMicros: c.UserMicros, SystemMicros: c.SystemMicros,
		Periods: p.count(c.Periods), ThrottledPeriods: p.count(c.ThrottledPeriods), ThrottledMicros: p.count(c.ThrottledMicros),
	}
	if c.Limit.Known {
		cpu.LimitMillicores = hold(&p.limits, c.Limit.Millicores)
	}
	return hold(&p.cpus, cpu)
}

func (p *parts) memory(m cgroup.Memory) *snapshot.Memory {
	return hold(&p.memories, snapshot.Memory{
		CurrentBytes: m.CurrentBytes, WorkingSetBytes: m.WorkingSet(m.CurrentBytes),
		AnonBytes: m.AnonBytes, FileBytes: m.FileBytes, InactiveFileBytes: m.InactiveFileBytes,
		SwapBytes: p.count(m.SwapBytes), PeakBytes: p.count(m.PeakBytes),
		LimitBytes: p.count(m.LimitBytes), OOMKills: p.count(m.OOMKills),
	})
}

func (p *parts) stall(s cgroup.Stall) *snapshot.Stall {
	return hold(&p.stalls, snapshot.Stall{SomeMicros: s.SomeMicros, FullMicros: p.count(s.FullMicros)})
}
