package aggregate

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Frames are the rows that were kept and that match: of one node, or of all if
// node is "", from one time to another, oldest first for each node.
type Frames interface {
	Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error]
}

// History gathers one thing's rows of the window that ends with the view's
// round, one point for each interval. A round without a row is a gap (NaN),
// never the value of another round.
//
// A sum adds, at each point, the rows of that round; Reporting counts them. A
// thing that is gone has a history as long as the window has a row of it.
// History returns hub.ErrNotFound, with the thing's name, if there is neither
// a row nor such a thing in the view.
func History(v *hub.View, frames Frames, q hub.HistoryQuery) (hub.History, error) {
	match, err := matcher(q)
	if err != nil {
		return hub.History{}, err
	}
	g := newGrid(v.Round, q.Window)
	item := find(v, q)
	s := newSeries(g, isSum(q.Kind))
	if item != nil {
		s.uid = item.UID
	}
	from, to := g.bounds()
	for frame, err := range frames.Frames(onlyNode(v, item, q, from), match, from, to) {
		if err != nil {
			return hub.History{}, fmt.Errorf("read history of %s: %w", describe(q), err)
		}
		s.take(frame)
	}
	if item == nil && s.last.Kind == "" {
		return hub.History{}, fmt.Errorf("%s: %w", describe(q), hub.ErrNotFound)
	}
	return thin(s.done(), g.bucket(q.Step, q.MaxPoints)), nil
}

// matcher returns whether a series belongs to what the query names.
func matcher(q hub.HistoryQuery) (func(*hub.Series) bool, error) {
	switch q.Kind {
	case hub.KindNode:
		return func(s *hub.Series) bool { return s.Kind == hub.KindNode && s.Node == q.Name }, nil
	case hub.KindPod:
		return func(s *hub.Series) bool {
			return s.Kind == hub.KindPod && s.Namespace == q.Namespace && s.Pod == q.Name
		}, nil
	case hub.KindNamespace:
		return func(s *hub.Series) bool { return s.Kind == hub.KindPod && s.Namespace == q.Name }, nil
	case hub.KindWorkload:
		return func(s *hub.Series) bool {
			return s.Kind == hub.KindPod && s.Namespace == q.Namespace &&
				s.OwnerName == q.Name && strings.EqualFold(s.OwnerKind, q.OwnerKind)
		}, nil
	case hub.KindCluster:
		return func(s *hub.Series) bool { return s.Kind == hub.KindNode }, nil
	}
	return nil, fmt.Errorf("history of kind %q is not kept; it takes %s, %s, %s, %s or %s",
		q.Kind, hub.KindNode, hub.KindPod, hub.KindNamespace, hub.KindWorkload, hub.KindCluster)
}

func isSum(k hub.Kind) bool { return k != hub.KindNode && k != hub.KindPod }

// describe names what the query asks for, as an error does.
func describe(q hub.HistoryQuery) string {
	switch q.Kind {
	case hub.KindPod:
		return "pod " + q.Namespace + "/" + q.Name
	case hub.KindWorkload:
		return strings.ToLower(q.OwnerKind) + " " + q.Namespace + "/" + q.Name
	case hub.KindCluster:
		return "cluster"
	}
	return strings.ToLower(string(q.Kind)) + " " + q.Name
}

// find returns the item of the view that the query names, nil if none.
func find(v *hub.View, q hub.HistoryQuery) *hub.Item {
	var items []*hub.Item
	switch q.Kind {
	case hub.KindNode:
		items = v.Nodes
	case hub.KindPod:
		items = v.Pods
	case hub.KindNamespace:
		items = v.Namespaces
	case hub.KindWorkload:
		items = v.Workloads
	case hub.KindCluster:
		return v.Cluster
	}
	i := slices.IndexFunc(items, func(item *hub.Item) bool {
		return item.Name == q.Name && item.Namespace == q.Namespace &&
			(q.Kind != hub.KindWorkload || strings.EqualFold(item.Kind, q.OwnerKind))
	})
	if i < 0 {
		return nil
	}
	return items[i]
}

// onlyNode returns the node that has all rows of the query, "" if any may have
// some: a pod of the same name may have run elsewhere before this one.
func onlyNode(v *hub.View, item *hub.Item, q hub.HistoryQuery, from time.Time) string {
	switch {
	case q.Kind == hub.KindNode:
		return q.Name
	case q.Kind == hub.KindPod && item != nil && v.Round.Inventory != nil:
		pod, ok := v.Round.Inventory.PodByUID(item.Node, item.UID)
		if ok && !pod.Created.IsZero() && pod.Created.Before(from) {
			return item.Node
		}
	}
	return ""
}

// A series collects rows on a grid.
type series struct {
	grid     grid
	history  hub.History
	sum      bool
	uid      string // of the thing that has the name now
	last     hub.Series
	lastTime time.Time
	pending  map[string]*point // by node
	filled   []bool            // by index
}

// A point is what one node's frame adds to one point of the grid.
type point struct {
	index  int
	values hub.Values
	rows   int
	uid    string
}

func newSeries(g grid, isSum bool) *series {
	s := &series{grid: g, sum: isSum, pending: make(map[string]*point), filled: make([]bool, g.points)}
	s.history.Times = g.times()
	for m := range s.history.Values {
		s.history.Values[m] = slices.Repeat([]float64{math.NaN()}, g.points)
	}
	if isSum {
		s.history.Reporting = make([]int, g.points)
	}
	return s
}

// take adds a frame's rows. Two frames of one node on the same point
// come from rounds that drifted or from a second sample: the later one is the
// point's, so the earlier waits until it is clear that none follows.
func (s *series) take(frame *hub.Frame) {
	index, ok := s.grid.index(frame.Time)
	if !ok {
		return
	}
	p := &point{index: index, values: hub.Unknown()}
	for i := range frame.Rows {
		row := &frame.Rows[i]
		if s.last.Kind == "" || !frame.Time.Before(s.lastTime) {
			s.last, s.lastTime = row.Series, frame.Time
		}
		s.addRow(p, row)
	}
	if before := s.pending[frame.Node]; before != nil && before.index != index {
		s.add(before)
	}
	s.pending[frame.Node] = p
}

func (s *series) addRow(p *point, row *hub.Row) {
	switch {
	case s.sum:
		p.values.Add(&row.Usage.Values)
	case p.rows == 0 || p.uid != s.uid:
		p.values, p.uid = row.Usage.Values, row.Series.PodUID
	}
	p.rows++
}

// add puts a point on the grid: added up for a sum; for a single thing, of two
// pods that had the name in the same round, the one that has it now.
func (s *series) add(p *point) {
	if p.rows == 0 {
		return
	}
	values := p.values
	switch {
	case s.sum:
		values = s.at(p.index)
		values.Add(&p.values)
		s.history.Reporting[p.index] += p.rows
	case s.filled[p.index] && p.uid != s.uid:
		return
	}
	s.filled[p.index] = true
	for m, value := range values {
		s.history.Values[m][p.index] = value
	}
}

func (s *series) at(index int) hub.Values {
	var values hub.Values
	for m := range values {
		values[m] = s.history.Values[m][index]
	}
	return values
}

func (s *series) done() hub.History {
	for _, node := range slices.Sorted(maps.Keys(s.pending)) { // floats add up the same each time
		s.add(s.pending[node])
	}
	s.history.Last = s.last
	return s.history
}
