package demo

import (
	"math"
	"math/rand/v2"
	"time"
)

// A wave is a rate that goes up and down, and the counter that it makes. It
// repeats after knots times knotSeconds.
type wave struct {
	base float64 // what it is on average
	// rate is what it is at each knot, and goes straight from one to the next; sum
	// is the counter there.
	rate, sum [knots + 1]float64
}

const (
	knots       = 300
	knotSeconds = 20
)

// newWave is around base; jitter says how far from it, as a share of it. The
// same seed gives the same wave.
func newWave(base, jitter float64, seed uint64) *wave {
	w := &wave{base: base}
	random := rand.New(rand.NewPCG(seed, 7))
	phase, drift := random.Float64()*2*math.Pi, 0.0
	for k := range knots + 1 {
		drift = 0.8*drift + 0.6*random.NormFloat64()
		slow := math.Sin(2*math.Pi*float64(k)/knots*3 + phase)
		w.rate[k] = base * math.Max(0.04, 1+jitter*(0.7*drift+0.8*slow))
		if k > 0 {
			w.sum[k] = w.sum[k-1] + (w.rate[k-1]+w.rate[k])/2*knotSeconds
		}
	}
	return w
}

// count is the counter after so much time.
func (w *wave) count(after time.Duration) uint64 {
	k, rest := math.Modf(after.Seconds() / knotSeconds)
	turns, at := int(k)/knots, int(k)%knots
	since := (w.rate[at] + (w.rate[at+1]-w.rate[at])/2*rest) * rest * knotSeconds
	return uint64(float64(turns)*w.sum[knots] + w.sum[at] + since)
}

// level is a gauge: the rate itself.
func (w *wave) level(after time.Duration) float64 {
	k, rest := math.Modf(after.Seconds() / knotSeconds)
	at := int(k) % knots
	return w.rate[at] + (w.rate[at+1]-w.rate[at])*rest
}
