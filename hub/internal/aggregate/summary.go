package aggregate

import (
	"math"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// A Summary is a list of values in four. All are NaN if none is known.
type Summary struct {
	Min hub.Number `json:"min"`
	Avg hub.Number `json:"avg"`
	// P95 is the nearest-rank percentile: the least value that at least 95 %
	// of the known values do not exceed. It is one of them, not interpolated.
	P95 hub.Number `json:"p95"`
	Max hub.Number `json:"max"`
}

// Summarize reduces the known values; gaps (NaN) count for nothing.
func Summarize(values []float64) Summary {
	known := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(known) == 0 {
		unknown := hub.Number(math.NaN())
		return Summary{unknown, unknown, unknown, unknown}
	}
	slices.Sort(known)
	n := len(known)
	return Summary{
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
