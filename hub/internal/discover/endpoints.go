package discover

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/kubemon/kubemon/hub"
)

// portName is the agents' port in their service.
const portName = "snapshot"

// podFinder finds a node's pod; that of an inventory is PodByUID.
type podFinder func(node, podUID string) (*hub.Pod, bool)

// A candidate is one endpoint of one slice, or one agent with all of them.
type candidate struct {
	agent       hub.Agent
	terminating bool
	family      discoveryv1.AddressType
	created     time.Time
}

// agentsOf picks one agent for each node out of the slices, in any order of
// those, and says which endpoints it refuses. An agent may be in several slices:
// in one for each address family, and in two while it moves between slices. A
// node has two agents while one replaces the other, or when two releases run on
// it.
func agentsOf(all []*discoveryv1.EndpointSlice, pods podFinder) (agents []hub.Agent, refused []string) {
	byPod := make(map[string][]candidate)
	for _, slice := range all {
		candidates, not := candidatesOf(slice)
		refused = append(refused, not...)
		for _, c := range candidates {
			byPod[c.agent.PodUID] = append(byPod[c.agent.PodUID], c)
		}
	}
	byNode := make(map[string][]candidate)
	for uid, endpoints := range byPod {
		c := merge(endpoints)
		if c.agent.Node == "" {
			refused = append(refused, fmt.Sprintf("pod %s: no slice names its node", uid))
			continue
		}
		byNode[c.agent.Node] = append(byNode[c.agent.Node], c)
	}
	for claimants := range maps.Values(byNode) {
		agents = append(agents, elect(claimants, pods))
	}
	slices.SortFunc(agents, func(a, b hub.Agent) int { return cmp.Compare(a.Node, b.Node) })
	slices.Sort(refused)
	return agents, refused
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

// elect picks a node's agent out of the pods that claim it. An endpoint has
// neither age nor container, so those of its pod count, which the inventory
// knows.
func elect(claimants []candidate, pods podFinder) hub.Agent {
	for i := range claimants {
		c := &claimants[i]
		if pod, ok := pods(c.agent.Node, c.agent.PodUID); ok {
			c.created = pod.Created
			c.agent.Container = mainContainer(pod)
		}
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

// mainContainer is the ID of the first container that is to run as long as the
// pod does, empty before it is made.
func mainContainer(pod *hub.Pod) string {
	for i := range pod.Containers {
		if c := &pod.Containers[i]; !c.Init && !c.Ephemeral {
			return c.ID
		}
	}
	return ""
}

// candidatesOf are the slice's endpoints that may be agents, and why the others
// are not.
func candidatesOf(slice *discoveryv1.EndpointSlice) (list []candidate, refused []string) {
	scheme, port, ok := portOf(slice.Ports)
	if !ok {
		return nil, nil
	}
	for i := range slice.Endpoints {
		e := &slice.Endpoints[i]
		address, err := addressOf(slice, e)
		if err == nil {
			err = checkTarget(slice, e)
		}
		if err != nil {
			refused = append(refused, fmt.Sprintf("slice %s: %v", slice.Name, err))
			continue
		}
		c := candidate{family: slice.AddressType, terminating: isTrue(e.Conditions.Terminating)}
		c.agent = hub.Agent{
			URL:    scheme + "://" + net.JoinHostPort(address.String(), port),
			PodUID: string(e.TargetRef.UID),
			Ready:  e.Conditions.Ready == nil || *e.Conditions.Ready, // the API says: unknown is ready
		}
		if e.NodeName != nil {
			c.agent.Node = *e.NodeName
		}
		list = append(list, c)
	}
	return list, refused
}

// portOf is the port of that name, else the first that has a number, and the
// scheme of what listens there: EndpointPort.appProtocol, which is the Service
// port's, says https.
func portOf(ports []discoveryv1.EndpointPort) (scheme, number string, ok bool) {
	for _, p := range ports {
		if p.Port == nil {
			continue
		}
		named := p.Name != nil && *p.Name == portName
		if ok && !named {
			continue
		}
		scheme, number, ok = "http", strconv.Itoa(int(*p.Port)), true
		if p.AppProtocol != nil && strings.EqualFold(*p.AppProtocol, "https") {
			scheme = "https"
		}
		if named {
			break
		}
	}
	return scheme, number, ok
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
