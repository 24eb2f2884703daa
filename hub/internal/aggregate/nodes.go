package aggregate

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// nodeItems lists the nodes that have an agent and those that the API server
// names, by name. Requests, limits and the count are those of the pods on them.
func (a *answer) nodeItems(pods []*hub.Item) []*hub.Item {
	names := make(map[string]*hub.Item)
	for name := range a.states {
		names[name] = a.nodeItem(name)
	}
	for name := range a.nodes {
		if names[name] == nil {
			names[name] = a.nodeItem(name)
		}
	}
	for _, pod := range pods {
		node := names[pod.Node]
		if node == nil || hasEnded(pod) {
			continue
		}
		addResources(&node.Requests, pod.Requests)
		addResources(&node.Limits, pod.Limits)
		node.Unlimited.CPU = node.Unlimited.CPU || pod.Unlimited.CPU
		node.Unlimited.Memory = node.Unlimited.Memory || pod.Unlimited.Memory
		countPod(node.Pods, pod)
	}
	items := make([]*hub.Item, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		names[name].Ratios = itemRatios(names[name])
		items = append(items, names[name])
	}
	return items
}

func (a *answer) nodeItem(name string) *hub.Item {
	item := &hub.Item{Kind: string(hub.KindNode), Name: name, Status: a.nodeStatus(name), Pods: new(hub.Count)}
	reading := shown(a.states[name])
	if reading != nil {
		item.Usage = &reading.Host.Usage
		item.Unavailable = maps.Clone(item.Usage.Unavailable)
		item.Reading = reading
	} else {
		unavailable(item, "usage", item.Status.Reason)
	}
	switch node := a.nodes[name]; {
	case node != nil:
		item.UID, item.Labels = node.UID, node.Labels
		item.Capacity, item.Allocatable = &node.Capacity, &node.Allocatable
	case reading != nil:
		item.Capacity = capacityOf(&reading.Host)
		unavailable(item, "allocatable", "the API server has not shown this node")
	}
	return item
}

// capacityOf is what the machine itself says it has.
func capacityOf(host *hub.HostReading) *hub.Resources {
	var r hub.Resources
	if host.CPUCount > 0 {
		r.CPUMillicores = new(float64(host.CPUCount) * 1000)
	}
	if host.MemoryTotalBytes > 0 {
		r.MemoryBytes = new(host.MemoryTotalBytes)
	}
	return &r
}

// nodeStatus is the state of the node's agent. A node without one is pending
// while it could still get one, and down when it is not Ready.
func (a *answer) nodeStatus(name string) hub.Status {
	if state := a.states[name]; state != nil {
		return state.Status
	}
	node := a.nodes[name]
	switch {
	case node == nil:
		return hub.Status{State: hub.StateDown, Reason: "no such node"}
	case !node.Ready:
		return hub.Status{State: hub.StateDown, Reason: "no agent on this node, which is " + notReady(node)}
	}
	return hub.Status{State: hub.StatePending, Reason: "no agent on this node"}
}

func notReady(n *hub.Node) string {
	if n.ReadySince.IsZero() {
		return "not Ready"
	}
	return fmt.Sprintf("not Ready since %s", n.ReadySince.UTC().Format(time.RFC3339))
}

// addResources adds part to a total that is nil until anything is known.
func addResources(total **hub.Resources, part *hub.Resources) {
	if part == nil {
		return
	}
	if *total == nil {
		*total = new(hub.Resources)
	}
	(*total).Add(*part)
}

func hasEnded(pod *hub.Item) bool {
	return pod.Phase == phaseSucceeded || pod.Phase == phaseFailed
}
