package delta

import (
	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

func (c *comparison) host() hub.HostReading {
	h := &c.cur.Host
	u := c.begin()
	c.hostUsage(u)
	modes := c.cpuModes(u)
	r := hub.HostReading{
		Usage:    c.finish(u),
		CPUCount: h.CPU.Count,
		CPUModes: modes,
		Load:     h.Load,
		Disks:    c.disks(),
		Network:  c.uplinks(),
	}
	if h.Memory.TotalBytes != nil {
		r.MemoryTotalBytes = float64(*h.Memory.TotalBytes)
	}
	for _, f := range h.Filesystems {
		r.Filesystems = append(r.Filesystems, hub.FilesystemReading(f))
	}
	return r
}

func (c *comparison) hostUsage(u *draft) {
	u.OverSeconds = c.seconds
	before := c.before.host
	if before == nil {
		before = &snapshot.Host{}
	}
	h := &c.cur.Host
	c.hostCPU(u, before.CPU.UsageMicros, h.CPU.UsageMicros)
	c.hostMemory(u, &h.Memory)
	c.hostDisk(u, h.Disks)
	if h.Network != nil {
		c.setNetwork(u, c.interfaces(before.Network, h.Network))
	} else {
		u.lacks("network", noUplink)
	}
	c.pressure(u, before.Pressure, h.Pressure)
	c.sumSlices(u)
}

func (c *comparison) hostCPU(u *draft, prev, cur *uint64) {
	u.lacks(hub.CPUThrottledRatio.String(), nodeHasNoLimit)
	switch {
	case cur == nil:
		u.lacks(hub.CPUMillicores.String(), c.absent.cpu)
	case prev == nil:
		u.lacks(hub.CPUMillicores.String(), c.noRate)
	default:
		c.millicores(grown(*prev, *cur)).set(u, hub.CPUMillicores)
	}
}

func (c *comparison) hostMemory(u *draft, m *snapshot.HostMemory) {
	setOptional(u, hub.MemoryBytes, m.WorkingSetBytes, c.absent.memory)
	setOptional(u, hub.MemoryRSSBytes, m.AnonBytes, c.absent.memory)
	setOptional(u, hub.MemoryCacheBytes, m.FileBytes, c.absent.memory)
	if m.SwapTotalBytes == nil || m.SwapFreeBytes == nil || *m.SwapFreeBytes > *m.SwapTotalBytes {
		u.lacks(hub.MemorySwapBytes.String(), "the kernel reports no swap space")
		return
	}
	u.Values[hub.MemorySwapBytes] = float64(*m.SwapTotalBytes - *m.SwapFreeBytes)
}

// hostDisk adds up the disks. One that is new may have counted for long, so it
// joins the rate with its second sample.
func (c *comparison) hostDisk(u *draft, cur []snapshot.Disk) {
	if cur == nil {
		u.lacks("disk", noDisks)
		return
	}
	var f flow
	known := 0
	for _, d := range cur {
		p := c.before.disks[d.Device]
		if p == nil {
			f.count(d.ReadBytes, d.WrittenBytes)
			continue
		}
		f.add(p.ReadBytes, d.ReadBytes, p.WrittenBytes, d.WrittenBytes)
		known++
	}
	if known == 0 && (c.before.host == nil || c.before.host.Disks == nil || len(cur) > 0) {
		f.unknown(c.noRate)
	}
	c.setDisk(u, f)
}

// sumSlices adds up what the root control group does not count itself: every
// process but the kernel's own threads is in one of the slices. A sum without
// one of them would pass for less than there is, so it is unknown.
func (c *comparison) sumSlices(u *draft) {
	var kills, pids uint64
	killed, running := 0, 0 // slices that say so
	for _, s := range c.cur.Slices {
		if s.Memory != nil && s.Memory.OOMKills != nil {
			kills += *s.Memory.OOMKills
			killed++
		}
		if s.PIDs != nil {
			pids += s.PIDs.Current
			running++
		}
	}
	c.setSum(u, hub.OOMKills, kills, killed, noOOMEvents)
	c.setSum(u, hub.PIDs, pids, running, c.absent.pids)
}

// setSum sets the metric to the sum over as many slices as counted, or records
// why it is unknown: noneSays if none counted.
func (c *comparison) setSum(u *draft, m hub.Metric, sum uint64, counted int, noneSays string) {
	switch {
	case counted == 0:
		u.lacks(m.String(), noneSays)
	case counted < len(c.cur.Slices):
		u.lacks(m.String(), notEverySlice)
	default:
		u.Values[m] = float64(sum)
	}
}

func (c *comparison) disks() []hub.DiskReading {
	readings := make([]hub.DiskReading, 0, len(c.cur.Host.Disks))
	for _, d := range c.cur.Host.Disks {
		r := hub.DiskReading{Device: d.Device, Name: d.Name, ReadBytes: d.ReadBytes, WriteBytes: d.WrittenBytes}
		if p := c.before.disks[d.Device]; p != nil {
			r.ReadBytesPerSecond = c.rate(p.ReadBytes, d.ReadBytes)
			r.WriteBytesPerSecond = c.rate(p.WrittenBytes, d.WrittenBytes)
			r.ReadOpsPerSecond = c.rate(p.ReadOps, d.ReadOps)
			r.WriteOpsPerSecond = c.rate(p.WriteOps, d.WriteOps)
			r.BusyRatio = grown(p.BusyMicros, d.BusyMicros).shareOf(1e6 * c.seconds).pointer()
		}
		readings = append(readings, r)
	}
	return readings
}

// rate is one counter's increase per second, nil if it is not known.
func (c *comparison) rate(prev, cur uint64) *float64 {
	return c.perSecond(grown(prev, cur)).pointer()
}

func (c *comparison) uplinks() []hub.InterfaceReading {
	before := map[string]*snapshot.Interface{}
	if h := c.before.host; h != nil {
		for i := range h.Network {
			before[h.Network[i].Interface] = &h.Network[i]
		}
	}
	readings := make([]hub.InterfaceReading, 0, len(c.cur.Host.Network))
	for _, n := range c.cur.Host.Network {
		r := hub.InterfaceReading{
			Interface: n.Interface,
			RxBytes:   n.RxBytes, TxBytes: n.TxBytes,
			RxErrors: n.RxErrors, TxErrors: n.TxErrors,
			RxDropped: n.RxDropped, TxDropped: n.TxDropped,
		}
		if p := before[n.Interface]; p != nil {
			r.RxBytesPerSecond = c.rate(p.RxBytes, n.RxBytes)
			r.TxBytesPerSecond = c.rate(p.TxBytes, n.TxBytes)
		}
		readings = append(readings, r)
	}
	return readings
}

func (c *comparison) processes() []hub.ProcessReading {
	readings := make([]hub.ProcessReading, 0, len(c.cur.Processes))
	for _, p := range c.cur.Processes {
		r := hub.ProcessReading{
			PID: p.PID, PPID: p.PPID, Name: p.Name,
			MemoryBytes: p.RSSBytes, Threads: p.Threads,
			Cgroup: p.Cgroup, Args: p.Args,
		}
		if before := c.before.processes[processKey{p.PID, p.StartTicks}]; before != nil {
			r.CPUMillicores = c.millicores(grown(before.CPUMicros, p.CPUMicros)).pointer()
		}
		readings = append(readings, r)
	}
	return readings
}
