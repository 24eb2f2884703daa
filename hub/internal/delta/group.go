package delta

import (
	"cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// A group is what one control group says, whatever runs in it.
type group struct {
	id       uint64
	cpu      *snapshot.CPU
	memory   *snapshot.Memory
	io       []snapshot.DeviceIO
	pids     *snapshot.PIDs
	pressure *snapshot.Pressure
}

func (c *comparison) slice(s *snapshot.Slice) hub.SliceReading {
	var prev *group
	if p := c.before.slices[s.Cgroup]; p != nil {
		prev = &group{p.CgroupID, p.CPU, p.Memory, p.IO, p.PIDs, p.Pressure}
	}
	u := c.usage(prev, group{s.CgroupID, s.CPU, s.Memory, s.IO, s.PIDs, s.Pressure})
	u.lacks("network", networkOfNode)
	return hub.SliceReading{Cgroup: s.Cgroup, Usage: c.finish(u)}
}

// pod reads one pod; before is the same one earlier, nil if it was not there.
func (c *comparison) pod(before, p *snapshot.Pod) hub.PodReading {
	var prev *group
	var containers []snapshot.Container // before
	if before != nil {
		prev = &group{before.CgroupID, before.CPU, before.Memory, before.IO, before.PIDs, before.Pressure}
		containers = before.Containers
	}
	u := c.usage(prev, group{p.CgroupID, p.CPU, p.Memory, p.IO, p.PIDs, p.Pressure})
	c.podNetwork(u, before, p)
	return hub.PodReading{
		UID: p.UID, Namespace: p.Namespace, Name: p.Name, QOSClass: p.QOSClass,
		HostNetwork: p.HostNetwork,
		Usage:       c.finish(u),
		Containers:  c.containers(containers, p.Containers),
	}
}

// containers reads the containers of one list; before is where they most likely
// were.
func (c *comparison) containers(before, list []snapshot.Container) []hub.ContainerReading {
	start := len(c.slab)
	for i := range list {
		ct := &list[i]
		var prev *group
		if p := c.before.container(before, i, ct.ID); p != nil {
			prev = &group{p.CgroupID, p.CPU, p.Memory, p.IO, p.PIDs, p.Pressure}
		}
		u := c.usage(prev, group{ct.CgroupID, ct.CPU, ct.Memory, ct.IO, ct.PIDs, ct.Pressure})
		u.lacks("network", networkOfPod)
		c.slab = append(c.slab, hub.ContainerReading{ID: ct.ID, Name: ct.Name, Usage: c.finish(u)})
	}
	return c.slab[start:len(c.slab):len(c.slab)]
}

// usage drafts what a control group used, without its network.
func (c *comparison) usage(prev *group, cur group) *draft {
	u := c.begin()
	if prev = c.earlierGroup(prev, &cur); prev != nil {
		u.OverSeconds = c.seconds
	} else {
		prev = &group{}
	}
	c.cpu(u, prev.cpu, cur.cpu)
	c.memory(u, cur.memory)
	c.disk(u, prev.io, cur.io)
	c.pressure(u, prev.pressure, cur.pressure)
	if cur.pids != nil {
		u.Values[hub.PIDs] = float64(cur.pids.Current)
	} else {
		u.lacks(hub.PIDs.String(), c.absent.pids)
	}
	return u
}

// earlierGroup is what the group had counted before, nil if that is not known.
// A prev with another inode was another group at the same path.
func (c *comparison) earlierGroup(prev, cur *group) *group {
	switch {
	case prev != nil && prev.id == cur.id:
		return prev
	case prev == nil && c.isNewborn(cur):
		return unused(cur)
	}
	return nil
}

func (c *comparison) cpu(u *draft, prev, cur *snapshot.CPU) {
	if cur == nil {
		u.lacks(hub.CPUMillicores.String(), c.absent.cpu)
		u.lacks(hub.CPUThrottledRatio.String(), c.absent.cpu)
		return
	}
	used := increase{why: c.noRate}
	if prev != nil {
		used = grown(prev.UsageMicros, cur.UsageMicros)
	}
	c.millicores(used).set(u, hub.CPUMillicores)
	c.throttled(prev, cur).set(u, hub.CPUThrottledRatio)
}

// throttled is the share of the CPU limit's periods that were throttled.
func (c *comparison) throttled(prev, cur *snapshot.CPU) increase {
	if cur.LimitMillicores == nil {
		return increase{why: noCPULimit}
	}
	if cur.Periods == nil || cur.ThrottledPeriods == nil {
		return increase{why: controllerReason(c.cur.Agent.Cgroup, "cpu")}
	}
	if prev == nil || prev.Periods == nil || prev.ThrottledPeriods == nil {
		return increase{why: c.noRate}
	}
	periods := grown(*prev.Periods, *cur.Periods)
	throttled := grown(*prev.ThrottledPeriods, *cur.ThrottledPeriods)
	if periods.why == "" && periods.amount == 0 {
		periods.why = noCPUPeriods
	}
	throttled.why = cmp.Or(periods.why, throttled.why)
	return throttled.shareOf(periods.amount)
}

func (c *comparison) memory(u *draft, cur *snapshot.Memory) {
	if cur == nil {
		u.lacks("memory", c.absent.memory)
		u.lacks(hub.OOMKills.String(), c.absent.memory)
		return
	}
	u.Values[hub.MemoryBytes] = float64(cur.WorkingSetBytes)
	u.Values[hub.MemoryRSSBytes] = float64(cur.AnonBytes)
	u.Values[hub.MemoryCacheBytes] = float64(cur.FileBytes)
	setOptional(u, hub.MemorySwapBytes, cur.SwapBytes, noSwapAccounting)
	setOptional(u, hub.OOMKills, cur.OOMKills, noOOMEvents)
}

// setOptional sets the metric to what the kernel said, or records that it did
// not.
func setOptional(u *draft, m hub.Metric, v *uint64, why string) {
	if v == nil {
		u.lacks(m.String(), why)
		return
	}
	u.Values[m] = float64(*v)
}

func (c *comparison) pressure(u *draft, prev, cur *snapshot.Pressure) {
	if cur == nil {
		u.lacks("pressure", c.absent.pressure)
		return
	}
	if prev == nil {
		prev = &snapshot.Pressure{}
	}
	c.stall(u, hub.PressureCPUSome, some(prev.CPU), some(cur.CPU))
	c.stall(u, hub.PressureMemorySome, some(prev.Memory), some(cur.Memory))
	c.stall(u, hub.PressureMemoryFull, full(prev.Memory), full(cur.Memory))
	c.stall(u, hub.PressureIOSome, some(prev.IO), some(cur.IO))
	c.stall(u, hub.PressureIOFull, full(prev.IO), full(cur.IO))
}

// stall sets the share of time stalled from two totals in microseconds.
func (c *comparison) stall(u *draft, m hub.Metric, prev, cur *uint64) {
	if cur == nil {
		u.lacks(m.String(), pressureUnread)
		return
	}
	if prev == nil {
		u.lacks(m.String(), c.noRate)
		return
	}
	grown(*prev, *cur).shareOf(1e6*c.seconds).set(u, m)
}

func some(s *snapshot.Stall) *uint64 {
	if s == nil {
		return nil
	}
	return &s.SomeMicros
}

func full(s *snapshot.Stall) *uint64 {
	if s == nil {
		return nil
	}
	return s.FullMicros
}
