package aggregate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Sum adds up the frames of the view's round, at most one of each node, so that
// no reader of the history has to: the cluster is the sum of its nodes' own
// rows, a namespace and each of its workloads that of their pods'. The
// workloads of a namespace are kept together.
//
// The sums are those of the view: of nodes whose state is not ok nothing is
// added, nor the row of a pod that another one of its name has replaced, Parts
// counts what is, and how many there are, and the sum over no part at all is 0.
func Sum(v *hub.View, frames []*hub.Frame) []hub.Sums {
	r := roundSums{inv: cmp.Or(v.Round.Inventory, &hub.Inventory{}), groups: make(map[hub.Series]*group)}
	states := make(map[string]string, len(v.Round.Nodes))
	for i := range v.Round.Nodes {
		states[v.Round.Nodes[i].Node] = v.Round.Nodes[i].Status.State
	}
	for _, f := range frames {
		if cmp.Or(states[f.Node], hub.StateOK) == hub.StateOK {
			r.addFrame(f)
		}
	}
	r.count(v)
	var sums []hub.Sums
	for _, of := range slices.SortedFunc(maps.Keys(r.groups), bySums) {
		sums = append(sums, r.groups[of].done(v.Round.Time))
	}
	return sums
}

func bySums(a, b hub.Series) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind))
}

func clusterSeries() hub.Series { return hub.Series{Kind: hub.KindCluster} }

func namespaceSeries(namespace string) hub.Series {
	return hub.Series{Kind: hub.KindNamespace, Namespace: namespace}
}

// workloadsSeries is whose sums those of a namespace's workloads are.
func workloadsSeries(namespace string) hub.Series {
	return hub.Series{Kind: hub.KindWorkload, Namespace: namespace}
}

func workloadSeries(namespace, kind, name string) hub.Series {
	return hub.Series{Kind: hub.KindWorkload, Namespace: namespace, OwnerKind: kind, OwnerName: name}
}

// A roundSums is one Sum being worked out.
type roundSums struct {
	inv    *hub.Inventory // of the view
	groups map[hub.Series]*group
}

// addFrame adds the rows of a node and of its pods to their sums.
func (r *roundSums) addFrame(f *hub.Frame) {
	for i := range f.Rows {
		switch row := &f.Rows[i]; row.Series.Kind {
		case hub.KindNode:
			r.group(clusterSeries()).add(clusterSeries(), row)
		case hub.KindPod:
			if !r.isReplaced(f.Node, &row.Series) {
				r.addPod(row)
			}
		}
	}
}

// isReplaced reports whether the API server has a pod of that name, and not this
// one on the node: see unresolvedPods.
func (r *roundSums) isReplaced(node string, s *hub.Series) bool {
	_, known := r.inv.PodByUID(node, s.PodUID)
	return !known && hasName(r.inv, s.Namespace, s.Pod)
}

// addPod adds a pod's row to its namespace and to its workload, if it is known
// to be in one.
func (r *roundSums) addPod(row *hub.Row) {
	s := &row.Series
	if s.Namespace == "" {
		return
	}
	of := namespaceSeries(s.Namespace)
	r.group(of).add(of, row)
	if s.OwnerName != "" {
		r.group(workloadsSeries(s.Namespace)).add(workloadSeries(s.Namespace, s.OwnerKind, s.OwnerName), row)
	}
}

// count notes how many parts there are of everything, reporting or not.
func (r *roundSums) count(v *hub.View) {
	if v.Cluster != nil {
		r.group(clusterSeries()).count(clusterSeries(), v.Cluster.Nodes)
	}
	for _, item := range v.Namespaces {
		of := namespaceSeries(item.Name)
		r.group(of).count(of, item.Pods)
	}
	for _, item := range v.Workloads {
		r.group(workloadsSeries(item.Namespace)).count(workloadSeries(item.Namespace, item.Kind, item.Name), item.Pods)
	}
}

func (r *roundSums) group(of hub.Series) *group {
	g := r.groups[of]
	if g == nil {
		g = newGroup(of)
		r.groups[of] = g
	}
	return g
}

// A group is the sums that are kept together.
type group struct {
	of    hub.Series
	rows  []hub.Row
	index map[hub.Series]int
}

func newGroup(of hub.Series) *group { return &group{of: of, index: make(map[hub.Series]int)} }

// sum returns the sum of that name.
func (g *group) sum(of hub.Series) *hub.Row {
	i, ok := g.index[of]
	if !ok {
		i = len(g.rows)
		g.index[of] = i
		g.rows = append(g.rows, hub.Row{Series: of, Usage: hub.NewUsage()})
	}
	return &g.rows[i]
}

func (g *group) add(to hub.Series, row *hub.Row) {
	total := g.sum(to)
	total.Parts.Reporting++
	total.Parts.Count = max(total.Parts.Count, total.Parts.Reporting)
	total.Usage.Values.Add(&row.Usage.Values)
	total.Usage.OverSeconds = max(total.Usage.OverSeconds, row.Usage.OverSeconds)
}

// count notes how many parts a sum has by the view. The sum over none is 0.
func (g *group) count(of hub.Series, parts *hub.Count) {
	if parts == nil {
		return
	}
	total := g.sum(of)
	total.Parts.Count = max(total.Parts.Count, parts.Count)
	if total.Parts.Count == 0 {
		total.Usage = zeroUsage()
	}
}

// done returns the sums in the same order each round, which keeps them small.
func (g *group) done(round time.Time) hub.Sums {
	slices.SortFunc(g.rows, func(a, b hub.Row) int {
		return cmp.Or(
			cmp.Compare(a.Series.OwnerKind, b.Series.OwnerKind),
			cmp.Compare(a.Series.OwnerName, b.Series.OwnerName),
		)
	})
	return hub.Sums{Time: round, Of: g.of, Rows: g.rows}
}
