package delta

import (
	"slices"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A census has the inodes of all control groups of a snapshot. It is empty if
// the snapshot may lack some.
type census map[uint64]bool

func censusOf(s *snapshot.Snapshot) census {
	all := census{}
	if s.Agent.Cgroup.Mode != snapshot.ModeUnified || slices.ContainsFunc(s.Warnings, tellsOfGaps) {
		return all
	}
	for i := range s.Slices {
		all[s.Slices[i].CgroupID] = true
	}
	for i := range s.Pods {
		all[s.Pods[i].CgroupID] = true
		all.add(s.Pods[i].Containers)
	}
	all.add(s.Containers)
	if all[0] { // a group whose inode is unknown could be any
		clear(all)
	}
	return all
}

func (c census) add(list []snapshot.Container) {
	for i := range list {
		c[list[i].CgroupID] = true
	}
}

// tellsOfGaps reports whether there may be groups that the agent has not read:
// it left them out ("cgroup"), or is not told when one takes another's place
// ("watch").
func tellsOfGaps(w snapshot.Warning) bool {
	return w.Source == "cgroup" || w.Source == "watch"
}

// isNewborn reports whether the group, of a thing that is new, was certainly not
// there at the earlier snapshot. The package comment has the reasoning.
func (c *comparison) isNewborn(g *group) bool {
	if c.prev == nil || g.id == 0 || c.prev.Agent.Version != c.cur.Agent.Version {
		return false
	}
	if c.census == nil {
		c.census = censusOf(c.prev)
	}
	return len(c.census) > 0 && !c.census[g.id] && !c.isOlder(g)
}

// readingTolerance is for the time between reading the clock and a counter.
const readingTolerance = 1.05

// isOlder reports whether the group has used more CPU time than there has been
// since the earlier snapshot.
func (c *comparison) isOlder(g *group) bool {
	had := float64(c.cpuCount()) * 1e6 * c.seconds
	return g.cpu != nil && float64(g.cpu.UsageMicros) > had*readingTolerance
}

// unused is the group as it was made: everything that it counts is 0.
func unused(g *group) *group {
	before := &group{
		id:  g.id,
		cpu: &snapshot.CPU{Periods: new(uint64(0)), ThrottledPeriods: new(uint64(0))},
		io:  make([]snapshot.DeviceIO, 0, len(g.io)),
		pressure: &snapshot.Pressure{
			CPU:    &snapshot.Stall{},
			Memory: &snapshot.Stall{FullMicros: new(uint64(0))},
			IO:     &snapshot.Stall{FullMicros: new(uint64(0))},
		},
	}
	for _, d := range g.io {
		before.io = append(before.io, snapshot.DeviceIO{Device: d.Device})
	}
	return before
}
