package hub

import (
	"math"
	"slices"
	"strings"
)

// A CPUMode is one of the ways in which a node's processors spend their time.
// The first three are what CPUMillicores counts of a node, with steal on older
// kernels; all of them together are all the time that its processors have.
type CPUMode uint8

// The modes, in the order in which the contract lists them, by the columns of
// /proc/stat (proc_stat(5)).
const (
	// CPUUser is user and nice, which contain guest and guest_nice.
	CPUUser CPUMode = iota
	// CPUSystem is the kernel's work for processes and its own threads.
	CPUSystem
	// CPUIRQ is irq and softirq: hard and soft interrupts.
	CPUIRQ
	// CPUSteal is what the hypervisor gave to others meanwhile; 0 also where it
	// does not tell.
	CPUSteal
	// CPUIOWait is idle time in which a task waited for a disk, as far as the
	// kernel can guess on which processor that was.
	CPUIOWait
	CPUIdle

	CPUModeCount
)

// CPUModesName is the modes' object in the REST contract.
const CPUModesName = "cpuMillicoresByMode"

func cpuModeNames() [CPUModeCount]string {
	return [CPUModeCount]string{"user", "system", "irq", "steal", "iowait", "idle"}
}

// String is the mode's name in the REST contract, inside its object.
func (m CPUMode) String() string { return cpuModeNames()[m] }

// cpuModeKind begins the kind of a mode's series.
const cpuModeKind = "CPUMode."

// Kind is the kind of the series that has the mode's time as its CPUMillicores.
func (m CPUMode) Kind() Kind { return Kind(cpuModeKind + m.String()) }

// CPUModeOf returns the mode whose series are of that kind.
func CPUModeOf(k Kind) (CPUMode, bool) {
	name, ok := strings.CutPrefix(string(k), cpuModeKind)
	if !ok {
		return 0, false
	}
	names := cpuModeNames()
	i := slices.Index(names[:], name)
	return CPUMode(max(i, 0)), i >= 0
}

// CPUModes are the millicores that a node's processors spent in each mode. NaN
// is unknown.
type CPUModes [CPUModeCount]float64

// UnknownCPUModes returns CPUModes of which nothing is known.
func UnknownCPUModes() CPUModes {
	var modes CPUModes
	for m := range modes {
		modes[m] = math.NaN()
	}
	return modes
}

// MarshalJSON writes the contract's object: every mode by name, null where it
// is unknown.
func (c CPUModes) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for m := range CPUModeCount {
		if m > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), m.String()...), `":`...)
		b = Number(c[m]).Append(b)
	}
	return append(b, '}'), nil
}
