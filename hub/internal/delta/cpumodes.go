package delta

import (
	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// cpuModes is how the node's processors spent their time, nil if nothing of that
// is known. A mode whose counter fell is unknown alone: iowait does so on a
// machine that is well.
func (c *comparison) cpuModes(u *draft) *hub.CPUModes {
	cur := c.cur.Host.CPU.Modes
	switch {
	case c.cur.Agent.Cgroup.Nested:
		u.lacks(hub.CPUModesName, modesOfMachine)
		return nil
	case cur == nil:
		u.lacks(hub.CPUModesName, noModes)
		return nil
	case c.before.host == nil || c.before.host.CPU.Modes == nil:
		u.lacks(hub.CPUModesName, c.noRate)
		return nil
	}
	grown := modesGrown(c.before.host.CPU.Modes, cur)
	if grown == [hub.CPUModeCount]increase{} { // idle time counts as well
		u.lacks(hub.CPUModesName, modesStandStill)
		return nil
	}
	modes := hub.UnknownCPUModes()
	for mode := range hub.CPUModeCount {
		spent := c.millicores(grown[mode])
		if spent.why != "" {
			u.lacks(hub.CPUModesName+"."+mode.String(), spent.why)
			continue
		}
		modes[mode] = spent.amount
	}
	return &modes
}

// modesGrown folds what the kernel tells apart and few ask for: nice into user,
// and soft into hard interrupts.
func modesGrown(prev, cur *snapshot.CPUModes) [hub.CPUModeCount]increase {
	return [hub.CPUModeCount]increase{
		hub.CPUUser:   grown(prev.UserMicros, cur.UserMicros).plus(grown(prev.NiceMicros, cur.NiceMicros)),
		hub.CPUSystem: grown(prev.SystemMicros, cur.SystemMicros),
		hub.CPUIRQ:    grown(prev.IRQMicros, cur.IRQMicros).plus(grown(prev.SoftIRQMicros, cur.SoftIRQMicros)),
		hub.CPUSteal:  grown(prev.StealMicros, cur.StealMicros),
		hub.CPUIOWait: grown(prev.IOWaitMicros, cur.IOWaitMicros),
		hub.CPUIdle:   grown(prev.IdleMicros, cur.IdleMicros),
	}
}
