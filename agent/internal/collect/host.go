package collect

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// host reads the node as a whole. A nested node is a control group of an outer
// machine: its CPU, memory and pressure are the group's, since /proc/stat and
// /proc/meminfo show the whole machine.
func (r *reading) host(nested bool) snapshot.Host {
	h := snapshot.Host{CPU: r.hostCPU(), Memory: r.hostMemory(nested)}
	if load, err := procfs.ReadLoadavg(r.node.Proc); err != nil {
		r.warn("load", err)
	} else {
		h.Load = load[:]
	}
	if nested {
		h.Pressure = r.pressure(r.node.Cgroup, [3]string{"cpu.pressure", "memory.pressure", "io.pressure"})
	} else {
		h.Pressure = r.pressure(r.node.Proc, [3]string{"pressure/cpu", "pressure/memory", "pressure/io"})
	}
	h.Disks = r.hostDisks()
	h.Network = r.hostNetwork()
	h.Filesystems = r.filesystems()
	return h
}

// hostCPU takes the usage from the root control group where it has cpu.stat,
// which is exact to the microsecond, else from /proc/stat.
func (r *reading) hostCPU() snapshot.HostCPU {
	var c snapshot.HostCPU
	stat, err := procfs.ReadStat(r.node.Proc)
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
		}
	}
	if r.node.Cgroup == nil {
		return c
	}
	root, err := cgroup.ReadCPU(r.node.Cgroup, ".")
	if err != nil {
		if !cgroup.IsGone(err) { // old kernels have none at the root
			r.warn("cpu", err)
		}
		return c
	}
	c.UsageMicros, c.UserMicros, c.SystemMicros = &root.UsageMicros, &root.UserMicros, &root.SystemMicros
	return c
}

// hostMemory takes the working set as the kubelet does: the machine's root
// group has no memory.current, so anon + file stand for it.
func (r *reading) hostMemory(nested bool) snapshot.HostMemory {
	var m snapshot.HostMemory
	if info, err := procfs.ReadMeminfo(r.node.Proc); err != nil {
		r.warn("memory", err)
	} else {
		m.TotalBytes, m.AvailableBytes = info.TotalBytes, info.AvailableBytes
		m.SwapTotalBytes, m.SwapFreeBytes = info.SwapTotalBytes, info.SwapFreeBytes
	}
	if r.node.Cgroup == nil {
		return m
	}
	stat, err := cgroup.ReadMemoryStat(r.node.Cgroup, ".")
	if err != nil {
		r.warn("memory", fmt.Errorf("no working set of the node: %w", err))
		return m
	}
	used := stat.AnonBytes + stat.FileBytes
	if nested {
		if used, err = cgroup.ReadMemoryCurrent(r.node.Cgroup, "."); err != nil {
			r.warn("memory", err)
			return m
		}
	}
	m.AnonBytes, m.FileBytes = &stat.AnonBytes, &stat.FileBytes
	m.WorkingSetBytes = new(stat.WorkingSet(used))
	return m
}

// pressure reads the files of CPU, memory and IO, in this order. It is nil when
// none of them could be read.
func (r *reading) pressure(fsys fs.FS, files [3]string) *snapshot.Pressure {
	if !r.psi {
		return nil // a warning says so, once
	}
	var p snapshot.Pressure
	for i, to := range []**snapshot.Stall{&p.CPU, &p.Memory, &p.IO} {
		stall, err := cgroup.ReadStall(fsys, files[i])
		if err != nil {
			r.warn("pressure", err)
			continue
		}
		*to = new(snapshot.Stall(stall))
	}
	if p == (snapshot.Pressure{}) {
		return nil
	}
	return &p
}

// groupPressure reads the pressure of one control group.
func (r *reading) groupPressure(dir string) *snapshot.Pressure {
	return r.pressure(r.node.Cgroup, [3]string{
		dir + "/cpu.pressure", dir + "/memory.pressure", dir + "/io.pressure",
	})
}

// hasPSI reports whether the kernel has pressure stall information, and warns
// in words when not.
func (r *reading) hasPSI() bool {
	_, err := cgroup.ReadStall(r.node.Proc, "pressure/cpu")
	switch {
	case err == nil:
		return true
	case errors.Is(err, fs.ErrNotExist):
		r.warnings.add("pressure", "the kernel has no pressure stall information: CONFIG_PSI is not set, or it was booted with psi=0")
	case errors.Is(err, errors.ErrUnsupported):
		r.warnings.add("pressure", "pressure stall information is turned off: boot the kernel with psi=1")
	default:
		r.warn("pressure", err)
	}
	return false
}
