package delta

import (
	"slices"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// reasons say why a part is absent from the snapshot of a control group.
type reasons struct {
	cpu, memory, disk, pids, pressure string
}

// Why a network or a part of the memory is unknown.
const (
	hostNetwork      = "host network: its traffic is counted on the node"
	noLiveProcess    = "no live process through which the network could be read"
	networkUnread    = "the network counters could not be read"
	networkOfPod     = "the network is counted for the whole pod"
	networkOfNode    = "the network is not counted by control group"
	noSwapAccounting = "swap accounting is off"
	noOOMEvents      = "the kernel reports no OOM kills here"
	notEverySlice    = "not every control group of the node says so"
	noUplink         = "the agent found no uplink"
	noDisks          = "the agent found no disk statistics"
	nodeHasNoLimit   = "a node has no CPU limit"
	noModes          = "the agent could not read /proc/stat, or is of a version that does not tell"
	modesOfMachine   = "the node is nested in another machine, and the kernel counts modes for the whole machine only"
	modesStandStill  = "the kernel does not count how its processors spend their time"
	pressureUnread   = "the kernel reports no pressure here"
)

func reasonsOf(c snapshot.Cgroup) reasons {
	r := reasons{
		cpu:      "the kernel reports no CPU time here",
		memory:   controllerReason(c, "memory"),
		disk:     controllerReason(c, "io"),
		pids:     controllerReason(c, "pids"),
		pressure: "PSI is not enabled in this kernel",
	}
	if c.PSI {
		r.pressure = pressureUnread
	}
	return r
}

// controllerReason is why a controller's files are absent: it is missing on
// the whole node, or in this control group only.
func controllerReason(c snapshot.Cgroup, controller string) string {
	switch {
	case c.Mode == snapshot.ModeHybrid || c.Mode == snapshot.ModeV1:
		return "the node's " + controller + " controller is not in a unified cgroup v2 hierarchy"
	case !slices.Contains(c.Controllers, controller):
		return "the " + controller + " controller is not enabled on this node"
	}
	return "the " + controller + " controller is not enabled in this control group"
}
