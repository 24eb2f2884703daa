package aggregate

import (
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A podSeries collects a pod's rows, and those of its containers.
type podSeries struct {
	*series
	grid       grid
	containers map[string]*series // nil if they are not wanted
	current    string             // UID of the pod that has the name now
}

func newPodSeries(g grid, item *hub.Item, containers bool) *podSeries {
	p := &podSeries{series: newSeries(g, false), grid: g}
	if item != nil {
		p.current = item.UID
	}
	if containers {
		p.containers = make(map[string]*series)
	}
	return p
}

// read puts the rows that match on the grid. It decodes each of a node's rounds
// once, for all of them.
func (p *podSeries) read(kept Kept, node string, match func(*hub.Series) bool) error {
	from, to := p.grid.bounds()
	for frame, err := range kept.Frames(node, match, from, to) {
		if err != nil {
			return err
		}
		for i := range frame.Rows {
			p.put(frame.Time, &frame.Rows[i])
		}
	}
	return nil
}

func (p *podSeries) put(at time.Time, row *hub.Row) {
	s := p.series
	if row.Series.Kind == hub.KindContainer {
		name := row.Series.Container
		if s = p.containers[name]; s == nil {
			s = newSeries(p.grid, false)
			p.containers[name] = s
		}
	}
	s.putPod(at, row, p.current)
}

func (p *podSeries) done(size int) *hub.History {
	h := p.series.done(size)
	for name, s := range p.containers {
		if h.Containers == nil {
			h.Containers = make(map[string]*hub.History, len(p.containers))
		}
		h.Containers[name] = s.done(size)
	}
	return h
}
