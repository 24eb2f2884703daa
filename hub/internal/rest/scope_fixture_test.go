package rest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// quarters are the namespaces of the view below. Whatever is in one has its name
// in its own, so that a body can be searched for what must not be in it.
func quarters() []string { return []string{"amber", "birch", "cedar", "delta"} }

// quarterView is worked out of a round with nodes in every state and, in each
// namespace, on each node a pod of a Deployment and one of a kind that nobody
// else has, and a pod that has ended. What only a node says has secret in it.
func quarterView() *hub.View {
	var pods []*hub.Pod
	var spaces []*hub.Namespace
	var owners []*hub.Workload
	nodes := []hub.NodeState{
		quarterNode("n1"), quarterNode("n2"), silentNode("n3", hub.StateStale), silentNode("n4", hub.StateDown),
		silentNode("n5", hub.StateUnsupported), silentNode("n6", hub.StatePending),
	}
	for _, name := range quarters() {
		spaces = append(spaces, &hub.Namespace{Name: name, Labels: map[string]string{"team": name}})
		owners = append(owners, &hub.Workload{Kind: "Deployment", Namespace: name, Name: name + "-web", UID: name + "-uid"})
		for i := range nodes {
			for _, kind := range []string{"Deployment", "Kind" + name} {
				p := quarterPod(name, nodes[i].Node, hub.Owner{Kind: kind, Name: name + "-web"})
				pods = append(pods, p)
				nodes[i].Reading.Pods = append(nodes[i].Reading.Pods, hub.PodReading{
					UID: p.UID, Usage: *usage(float64(10+len(pods)), 1<<20),
					Containers: []hub.ContainerReading{{ID: p.Containers[0].ID, Usage: *usage(5, 1<<19)}},
				})
			}
		}
		pods = append(pods, &hub.Pod{UID: name + "-done", Namespace: name, Name: name + "-done", Node: "n1", Phase: "Succeeded"})
	}
	inventory := hub.NewInventory(pods, []*hub.Node{
		{Name: "n1", UID: "secret-1", Ready: true, Capacity: *resources(4000, 1<<33), Allocatable: *resources(3900, 1<<32)},
		{Name: "n2", UID: "secret-2", Ready: true, Capacity: *resources(4000, 1<<33), Allocatable: *resources(3900, 1<<32)},
	}, spaces, owners, hub.Connection{Configured: true, Connected: true})
	round := testRound()
	round.Nodes, round.Inventory = nodes, inventory
	return aggregate.Answer(round)
}

func quarterNode(name string) hub.NodeState {
	return hub.NodeState{
		Node: name, Agent: hub.Agent{Node: name, URL: "https://secret." + name + ":10290"}, Status: ok(),
		Reading: &hub.Reading{Node: name, Mode: "unified", Warnings: []string{"secret"}, Host: hub.HostReading{Usage: *usage(900, 1<<30)}},
	}
}

// silentNode is one that gave no sample that could be used in the latest round,
// for a reason that is not for everybody.
func silentNode(name, state string) hub.NodeState {
	n := quarterNode(name)
	n.Status.State = state
	n.Status.Reason = "get https://secret." + name + ":10290/snapshot: not taken for the agent: it has the key sha256:secret" +
		" of system:serviceaccount:secret:sa, want sha256:terces"
	return n
}

func quarterPod(namespace, node string, owner hub.Owner) *hub.Pod {
	name := fmt.Sprintf("%s-%s-%s", namespace, owner.Kind, node)
	return &hub.Pod{
		UID: name + "-uid", Namespace: namespace, Name: name, Node: node, Phase: "Running", Owner: owner,
		Labels: map[string]string{"team": namespace}, Requests: *resources(100, 1<<20), Limits: *resources(200, 1<<21),
		Containers: []hub.Container{{Name: namespace + "-main", ID: name + "-id", Running: true, Requests: *resources(100, 1<<20)}},
	}
}

// allScopes are those of the readers below, by who they are.
func allScopes() map[string]hub.Scope {
	return map[string]hub.Scope{
		"everything": hub.Everything(),
		"nodes":      {Nodes: true},
		"pods":       {AllNamespaces: true, Namespaces: []string{"of no meaning"}},
		"two":        {Namespaces: []string{"amber", "cedar"}},
		"one":        {Namespaces: []string{"cedar", "no-such"}},
		"nodes+one":  {Nodes: true, Namespaces: []string{"birch"}},
		"nothing":    {},
	}
}

// asReader finds the scope of the reader that the request names.
func asReader(r *http.Request) (hub.Scope, error) {
	switch who := r.Header.Get("Reader"); who {
	case "unasked":
		return hub.Scope{}, fmt.Errorf("%w: no route to it", hub.ErrUnavailable)
	case "broken":
		return hub.Scope{}, errors.New("secret 42")
	default:
		scope, ok := allScopes()[who]
		if !ok {
			return hub.Scope{}, fmt.Errorf("there is no reader %q", who)
		}
		return scope, nil
	}
}

// scopedHandler answers each request for the reader that its header names.
func scopedHandler(t *testing.T, r rest.Reader) http.Handler {
	t.Helper()
	cfg := config(r, t.Output())
	cfg.Scope = asReader
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// quarterReader has the view above, and histories of what is there and was.
func quarterReader() *reader {
	view := quarterView()
	view.Round.Time = roundTime.Add(time.Minute)
	return &reader{view: view, gone: map[string]hub.Series{}}
}
