package aggregate

import (
	"math"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A series collects rows on a grid.
type series struct {
	grid     grid
	history  hub.History
	lastTime time.Time // of history.Last
	points   []point
}

// A point says whose row is on a point of the grid.
type point struct {
	time time.Time
	uid  string
}

func newSeries(g grid, isSum bool) *series {
	s := &series{grid: g, points: make([]point, g.points)}
	s.history.Times = g.times()
	for m := range s.history.Values {
		s.history.Values[m] = slices.Repeat([]float64{math.NaN()}, g.points)
	}
	if isSum {
		s.history.Reporting, s.history.Count = make([]int, g.points), make([]int, g.points)
	}
	return s
}

// readSums puts the one row that matches of each round on the grid. They come
// in order, so a later round takes the place of an earlier one.
func (s *series) readSums(kept Kept, of hub.Series, match func(*hub.Series) bool) error {
	from, to := s.grid.bounds()
	for sums, err := range kept.Sums(of, match, from, to) {
		if err != nil {
			return err
		}
		for i := range sums.Rows {
			s.put(sums.Time, &sums.Rows[i])
		}
	}
	return nil
}

// done ends the collecting: the summary is of every round, the points are of
// size rounds each.
func (s *series) done(size int) *hub.History {
	for m := range s.history.Values {
		s.history.Summary[m] = Summarize(s.history.Values[m])
	}
	thin(&s.history, size)
	return &s.history
}

// putPod puts a row of a pod or of its container on the grid. Of two pods that
// had the name in the same round, the one that has it now counts.
func (s *series) putPod(at time.Time, row *hub.Row, current string) {
	index, ok := s.grid.index(at)
	if !ok {
		return
	}
	before, uid := s.points[index], row.Series.PodUID
	if before.uid == current && uid != current && !before.time.IsZero() {
		s.remember(at, row)
		return
	}
	if uid == current && before.uid != current || !at.Before(before.time) {
		s.put(at, row)
	}
}

// put makes the row that of its point.
func (s *series) put(at time.Time, row *hub.Row) {
	index, ok := s.grid.index(at)
	if !ok {
		return
	}
	s.remember(at, row)
	s.points[index] = point{time: at, uid: row.Series.PodUID}
	for m, value := range row.Usage.Values {
		s.history.Values[m][index] = value
	}
	if s.history.Reporting != nil {
		s.history.Reporting[index], s.history.Count[index] = row.Parts.Reporting, row.Parts.Count
	}
}

// remember keeps the newest series, for a thing that is gone.
func (s *series) remember(at time.Time, row *hub.Row) {
	if s.history.Last.Kind == "" || !at.Before(s.lastTime) {
		s.history.Last, s.lastTime = row.Series, at
	}
}
