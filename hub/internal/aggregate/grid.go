package aggregate

import (
	"math"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A grid is the list of times at which rounds are due, going back from the
// latest. It is the same for every history of one view.
//
// A round is not held exactly when it is due. Its rows belong to the nearest
// time of the grid, at most half an interval away: small delays do not show, a
// round that was left out is a gap, and a drift that adds up to half an
// interval shows as one gap or as one point that two rounds share.
type grid struct {
	last     time.Time
	interval time.Duration
	points   int
	since    time.Time // rows from before it are not for the reader
}

// newGrid covers the window before the round, and no more than the hub keeps.
func newGrid(r *hub.Round, window time.Duration) grid {
	interval := max(r.Interval, time.Millisecond)
	if window <= 0 || r.Window > 0 && window > r.Window {
		window = r.Window
	}
	return grid{
		last:     r.Time.Round(0), // rows were stored, so they have no monotonic reading
		interval: interval,
		points:   max(1, int(window/interval)),
	}
}

func (g grid) times() []time.Time {
	times := make([]time.Time, g.points)
	for i := range times {
		times[i] = g.last.Add(-time.Duration(g.points-1-i) * g.interval)
	}
	return times
}

// bounds are the earliest and the latest time of a row on the grid.
func (g grid) bounds() (from, to time.Time) {
	first := g.last.Add(-time.Duration(g.points-1) * g.interval)
	from, to = first.Add(-g.interval/2), g.last.Add(g.interval/2)
	if from.Before(g.since) {
		from = g.since
	}
	return from, to
}

// index returns the point nearest to t, false if t lies beyond the grid.
func (g grid) index(t time.Time) (int, bool) {
	back := int(math.Round(float64(g.last.Sub(t)) / float64(g.interval)))
	i := g.points - 1 - back
	return i, i >= 0 && i < g.points
}

// bucket returns how many points make one, so that a bucket is at least step
// wide and there are at most maxPoints; 0 asks for nothing.
func (g grid) bucket(step time.Duration, maxPoints int) int {
	size := 1
	if step > g.interval {
		size = int((step + g.interval - 1) / g.interval)
	}
	if maxPoints > 0 {
		size = max(size, (g.points+maxPoints-1)/maxPoints)
	}
	return size
}
