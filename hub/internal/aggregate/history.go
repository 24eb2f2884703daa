package aggregate

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A Kept has what was kept: the rows that match, from one time to another. The
// frames are of one node, or of all if node is "", oldest first for each node.
type Kept interface {
	Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error]
	Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error]
}

// History gathers one thing's rows of the window that ends with the view's
// round, one point for each interval. A round without a row is a gap (NaN),
// never the value of another round. Of two rounds that share a point the later
// one counts.
//
// The rows of a node and of its modes, of a pod and of its containers come from frames, all
// others from the sums that Sum made; Reporting is how many rows each is a sum
// of, Count how many there could have been. The cluster of a view that Restrict
// made without nodes is the sum of its namespaces, in each round. For who may
// not see all namespaces, each begins when it was made. A thing that is gone has
// a history as long as the window has a row of it. History returns
// hub.ErrNotFound, with the thing's name, if there is neither a row nor such a
// thing in the view; whether the query is within the view's scope is for the
// caller to know.
func History(v *hub.View, kept Kept, q hub.HistoryQuery) (hub.History, error) {
	of, match, err := matcher(q)
	if err != nil {
		return hub.History{}, err
	}
	g := newGrid(v.Round, q.Window)
	g.since = beginOf(v, namespaceOf(q))
	item := find(v, q)
	var s interface {
		done(size int) *hub.History
	}
	switch q.Kind {
	case hub.KindPod:
		p := newPodSeries(g, item, q.Containers)
		s, err = p, p.read(kept, onlyNode(v, item, g), match)
	case hub.KindNode:
		node := newNodeSeries(g)
		s, err = node, node.read(kept, q.Name, match)
	default:
		sums := newSeries(g, true)
		if q.Kind == hub.KindCluster && !v.Scope.Nodes {
			s, err = sums, sums.readNamespaces(kept, v)
		} else {
			s, err = sums, sums.readSums(kept, of, match)
		}
	}
	if err != nil {
		return hub.History{}, fmt.Errorf("read history of %s: %w", describe(q), err)
	}
	h := s.done(g.bucket(q.Step, q.MaxPoints))
	if item == nil && h.Last.Kind == "" {
		return hub.History{}, fmt.Errorf("%s: %w", describe(q), hub.ErrNotFound)
	}
	return *h, nil
}

// matcher returns whether a series is what the query names, and among whose
// sums it is if it is one.
func matcher(q hub.HistoryQuery) (of hub.Series, match func(*hub.Series) bool, err error) {
	switch q.Kind {
	case hub.KindPod:
		return of, func(s *hub.Series) bool {
			return (s.Kind == hub.KindPod || q.Containers && s.Kind == hub.KindContainer) && s.Namespace == q.Namespace && s.Pod == q.Name
		}, nil
	case hub.KindWorkload:
		return workloadsSeries(q.Namespace), func(s *hub.Series) bool {
			return s.OwnerName == q.Name && strings.EqualFold(s.OwnerKind, q.OwnerKind)
		}, nil
	case hub.KindNode:
		return of, func(s *hub.Series) bool {
			_, isMode := hub.CPUModeOf(s.Kind)
			return s.Node == q.Name && (s.Kind == hub.KindNode || isMode)
		}, nil
	case hub.KindNamespace:
		of = namespaceSeries(q.Name)
	case hub.KindCluster:
		of = clusterSeries()
	default:
		return of, nil, fmt.Errorf("history of kind %q is not kept; it takes %s, %s, %s, %s or %s",
			q.Kind, hub.KindNode, hub.KindPod, hub.KindNamespace, hub.KindWorkload, hub.KindCluster)
	}
	return of, func(s *hub.Series) bool { return *s == of }, nil
}

// namespaceOf is whose rows the query asks for, "" for those of no single one.
func namespaceOf(q hub.HistoryQuery) string {
	if q.Kind == hub.KindNamespace {
		return q.Name
	}
	return q.Namespace
}

// beginOf is when the namespace was made. What was kept before is of another one
// that had the name, and is left to who may see all of them.
func beginOf(v *hub.View, namespace string) time.Time {
	if v.Scope.AllNamespaces {
		return time.Time{}
	}
	if item := find(v, hub.HistoryQuery{Kind: hub.KindNamespace, Name: namespace}); item != nil {
		return item.Created
	}
	return time.Time{}
}

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

// onlyNode returns the node that has all rows of the pod, "" if any may have
// some: a pod of the same name may have run elsewhere before this one.
func onlyNode(v *hub.View, item *hub.Item, g grid) string {
	from, _ := g.bounds()
	if item == nil || v.Round.Inventory == nil {
		return ""
	}
	pod, ok := v.Round.Inventory.PodByUID(item.Node, item.UID)
	if ok && !pod.Created.IsZero() && pod.Created.Before(from) {
		return item.Node
	}
	return ""
}
