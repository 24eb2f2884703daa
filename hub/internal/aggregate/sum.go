package aggregate

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// A sum is the item of a whole, while its parts are added.
type sum struct {
	item  *hub.Item
	usage hub.Usage
	count hub.Count
	// shares are those of the parts that report.
	shares shares
	state  int // rank of the best part's
}

// states are the states of a part by rank, the best first.
func states() []string {
	return []string{hub.StateOK, hub.StateStale, hub.StateUnsupported, hub.StatePending, hub.StateDown}
}

func newSum(kind, namespace, name string) *sum {
	return &sum{
		item:  &hub.Item{Kind: kind, Namespace: namespace, Name: name},
		usage: hub.NewUsage(),
		state: len(states()) - 1,
	}
}

// add counts a part, and adds its usage if it has a sample of this round.
func (s *sum) add(part *hub.Item) {
	s.count.Count++
	addResources(&s.item.Requests, part.Requests)
	addResources(&s.item.Limits, part.Limits)
	if i := slices.Index(states(), part.Status.State); i >= 0 {
		s.state = min(s.state, i)
	}
	if part.Status.State != hub.StateOK || part.Usage == nil {
		return
	}
	s.count.Reporting++
	addUsage(&s.usage, part.Usage)
	s.shares.add(part.Usage, part.Requests, part.Limits, part.Allocatable, part.Unlimited)
	s.oldest(&part.Status)
}

// oldest keeps the sample time of the oldest part, which is as old as the sum.
func (s *sum) oldest(part *hub.Status) {
	status := &s.item.Status
	if status.SampleTime.IsZero() || part.SampleTime.Before(status.SampleTime) {
		status.SampleTime = part.SampleTime
	}
	if status.AgeSeconds == nil || part.AgeSeconds != nil && *part.AgeSeconds > *status.AgeSeconds {
		status.AgeSeconds = part.AgeSeconds
	}
}

// done ends the sum over parts of that noun. Its state is that of its best
// part; one that is not complete says so in its reason.
func (s *sum) done(noun string) *hub.Item {
	item, count := s.item, s.count
	item.Ratios = s.shares.ratiosOf(item)
	if count.Count == 0 {
		s.usage, s.state = zeroUsage(), 0
	}
	item.Status.State = states()[s.state]
	if count.Reporting < count.Count {
		item.Status.Reason = fmt.Sprintf("%d of %d %s reporting", count.Reporting, count.Count, noun)
	}
	if count.Count > 0 && count.Reporting == 0 {
		unavailable(item, "usage", item.Status.Reason)
		return item
	}
	settle(&s.usage, noun)
	item.Usage, item.Unavailable = &s.usage, s.usage.Unavailable
	return item
}

// namespaceItems sums the pods of each namespace of the API server, and of
// those known from pods only.
func (a *answer) namespaceItems(pods []*hub.Item) []*hub.Item {
	sums := make(map[string]*sum)
	of := func(name string) *sum {
		if sums[name] == nil {
			sums[name] = newSum(string(hub.KindNamespace), "", name)
		}
		return sums[name]
	}
	for _, n := range a.inv.Namespaces {
		item := of(n.Name).item
		item.Labels, item.Created = n.Labels, n.Created
	}
	for _, pod := range pods {
		if pod.Namespace == "" {
			continue
		}
		if s := of(pod.Namespace); !hasEnded(pod) {
			s.add(pod)
		}
	}
	return podSums(sums)
}

// A workloadKey names a workload: names are unique by kind in a namespace.
type workloadKey struct{ namespace, kind, name string }

// workloadItems sums the pods of each workload of the API server, and of each
// owner known from its pods only: custom kinds, and pods that own themselves.
func (a *answer) workloadItems(pods []*hub.Item) []*hub.Item {
	sums := make(map[workloadKey]*sum, len(a.inv.Workloads))
	of := func(k workloadKey) *sum {
		if sums[k] == nil {
			sums[k] = newSum(k.kind, k.namespace, k.name)
		}
		return sums[k]
	}
	for _, w := range a.inv.Workloads {
		item := of(workloadKey{w.Namespace, w.Kind, w.Name}).item
		item.UID, item.Labels = w.UID, w.Labels
	}
	for _, pod := range pods {
		if pod.Owner == nil {
			continue
		}
		s := of(workloadKey{pod.Namespace, pod.Owner.Kind, pod.Owner.Name})
		s.item.UID = cmp.Or(s.item.UID, pod.Owner.UID)
		if pod.Owner.Kind == string(hub.KindPod) {
			s.item.Labels = pod.Labels
		}
		if !hasEnded(pod) {
			s.add(pod)
		}
	}
	return podSums(sums)
}

func podSums[K comparable](sums map[K]*sum) []*hub.Item {
	items := make([]*hub.Item, 0, len(sums))
	for _, s := range sums {
		item := s.done("pods")
		item.Pods = &s.count
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b *hub.Item) int {
		return cmp.Or(
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return items
}

// clusterItem sums the nodes: their own usage, which holds everything that
// runs on them.
func clusterItem(nodes, pods []*hub.Item) *hub.Item {
	s := newSum(string(hub.KindCluster), "", "cluster")
	for _, node := range nodes {
		s.add(node)
		addResources(&s.item.Capacity, node.Capacity)
		addResources(&s.item.Allocatable, node.Allocatable)
	}
	item := s.done("nodes")
	item.Nodes = &s.count
	item.Pods = countPods(pods)
	return item
}

func countPods(pods []*hub.Item) *hub.Count {
	var count hub.Count
	for _, pod := range pods {
		countPod(&count, pod)
	}
	return &count
}

// countPod counts a pod, unless it has ended.
func countPod(count *hub.Count, pod *hub.Item) {
	if hasEnded(pod) {
		return
	}
	count.Count++
	if pod.Status.State == hub.StateOK && pod.Usage != nil {
		count.Reporting++
	}
}
