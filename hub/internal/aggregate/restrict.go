package aggregate

import (
	"maps"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// Restrict returns the view as readers of that scope have it. Pods, workloads
// and namespaces out of the scope are not in it, nor nodes if they are not; what
// is left is shared with the view. The view of everything is the view itself.
//
// The node and the cluster data of who may see nodes are whole, whatever
// namespaces run there. Of the cluster the others have the sum of the pods that
// they may see, without what the nodes use for themselves.
func Restrict(v *hub.View, scope hub.Scope) *hub.View {
	if scope.IsEverything() {
		return v
	}
	cut := &hub.View{
		Round: v.Round, Scope: scope,
		Pods:       only(v.Pods, func(item *hub.Item) bool { return scope.Has(item.Namespace) }),
		Namespaces: only(v.Namespaces, func(item *hub.Item) bool { return scope.Has(item.Name) }),
		Workloads:  only(v.Workloads, func(item *hub.Item) bool { return scope.Has(item.Namespace) }),
	}
	if scope.Nodes {
		cut.Nodes, cut.Cluster = v.Nodes, v.Cluster
		return cut
	}
	cut.Cluster = visibleCluster(cut.Pods)
	return cut
}

func only(items []*hub.Item, keep func(*hub.Item) bool) []*hub.Item {
	var kept []*hub.Item
	for _, item := range items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// visibleCluster sums the pods that a reader without nodes may see: it is also
// the sum of his namespaces, as what has no name is in none.
func visibleCluster(pods []*hub.Item) *hub.Item {
	s := newSum(string(hub.KindCluster), "", "cluster")
	for _, pod := range pods {
		if pod.Namespace != "" && !hasEnded(pod) {
			s.add(pod)
		}
	}
	item := s.done("pods")
	item.Pods = &s.count
	for _, name := range []string{"nodes", "capacity", "allocatable"} {
		unavailable(item, name, "it takes the right to list nodes; this is the sum of the pods that you may see")
	}
	return item
}

// readNamespaces puts the sum of the namespaces' sums on the grid, round by
// round. A namespace that is gone is not among them: who may see its pods can
// no longer be known.
func (s *series) readNamespaces(kept Kept, v *hub.View) error {
	rounds := make(map[int64]*hub.Sums)
	for _, namespace := range v.Namespaces {
		of, g := namespaceSeries(namespace.Name), s.grid
		if !v.Scope.AllNamespaces {
			g.since = namespace.Created
		}
		from, to := g.bounds()
		for sums, err := range kept.Sums(of, func(s *hub.Series) bool { return *s == of }, from, to) {
			if err != nil {
				return err
			}
			addRound(rounds, sums)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(rounds)) {
		total := rounds[at]
		if total.Rows[0].Parts.Count == 0 {
			total.Rows[0].Usage = zeroUsage()
		}
		s.put(total.Time, &total.Rows[0])
	}
	return nil
}

// addRound adds the sums of one round to that round's total. What is over
// nothing adds nothing: its 0 would make the sum of what is unknown one.
func addRound(rounds map[int64]*hub.Sums, sums *hub.Sums) {
	total := rounds[sums.Time.UnixNano()]
	if total == nil {
		total = &hub.Sums{Time: sums.Time, Rows: []hub.Row{{Series: clusterSeries(), Usage: hub.NewUsage()}}}
		rounds[sums.Time.UnixNano()] = total
	}
	sum := &total.Rows[0]
	for i := range sums.Rows {
		row := &sums.Rows[i]
		if row.Parts.Count == 0 {
			continue
		}
		sum.Parts.Count += row.Parts.Count
		sum.Parts.Reporting += row.Parts.Reporting
		sum.Usage.Values.Add(&row.Usage.Values)
	}
}
