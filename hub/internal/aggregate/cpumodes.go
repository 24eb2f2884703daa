package aggregate

import (
	"math"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A nodeSeries collects a node's rows, and those of its processors by mode.
type nodeSeries struct {
	*series
	modes *hub.CPUModeHistory // of the history
}

func newNodeSeries(g grid) *nodeSeries {
	n := &nodeSeries{newSeries(g, false), &hub.CPUModeHistory{Values: new(hub.CPUModeColumns)}}
	for m := range n.modes.Values {
		n.modes.Values[m] = slices.Repeat([]float64{math.NaN()}, g.points)
	}
	n.history.CPUModes = n.modes
	return n
}

// read puts the rows that match on the grid. They come in order, so a later
// round takes the place of an earlier one.
func (n *nodeSeries) read(kept Kept, node string, match func(*hub.Series) bool) error {
	from, to := n.grid.bounds()
	for frame, err := range kept.Frames(node, match, from, to) {
		if err != nil {
			return err
		}
		n.putFrame(frame.Time, frame.Rows)
	}
	return nil
}

// putFrame puts one round on the grid: what it does not say of a mode is not
// known, whatever an earlier round said on that point.
func (n *nodeSeries) putFrame(at time.Time, rows []hub.Row) {
	index, ok := n.grid.index(at)
	if !ok {
		return
	}
	modes := hub.UnknownCPUModes()
	for i := range rows {
		if mode, ok := hub.CPUModeOf(rows[i].Series.Kind); ok {
			modes[mode] = rows[i].Usage.Values[hub.CPUMillicores]
		} else {
			n.put(at, &rows[i])
		}
	}
	for mode, millicores := range modes {
		n.modes.Values[mode][index] = millicores
	}
}

func (n *nodeSeries) done(size int) *hub.History {
	for m, values := range n.modes.Values {
		n.modes.Summary[m] = Summarize(values)
	}
	return n.series.done(size)
}
