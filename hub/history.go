package hub

import "time"

// A HistoryQuery asks for one thing's last rounds.
type HistoryQuery struct {
	Kind Kind // KindNode, KindPod; KindNamespace, KindWorkload, KindCluster are sums
	// Namespace and Name say which; OwnerKind is a workload's kind.
	Namespace, Name string
	OwnerKind       string
	// Containers asks for those of a pod's containers as well.
	Containers bool
	// Window is how far back, up to the hub's own window.
	Window time.Duration
	// Step is the width of a bucket, 0 for every round. MaxPoints bounds how
	// many there are, 0 for no bound.
	Step      time.Duration
	MaxPoints int
}

// Kinds of sums, for HistoryQuery.
const (
	KindNamespace Kind = "Namespace"
	KindWorkload  Kind = "Workload"
	KindCluster   Kind = "Cluster"
)

// Columns has a list of values for each metric; NaN is a gap.
type Columns [MetricCount][]float64

// A History is one thing's last rounds, or buckets of them, oldest first. Every
// list has the length of Times.
type History struct {
	Times []time.Time
	// Values are the rounds', or the averages of buckets of them. Of a counter
	// it is the last.
	Values Columns
	// Min and Max are the least and the greatest in each bucket; nil if each
	// point is one round.
	Min, Max *Columns
	// CPUModes are a node's; nil for all else.
	CPUModes *CPUModeHistory
	// Reporting counts what each sum holds, Count how many there were; of a
	// bucket, in the round that lacked most. Nil for what is not a sum.
	Reporting, Count []int
	// Summary is of all rounds, whatever the buckets are.
	Summary [MetricCount]Summary
	// Last is the newest series that matched, for things that are gone.
	Last Series
	// Containers are those of a pod's containers that have a row in the window,
	// by name, if they were asked for.
	Containers map[string]*History
}

// CPUModeColumns has a list of millicores for each mode; NaN is a gap.
type CPUModeColumns [CPUModeCount][]float64

// A CPUModeHistory is what a node's processors did at the times of its History,
// of which the fields are as the History's own.
type CPUModeHistory struct {
	Values, Min, Max *CPUModeColumns
	Summary          [CPUModeCount]Summary
}

// A Summary is what one metric's history comes to. All four are NaN when
// nothing of it is known.
type Summary struct {
	Min Number `json:"min"`
	Avg Number `json:"avg"`
	P95 Number `json:"p95"`
	Max Number `json:"max"`
}
