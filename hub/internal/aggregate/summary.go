package aggregate

import (
	"math"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// Summarize reduces the known values; gaps (NaN) count for nothing. P95 is the
// nearest-rank percentile: the least value that at least 95 % of the known ones
// do not exceed. It is one of them, not interpolated.
func Summarize(values []float64) hub.Summary {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		unknown := hub.Number(math.NaN())
		return hub.Summary{Min: unknown, Avg: unknown, P95: unknown, Max: unknown}
	}
	slices.Sort(known)
	n := len(known)
	return hub.Summary{
		Min: hub.Number(known[0]),
		Avg: hub.Number(mean(known)),
		P95: hub.Number(known[(95*n+99)/100-1]),
		Max: hub.Number(known[n-1]),
	}
}

// mean is the arithmetic mean of at least one value, kept between the least
// and the greatest, which rounding could leave.
func mean(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return min(max(total/float64(len(values)), slices.Min(values)), slices.Max(values))
}
