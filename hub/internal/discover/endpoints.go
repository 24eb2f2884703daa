package discover

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/kubemon/kubemon/hub"
)

// portName is the agents' port in their service.
const portName = "snapshot"

// Created says when a pod was made; zero if that is not known.
type Created func(node, podUID string) time.Time

// A candidate is one endpoint of one slice, or one agent with all of them.
type candidate struct {
	agent       hub.Agent
	terminating bool
	family      discoveryv1.AddressType
	created     time.Time
}

// agentsOf picks one agent for each node out of the slices, in any order of
// those. An agent may be in several: in one for each address family, and in two
// while it moves between slices. A node has two agents while one replaces the
// other, or when two releases run on it.
func agentsOf(all []*discoveryv1.EndpointSlice, created Created) []hub.Agent {
	byPod := make(map[string][]candidate)
	for _, slice := range all {
		for _, c := range candidatesOf(slice) {
			key := cmp.Or(c.agent.PodUID, c.agent.Node, c.agent.URL)
			byPod[key] = append(byPod[key], c)
		}
	}
	byNode := make(map[string][]candidate)
	for endpoints := range maps.Values(byPod) {
		c := merge(endpoints)
		key := cmp.Or(c.agent.Node, c.agent.PodUID, c.agent.URL)
		byNode[key] = append(byNode[key], c)
	}
	var agents []hub.Agent
	for claimants := range maps.Values(byNode) {
		agents = append(agents, elect(claimants, created))
	}
	slices.SortFunc(agents, func(a, b hub.Agent) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.URL, b.URL))
	})
	return agents
}

// merge makes one agent of a pod's endpoints: the best one, and what the others
// know besides.
func merge(endpoints []candidate) candidate {
	slices.SortFunc(endpoints, compare)
	best := endpoints[0]
	for _, other := range endpoints[1:] {
		best.agent.Node = cmp.Or(best.agent.Node, other.agent.Node)
		if other.family != best.family {
			best.agent.Fallback = cmp.Or(best.agent.Fallback, other.agent.URL)
		}
	}
	return best
}

// elect picks a node's agent out of the pods that claim it. An endpoint has no
// age, so that of its pod decides, which the inventory knows.
func elect(claimants []candidate, created Created) hub.Agent {
	if len(claimants) == 1 {
		return claimants[0].agent
	}
	for i, c := range claimants {
		claimants[i].created = created(c.agent.Node, c.agent.PodUID)
	}
	slices.SortFunc(claimants, compare)
	agent := claimants[0].agent
	for _, rival := range claimants[1:] {
		if !rival.terminating {
			agent.Rivals++
		}
	}
	return agent
}

func candidatesOf(slice *discoveryv1.EndpointSlice) []candidate {
	port, ok := portOf(slice.Ports)
	if !ok || slice.AddressType == discoveryv1.AddressTypeFQDN {
		return nil
	}
	var list []candidate
	for _, e := range slice.Endpoints {
		if len(e.Addresses) == 0 {
			continue
		}
		c := candidate{family: slice.AddressType, terminating: isTrue(e.Conditions.Terminating)}
		c.agent = hub.Agent{
			URL:   "http://" + net.JoinHostPort(e.Addresses[0], port), // the API says: the first only
			Ready: e.Conditions.Ready == nil || *e.Conditions.Ready,   // the API says: unknown is ready
		}
		if e.NodeName != nil {
			c.agent.Node = *e.NodeName
		}
		if e.TargetRef != nil {
			c.agent.PodUID = string(e.TargetRef.UID)
		}
		list = append(list, c)
	}
	return list
}

// portOf is the port of that name, else the first that has a number.
func portOf(ports []discoveryv1.EndpointPort) (string, bool) {
	first := ""
	for _, p := range ports {
		if p.Port == nil {
			continue
		}
		number := strconv.Itoa(int(*p.Port))
		if p.Name != nil && *p.Name == portName {
			return number, true
		}
		first = cmp.Or(first, number)
	}
	return first, first != ""
}

// compare puts first what should be asked: an agent that stays before one that
// is about to end, a ready one before one that is not, the newest pod before
// older ones and one of unknown age, IPv4 before IPv6. What is equal so far is
// told apart in a way that stays the same from round to round.
func compare(a, b candidate) int {
	return cmp.Or(
		trueLast(a.terminating, b.terminating),
		trueLast(!a.agent.Ready, !b.agent.Ready),
		b.created.Compare(a.created),
		cmp.Compare(a.family, b.family),
		cmp.Compare(a.agent.PodUID, b.agent.PodUID),
		cmp.Compare(a.agent.URL, b.agent.URL),
		cmp.Compare(b.agent.Node, a.agent.Node), // a name before none
	)
}

func trueLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func isTrue(b *bool) bool { return b != nil && *b }
