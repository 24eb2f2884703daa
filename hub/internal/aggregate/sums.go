package aggregate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Sum adds up the frames of one round, at most one of each node, so that no
// reader of the history has to: the cluster is the sum of its nodes' own rows,
// a namespace and each of its workloads that of their pods'. The workloads of a
// namespace are kept together. A node's own row is among the sums, apart from
// all that runs there. Reporting counts the rows of each sum; what nobody
// reports has none.
func Sum(round time.Time, frames []*hub.Frame) []hub.Sums {
	r := roundSums{groups: make(map[hub.Series]*group)}
	cluster := newGroup(clusterSeries())
	for _, f := range frames {
		for i := range f.Rows {
			switch row := &f.Rows[i]; row.Series.Kind {
			case hub.KindNode:
				cluster.add(clusterSeries(), row)
				node := newGroup(row.Series)
				node.add(row.Series, row)
				r.sums = append(r.sums, node.done(round))
			case hub.KindPod:
				r.addPod(row)
			}
		}
	}
	if len(cluster.rows) > 0 {
		r.sums = append(r.sums, cluster.done(round))
	}
	for _, of := range slices.SortedFunc(maps.Keys(r.groups), bySums) {
		r.sums = append(r.sums, r.groups[of].done(round))
	}
	return r.sums
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

// A roundSums is one Sum being worked out.
type roundSums struct {
	sums   []hub.Sums
	groups map[hub.Series]*group // of namespaces
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
		r.group(workloadsSeries(s.Namespace)).add(hub.Series{Kind: hub.KindWorkload, Namespace: s.Namespace, OwnerKind: s.OwnerKind, OwnerName: s.OwnerName}, row)
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

// add adds a row to the sum of that name. A sum of one row is the row itself,
// if it is about the same.
func (g *group) add(to hub.Series, row *hub.Row) {
	i, ok := g.index[to]
	if !ok {
		i = len(g.rows)
		g.index[to] = i
		g.rows = append(g.rows, hub.Row{Series: to, Usage: hub.NewUsage()})
	}
	total := &g.rows[i]
	total.Reporting++
	if to == row.Series {
		total.Usage.Values = row.Usage.Values
	} else {
		total.Usage.Values.Add(&row.Usage.Values)
	}
	total.Usage.OverSeconds = max(total.Usage.OverSeconds, row.Usage.OverSeconds)
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
