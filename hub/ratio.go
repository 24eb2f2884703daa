package hub

import "math"

// Ratios are shares of what was set or is there: 1 is all of it. NaN is
// unknown: one side is, or there is nothing to have a share of.
type Ratios struct {
	CPUOfRequest        Number `json:"cpuOfRequest"`
	CPUOfLimit          Number `json:"cpuOfLimit"`
	CPUOfAllocatable    Number `json:"cpuOfAllocatable"`
	MemoryOfRequest     Number `json:"memoryOfRequest"`
	MemoryOfLimit       Number `json:"memoryOfLimit"`
	MemoryOfAllocatable Number `json:"memoryOfAllocatable"`
	// What is requested of what can be; only nodes and the cluster have it.
	CPURequestOfAllocatable    *Number `json:"cpuRequestOfAllocatable,omitempty"`
	MemoryRequestOfAllocatable *Number `json:"memoryRequestOfAllocatable,omitempty"`
}

// Append adds the ratios to b as JSON, null if there are none.
func (r *Ratios) Append(b []byte) []byte {
	if r == nil {
		return append(b, "null"...)
	}
	b = r.CPUOfRequest.Append(append(b, `{"cpuOfRequest":`...))
	b = r.CPUOfLimit.Append(append(b, `,"cpuOfLimit":`...))
	b = r.CPUOfAllocatable.Append(append(b, `,"cpuOfAllocatable":`...))
	b = r.MemoryOfRequest.Append(append(b, `,"memoryOfRequest":`...))
	b = r.MemoryOfLimit.Append(append(b, `,"memoryOfLimit":`...))
	b = r.MemoryOfAllocatable.Append(append(b, `,"memoryOfAllocatable":`...))
	if r.CPURequestOfAllocatable != nil {
		b = r.CPURequestOfAllocatable.Append(append(b, `,"cpuRequestOfAllocatable":`...))
	}
	if r.MemoryRequestOfAllocatable != nil {
		b = r.MemoryRequestOfAllocatable.Append(append(b, `,"memoryRequestOfAllocatable":`...))
	}
	return append(b, '}')
}

// Ratio is what share part is of whole, NaN if one is unknown or there is no
// whole.
func Ratio(part, whole float64) Number {
	if !(whole > 0) {
		return Number(math.NaN())
	}
	return Number(part / whole)
}
