package aggregate

import (
	"math"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// thin joins each size points into one, going back from the newest, so that
// only the oldest may be of fewer. A bucket has the time of its last point, and
// the mean, the least and the greatest of what is known in it; it is a gap if
// nothing is. Of a counter it has the last instead of the mean. Counts are
// those of the round that lacked most.
func thin(h *hub.History, size int) {
	if size <= 1 {
		return
	}
	whole := *h
	h.Times, h.Reporting, h.Count = nil, nil, nil
	for lo, hi := range buckets(len(whole.Times), size) {
		h.Times = append(h.Times, whole.Times[hi-1])
		if whole.Reporting != nil {
			i := lo + leastComplete(whole.Reporting[lo:hi], whole.Count[lo:hi])
			h.Reporting, h.Count = append(h.Reporting, whole.Reporting[i]), append(h.Count, whole.Count[i])
		}
	}
	h.Min, h.Max = &hub.Columns{}, &hub.Columns{}
	for m := range hub.MetricCount {
		h.Values[m], h.Min[m], h.Max[m] = thinColumn(whole.Values[m], size, m.Cumulative())
	}
	if c := h.CPUModes; c != nil {
		c.Min, c.Max = &hub.CPUModeColumns{}, &hub.CPUModeColumns{}
		for m := range hub.CPUModeCount {
			c.Values[m], c.Min[m], c.Max[m] = thinColumn(c.Values[m], size, false)
		}
	}
}

// thinColumn is thin for one list, of a counter or not.
func thinColumn(whole []float64, size int, isCounter bool) (values, least, greatest []float64) {
	for lo, hi := range buckets(len(whole), size) {
		value, minimum, maximum := reduce(whole[lo:hi], isCounter)
		values, least, greatest = append(values, value), append(least, minimum), append(greatest, maximum)
	}
	return values, least, greatest
}

// buckets yields the bounds of each, oldest first.
func buckets(n, size int) func(yield func(lo, hi int) bool) {
	return func(yield func(lo, hi int) bool) {
		for hi := n - (n-1)/size*size; hi <= n; hi += size {
			if !yield(max(0, hi-size), hi) {
				return
			}
		}
	}
}

// reduce returns what stands for the values, and the least and the greatest of
// those that are known.
func reduce(values []float64, isCounter bool) (value, least, greatest float64) {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	value = mean(known)
	if isCounter {
		value = known[len(known)-1]
	}
	return value, slices.Min(known), slices.Max(known)
}

// leastComplete returns the index of the round that lacked most; among equals
// the one that had fewest, but some, parts.
func leastComplete(reporting, count []int) int {
	least := 0
	for i := range reporting {
		lacks, most := count[i]-reporting[i], count[least]-reporting[least]
		if lacks > most || lacks == most && count[i] > 0 && (count[least] == 0 || count[i] < count[least]) {
			least = i
		}
	}
	return least
}
