package aggregate

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubemon/kubemon/hub"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// use is a Usage of that CPU and memory; everything else is unknown.
func use(cpu, memory float64) hub.Usage {
	u := hub.NewUsage()
	u.OverSeconds = 10
	u.Values[hub.CPUMillicores] = cpu
	u.Values[hub.MemoryBytes] = memory
	return u
}

func resources(cpu, memory float64) hub.Resources {
	return hub.Resources{CPUMillicores: &cpu, MemoryBytes: &memory}
}

func okState(node string, r *hub.Reading) hub.NodeState {
	return hub.NodeState{Node: node, Reading: r, Status: hub.Status{
		State: hub.StateOK, SampleTime: noon, AgeSeconds: new(0.5),
	}}
}

func missing(node, state, reason string, r *hub.Reading) hub.NodeState {
	return hub.NodeState{Node: node, Reading: r, Status: hub.Status{State: state, Reason: reason}}
}

// shop is an inventory of two nodes and a namespace with a Deployment, whose
// pods it is given.
func shop(pods ...*hub.Pod) *hub.Inventory {
	return hub.NewInventory(pods,
		[]*hub.Node{
			{Name: "n1", UID: "node-1", Ready: true, Capacity: resources(4000, 8e9), Allocatable: resources(3900, 7e9)},
			{Name: "n2", UID: "node-2", Ready: true, Capacity: resources(2000, 4e9), Allocatable: resources(1900, 3e9)},
		},
		[]*hub.Namespace{{Name: "shop"}, {Name: "empty"}},
		[]*hub.Workload{{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "d1", Labels: map[string]string{"app": "web"}}},
		hub.Connection{Configured: true, Connected: true})
}

// web is a running pod of the Deployment with one container.
func web(i int, node string) *hub.Pod {
	return &hub.Pod{
		UID: fmt.Sprintf("uid-%d", i), Namespace: "shop", Name: fmt.Sprintf("web-%d", i), Node: node, Phase: "Running",
		Owner:    hub.Owner{Kind: "Deployment", Name: "web", UID: "d1"},
		Requests: resources(100, 1e6), Limits: resources(200, 2e6),
		Containers: []hub.Container{{Name: "app", ID: fmt.Sprintf("c-%d", i), Running: true, Restarts: i}},
	}
}

// seen is what the agent says of web(i).
func seen(i int, cpu float64) hub.PodReading {
	return hub.PodReading{
		UID: fmt.Sprintf("uid-%d", i), Usage: use(cpu, 10*cpu),
		Containers: []hub.ContainerReading{
			{ID: fmt.Sprintf("c-%d", i), Usage: use(cpu-1, 9*cpu)},
			{ID: fmt.Sprintf("sandbox-%d", i), Usage: use(1, cpu)},
		},
	}
}

func reading(node string, pods ...hub.PodReading) *hub.Reading {
	return &hub.Reading{Node: node, SampleTime: noon, Host: hub.HostReading{Usage: use(1000, 2e9), CPUCount: 4, MemoryTotalBytes: 8e9}, Pods: pods}
}

func round(inv *hub.Inventory, nodes ...hub.NodeState) *hub.Round {
	return &hub.Round{Number: 1, Time: noon, Interval: 10 * time.Second, Window: time.Hour, Nodes: nodes, Inventory: inv}
}

func named(t *testing.T, items []*hub.Item, name string) *hub.Item {
	t.Helper()
	for _, item := range items {
		if item.Name == name {
			return item
		}
	}
	t.Fatalf("no item %q in %s", name, names(items))
	return nil
}

func names(items []*hub.Item) []string {
	list := []string{}
	for _, item := range items {
		list = append(list, item.Namespace+"/"+item.Kind+"/"+item.Name)
	}
	return list
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	sameNumber := cmp.Comparer(func(a, b hub.Number) bool { return a == b || a != a && b != b })
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), sameNumber); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func near(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
}
