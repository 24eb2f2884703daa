package aggregate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kubemon/kubemon/hub"
)

// Answer works out every answer of one round: each node that has an agent or
// that the API server names, each pod of the API server and each that only an
// agent has seen, and their sums.
func Answer(r *hub.Round) *hub.View {
	inv := cmp.Or(r.Inventory, &hub.Inventory{})
	a := &answer{
		round:   r,
		inv:     inv,
		states:  make(map[string]*hub.NodeState, len(r.Nodes)),
		nodes:   make(map[string]*hub.Node, len(inv.Nodes)),
		matches: make(map[*hub.Pod]*match, len(inv.Pods)),
	}
	for i := range r.Nodes {
		a.states[r.Nodes[i].Node] = &r.Nodes[i]
	}
	for _, n := range a.inv.Nodes {
		a.nodes[n.Name] = n
	}
	view := &hub.View{Round: r, Scope: hub.Everything()}
	view.Pods = a.podItems()
	view.Nodes = a.nodeItems(view.Pods)
	view.Namespaces = a.namespaceItems(view.Pods)
	view.Workloads = a.workloadItems(view.Pods)
	view.Cluster = clusterItem(view.Nodes, view.Pods)
	return view
}

// An answer is one Answer being worked out.
type answer struct {
	round   *hub.Round
	inv     *hub.Inventory
	states  map[string]*hub.NodeState
	nodes   map[string]*hub.Node
	matches map[*hub.Pod]*match // of the pods that the API server names
}

// shown is the reading that may be shown of a node: its latest good one, as
// long as the node is not down.
func shown(s *hub.NodeState) *hub.Reading {
	if s == nil || s.Status.State == hub.StateDown {
		return nil
	}
	return s.Reading
}

func (a *answer) podItems() []*hub.Item {
	unresolved := a.unresolvedPods()
	items := make([]*hub.Item, 0, len(a.inv.Pods)+len(unresolved))
	for _, p := range a.inv.Pods {
		m := a.matches[p]
		if m == nil || ended(p) {
			m = &match{pod: p}
		}
		items = append(items, a.podItem(m))
	}
	if len(unresolved) == 0 {
		return items // in the inventory's order, which is this one
	}
	items = append(unresolved, items...)
	slices.SortStableFunc(items, byNamespaceAndName)
	return items
}

// unresolvedPods lists the pods that only an agent has seen, and fills
// matches with the others. A pod that has the name of one that the API server
// names is that one's predecessor, about to vanish: it is left out.
func (a *answer) unresolvedPods() []*hub.Item {
	var items []*hub.Item
	for i := range a.round.Nodes {
		state := &a.round.Nodes[i]
		reading := shown(state)
		if reading == nil {
			continue
		}
		for _, m := range join(reading, a.inv) {
			namespace, name, _ := m.identity()
			switch {
			case m.pod != nil:
				a.matches[m.pod] = m
			case !hasName(a.inv, namespace, name):
				items = append(items, a.unresolvedPod(m, state))
			}
		}
	}
	return items
}

// hasName reports whether the API server has a pod of that name, which is in the
// order of an inventory.
func hasName(inv *hub.Inventory, namespace, name string) bool {
	_, found := slices.BinarySearchFunc(inv.Pods, name, func(p *hub.Pod, name string) int {
		return cmp.Or(cmp.Compare(p.Namespace, namespace), cmp.Compare(p.Name, name))
	})
	return found
}

func (a *answer) unresolvedPod(m *match, state *hub.NodeState) *hub.Item {
	item := &hub.Item{
		Kind: string(hub.KindPod), Node: state.Node, Status: statusOn(state.Node, state.Status),
		HostNetwork: new(m.seen.HostNetwork),
		Usage:       m.usage(),
		Unavailable: maps.Clone(m.usage().Unavailable),
	}
	item.Namespace, item.Name, item.UID = m.identity()
	reason := "the API server has not shown this pod; its name is the agent's hint"
	if !a.inv.Connection.Configured {
		reason = "the hub runs without an API server; names are the agent's hints"
	}
	unavailable(item, "owner", reason)
	item.Containers = containerItems(m, "")
	return item
}

func (a *answer) podItem(m *match) *hub.Item {
	p := m.pod
	item := &hub.Item{
		Kind: string(hub.KindPod), Namespace: p.Namespace, Name: p.Name, UID: p.UID,
		Node: p.Node, Phase: p.Phase, HostNetwork: &p.HostNetwork,
		Requests: &p.Requests, Limits: &p.Limits, Unlimited: p.Unlimited,
		Labels: p.Labels,
		Status: a.podStatus(m),
		Usage:  m.usage(),
	}
	if p.Owner.Kind != "" {
		item.Owner = &p.Owner
	}
	missing := ""
	if item.Usage != nil {
		item.Unavailable = item.Usage.Unavailable
	} else {
		missing = item.Status.Reason
		unavailable(item, "usage", missing)
	}
	item.Ratios = itemRatios(item)
	item.Containers = containerItems(m, missing)
	return item
}

// podStatus says how far a pod's numbers can be trusted: as far as its node's,
// if the node has seen it.
func (a *answer) podStatus(m *match) hub.Status {
	p := m.pod
	switch {
	case ended(p):
		return hub.Status{State: hub.StateDown, Reason: "the pod has ended: " + phaseOf(p)}
	case p.Node == "":
		return hub.Status{State: hub.StatePending, Reason: "not scheduled to a node yet: " + phaseOf(p)}
	}
	if len(m.parts) > 0 || shown(a.states[p.Node]) == nil {
		return statusOn(p.Node, a.nodeStatus(p.Node))
	}
	return hub.Status{
		State:  hub.StatePending,
		Reason: fmt.Sprintf("node %s shows no control group of this pod: %s", p.Node, phaseOf(p)),
	}
}

// statusOn is what a node's status says of a pod on it. Why there is no sample is
// for who may see nodes, and left out: the cause may name addresses, keys, and
// accounts of other namespaces.
func statusOn(node string, status hub.Status) hub.Status {
	switch status.State {
	case hub.StateOK:
		status.Reason = ""
	case hub.StateUnsupported:
		status.Reason = "node " + node + " has no unified cgroup v2"
	default:
		status.Reason = "node " + node + " gave no sample"
	}
	return status
}

// phaseOf is the pod's phase and, if the API server gives one, its reason.
func phaseOf(p *hub.Pod) string {
	phase := cmp.Or(p.Phase, "Unknown")
	if p.Reason == "" {
		return phase
	}
	return phase + ", " + p.Reason
}

// containerItems lists the containers of a pod. Missing is why the pod has no
// usage, empty if it has some.
func containerItems(m *match, missing string) []*hub.ContainerItem {
	room := len(m.containers)
	if m.pod != nil {
		room = len(m.pod.Containers)
	}
	list, items := make([]hub.ContainerItem, 0, room), make([]*hub.ContainerItem, 0, room)
	for c := range m.members() {
		list = append(list, hub.ContainerItem{Name: c.name})
		item := &list[len(list)-1]
		if c.spec != nil {
			item.ID, item.Init, item.Restarts = c.spec.ID, c.spec.Init, c.spec.Restarts
			item.Requests, item.Limits = &c.spec.Requests, &c.spec.Limits
		}
		if c.seen != nil {
			item.ID, item.Usage = c.seen.ID, &c.seen.Usage
			item.Unavailable = c.seen.Usage.Unavailable
			item.Ratios = containerRatios(item)
		} else {
			item.Unavailable = map[string]string{"usage": whyUnseen(c.spec, missing)}
		}
		items = append(items, item)
	}
	return items
}

func whyUnseen(c *hub.Container, missing string) string {
	switch {
	case missing != "":
		return missing
	case !c.Running:
		return "the container is not running"
	}
	return "the node's latest sample has no control group of this container"
}

// unavailable adds a reason to an item whose map is its own.
func unavailable(item *hub.Item, name, reason string) {
	if item.Unavailable == nil {
		item.Unavailable = make(map[string]string)
	}
	item.Unavailable[name] = reason
}

func byNamespaceAndName(a, b *hub.Item) int {
	return cmp.Or(
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Node, b.Node),
	)
}
