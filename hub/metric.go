package hub

import "math"

// A Metric is one of the numbers that kubemon keeps of everything it watches.
type Metric uint8

// The metrics, in the order in which the contract lists them.
const (
	CPUMillicores Metric = iota
	// MemoryBytes is the kubelet's working set.
	MemoryBytes
	MemoryRSSBytes
	MemoryCacheBytes
	MemorySwapBytes
	// DiskReadBytes, DiskWriteBytes, NetworkRxBytes, NetworkTxBytes and
	// OOMKills are cumulative, as the kernel counts them.
	DiskReadBytes
	DiskWriteBytes
	DiskReadBytesPerSecond
	DiskWriteBytesPerSecond
	NetworkRxBytes
	NetworkTxBytes
	NetworkRxBytesPerSecond
	NetworkTxBytesPerSecond
	// CPUThrottledRatio is throttled periods by periods, 0 to 1.
	CPUThrottledRatio
	OOMKills
	PIDs
	// The pressures are shares of time stalled, 0 to 1.
	PressureCPUSome
	PressureMemorySome
	PressureMemoryFull
	PressureIOSome
	PressureIOFull

	MetricCount
)

// String is the metric's name in the REST contract; a dot separates the
// object from its field.
func (m Metric) String() string {
	return [MetricCount]string{
		"cpuMillicores",
		"memoryBytes", "memoryRSSBytes", "memoryCacheBytes", "memorySwapBytes",
		"diskReadBytes", "diskWriteBytes", "diskReadBytesPerSecond", "diskWriteBytesPerSecond",
		"networkRxBytes", "networkTxBytes", "networkRxBytesPerSecond", "networkTxBytesPerSecond",
		"cpuThrottledRatio", "oomKills", "pids",
		"pressure.cpuSome", "pressure.memorySome", "pressure.memoryFull", "pressure.ioSome", "pressure.ioFull",
	}[m]
}

// MetricNamed returns the metric of that name in the REST contract.
func MetricNamed(name string) (Metric, bool) {
	for m := range MetricCount {
		if m.String() == name {
			return m, true
		}
	}
	return 0, false
}

// Sums reports whether the metric of a whole is the sum of its parts'. Ratios
// and pressures are not.
func (m Metric) Sums() bool {
	return m != CPUThrottledRatio && m < PressureCPUSome
}

// Cumulative reports whether the metric is a counter of all that happened so
// far, as the kernel keeps it.
func (m Metric) Cumulative() bool {
	switch m {
	case DiskReadBytes, DiskWriteBytes, NetworkRxBytes, NetworkTxBytes, OOMKills:
		return true
	}
	return false
}

// Values holds one number for each metric. NaN is unknown; it never means 0.
type Values [MetricCount]float64

// Unknown returns Values of which nothing is known.
func Unknown() Values {
	var v Values
	for m := range v {
		v[m] = math.NaN()
	}
	return v
}

// Known reports whether the metric has a value.
func (v *Values) Known(m Metric) bool { return !math.IsNaN(v[m]) }

// Add adds what is known in part, for the metrics that sum. An unknown value
// stays unknown until a part knows it.
func (v *Values) Add(part *Values) {
	for m := range MetricCount {
		if !m.Sums() || !part.Known(m) {
			continue
		}
		if !v.Known(m) {
			v[m] = 0
		}
		v[m] += part[m]
	}
}
