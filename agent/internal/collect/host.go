package collect

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// readTables reads the node's interfaces and disks, which the facts depend on.
func (r *reading) readTables() {
	r.links = readRows(&r.files.netdev, r.links, procfs.AppendNetdev)
	r.disks = readRows(&r.files.diskstats, r.disks, procfs.AppendDiskstats)
}

// host reads the node as a whole. A nested node is a control group of an outer
// machine: its CPU, memory and pressure are the group's, since /proc/stat and
// /proc/meminfo show the whole machine.
func (r *reading) host() snapshot.Host {
	nested := r.facts.agent.Cgroup.Nested
	h := snapshot.Host{CPU: r.hostCPU(), Memory: r.hostMemory(nested)}
	if load, err := parse(r, r.files.loadavg, procfs.ParseLoadavg); err != nil {
		r.warn("load", err)
	} else {
		h.Load = load[:]
	}
	h.Pressure = r.hostPressure(nested)
	h.Disks = r.hostDisks()
	h.Network = r.hostNetwork()
	h.Filesystems = r.filesystems()
	r.sources.IO = r.facts.disks != nil
	r.sources.Swap = h.Memory.SwapTotalBytes == nil || *h.Memory.SwapTotalBytes > 0
	r.sources.LocalEvents = r.facts.localEvents
	return h
}

// parse reads one file and parses it.
func parse[T any](r *reading, file hostfs.Reader, parser func([]byte) (T, error)) (T, error) {
	text, err := r.buf.Read(file)
	if err != nil {
		var none T
		return none, err
	}
	value, err := parser(text)
	if err != nil {
		var none T
		return none, fmt.Errorf("parse %s: %w", file.Name(), err)
	}
	return value, nil
}

// hostCPU takes the usage from the root control group where it has cpu.stat,
// which is exact to the microsecond, else from /proc/stat.
func (r *reading) hostCPU() snapshot.HostCPU {
	var c snapshot.HostCPU
	stat, err := parse(r, r.files.stat, procfs.ParseStat)
	if err != nil {
		r.warn("cpu", err)
	} else {
		c = snapshot.HostCPU{
			Count:        stat.CPUs,
			UsageMicros:  new(stat.BusyMicros()),
			UserMicros:   new(stat.UserMicros + stat.NiceMicros),
			SystemMicros: new(stat.SystemMicros + stat.IRQMicros + stat.SoftIRQMicros),
			IOWaitMicros: &stat.IOWaitMicros,
			StealMicros:  &stat.StealMicros,
			Modes:        modesOf(&stat),
		}
	}
	if r.node.Cgroup == nil {
		return c
	}
	root, err := parse(r, r.files.cpuStat, cgroup.ParseCPUStat)
	if err != nil {
		if !cgroup.IsGone(err) { // old kernels have none at the root
			r.warn("cpu", err)
			// The clock of /proc/stat is another one, and on a nested node the
			// machine's: a counter must not jump between them.
			c.UsageMicros, c.UserMicros, c.SystemMicros = nil, nil, nil
		}
		return c
	}
	c.UsageMicros, c.UserMicros, c.SystemMicros = &root.UsageMicros, &root.UserMicros, &root.SystemMicros
	return c
}

func modesOf(s *procfs.Stat) *snapshot.CPUModes {
	return &snapshot.CPUModes{
		UserMicros: s.UserMicros, NiceMicros: s.NiceMicros, SystemMicros: s.SystemMicros,
		IdleMicros: s.IdleMicros, IOWaitMicros: s.IOWaitMicros,
		IRQMicros: s.IRQMicros, SoftIRQMicros: s.SoftIRQMicros, StealMicros: s.StealMicros,
	}
}

// hostMemory takes the working set as the kubelet does: the machine's root
// group has no memory.current, so anon + file stand for it.
func (r *reading) hostMemory(nested bool) snapshot.HostMemory {
	var m snapshot.HostMemory
	if info, err := parse(r, r.files.meminfo, procfs.ParseMeminfo); err != nil {
		r.warn("memory", err)
	} else {
		m.TotalBytes, m.AvailableBytes = info.TotalBytes, info.AvailableBytes
		m.SwapTotalBytes, m.SwapFreeBytes = info.SwapTotalBytes, info.SwapFreeBytes
	}
	if r.node.Cgroup == nil {
		return m
	}
	stat, err := parse(r, r.files.memoryStat, cgroup.ParseMemoryStat)
	if err != nil {
		r.warn("memory", fmt.Errorf("no working set of the node: %w", err))
		return m
	}
	used := stat.AnonBytes + stat.FileBytes
	if nested {
		if used, err = parse(r, r.files.memoryCurrent, cgroup.ParseNumber); err != nil {
			r.warn("memory", fmt.Errorf("no working set of the node: %w", err))
			return m
		}
	}
	m.AnonBytes, m.FileBytes = &stat.AnonBytes, &stat.FileBytes
	m.WorkingSetBytes = new(stat.WorkingSet(used))
	return m
}

// hostPressure finds out whether the kernel has pressure stall information, and
// says why not in words.
func (r *reading) hostPressure(nested bool) *snapshot.Pressure {
	machine, err := parse(r, r.files.pressure[cgroup.CPUPressure], cgroup.ParseStall)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		r.warnings.add("pressure", "the kernel has no pressure stall information: CONFIG_PSI is not set, or it was booted with psi=0")
		return nil
	case errors.Is(err, errors.ErrUnsupported):
		r.warnings.add("pressure", "pressure stall information is turned off: boot the kernel with psi=1")
		return nil
	default:
		r.warn("pressure", err)
		return nil
	}
	r.sources.Pressure = true
	stalls, errs := [3]cgroup.Stall{machine}, [3]error{}
	files, read := &r.files.pressure, 1 // the machine's of the CPU is read
	if nested {
		files, read = &r.files.rootPressure, 0
	}
	for i := read; i < len(files); i++ {
		stalls[i], errs[i] = parse(r, files[i], cgroup.ParseStall)
	}
	return r.pressure(&stalls, &errs)
}

// pressure is nil when none of the three could be read.
func (r *reading) pressure(stalls *[3]cgroup.Stall, errs *[3]error) *snapshot.Pressure {
	var p snapshot.Pressure
	known := false
	for i, to := range [...]**snapshot.Stall{&p.CPU, &p.Memory, &p.IO} {
		if errs[i] != nil {
			r.warnings.addError("pressure", errs[i])
			continue
		}
		*to = r.parts.stall(stalls[i])
		known = true
	}
	if !known {
		return nil
	}
	return hold(&r.parts.pressures, p)
}
