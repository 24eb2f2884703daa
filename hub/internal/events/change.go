package events

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubemon/kubemon/hub"
)

// The reasons of events; people and tools search for them.
const (
	agentAttached = "AgentAttached"
	agentSilent   = "AgentSilent"
	agentReturned = "AgentReturned"
)

// maxMessageBytes keeps a message within what the API takes.
const maxMessageBytes = 1000

// A change is what an event tells.
type change struct {
	node, uid             string
	kind, reason, message string
}

// An agent is what was seen of one node's.
type agent struct {
	silent bool
	// sampled is when the latest sample was taken.
	sampled time.Time
}

// agents are those of which there was a sample, by node.
type agents map[string]*agent

// changes compares a round with the rounds before it.
func (a agents) changes(round *hub.Round) []change {
	objects := make(map[string]*hub.Node)
	if round.Inventory != nil {
		for _, node := range round.Inventory.Nodes {
			objects[node.Name] = node
		}
	}
	var list []change
	there := make(map[string]bool, len(round.Nodes))
	for i := range round.Nodes {
		n := &round.Nodes[i]
		there[n.Node] = true
		object := objects[n.Node]
		c, changed := a.change(n, isNewer(n, object, round))
		if !changed || object == nil {
			continue // there is no Node that an event could be on
		}
		c.node, c.uid = n.Node, cmp.Or(object.UID, object.Name)
		list = append(list, c)
	}
	for node := range a {
		if !there[node] {
			delete(a, node)
		}
	}
	return list
}

// change brings what is known of the node up to date, and tells what is worth
// an event. newer says whether the node's agent is newer than the hub.
func (a agents) change(n *hub.NodeState, newer bool) (c change, changed bool) {
	before := a[n.Node]
	switch n.Status.State {
	case hub.StateDown:
		if before == nil || before.silent {
			return change{}, false
		}
		before.silent = true
		return change{kind: corev1.EventTypeWarning, reason: agentSilent,
			message: cut("kubemon can no longer read this node: " + n.Status.Reason)}, true
	case hub.StateOK, hub.StateUnsupported:
		a[n.Node] = &agent{sampled: n.Health.LastSample}
		switch {
		case before == nil && newer:
			return change{kind: corev1.EventTypeNormal, reason: agentAttached,
				message: fmt.Sprintf("kubemon reads this node; its first sample came %s after its agent was seen",
					max(0, n.Health.FirstStored.Sub(n.Health.FirstSeen)).Round(100*time.Millisecond))}, true
		case before != nil && before.silent:
			return change{kind: corev1.EventTypeNormal, reason: agentReturned,
				message: fmt.Sprintf("kubemon reads this node again, after %s without a sample",
					n.Health.LastSample.Sub(before.sampled).Round(time.Second))}, true
		}
	}
	return change{}, false
}

// isNewer reports whether the agent's pod was made after the hub started; where
// that is not known, the node.
func isNewer(n *hub.NodeState, object *hub.Node, round *hub.Round) bool {
	if object == nil {
		return false
	}
	if pod, ok := round.Inventory.PodByUID(n.Node, n.Agent.PodUID); ok {
		return pod.Created.After(round.Started)
	}
	return object.Created.After(round.Started)
}

func cut(message string) string {
	if len(message) <= maxMessageBytes {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessageBytes], "") + "…"
}
