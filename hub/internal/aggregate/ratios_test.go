package aggregate

import (
	"testing"

	"github.com/kubemon/kubemon/hub"
)

// ratios are those of a thing that has nothing allocatable.
func ratios(cpuOfRequest, cpuOfLimit, memoryOfRequest, memoryOfLimit float64) *hub.Ratios {
	return &hub.Ratios{
		CPUOfRequest: hub.Number(cpuOfRequest), CPUOfLimit: hub.Number(cpuOfLimit), CPUOfAllocatable: hub.Number(gap),
		MemoryOfRequest: hub.Number(memoryOfRequest), MemoryOfLimit: hub.Number(memoryOfLimit), MemoryOfAllocatable: hub.Number(gap),
	}
}

func TestRatios(t *testing.T) {
	all, nothing := new(resources(100, 1000)), new(hub.Resources)
	tests := []struct {
		name string
		item hub.Item
		want *hub.Ratios
	}{
		{"of requests and limits", hub.Item{Usage: new(use(50, 250)), Requests: all, Limits: new(resources(200, 500))}, ratios(0.5, 0.25, 0.25, 0.5)},
		{"more than was requested", hub.Item{Usage: new(use(150, 250)), Requests: all}, ratios(1.5, gap, 0.25, gap)},
		{"0 of something is 0", hub.Item{Usage: new(use(0, 0)), Requests: all}, ratios(0, gap, 0, gap)},
		{"something of 0 is unknown", hub.Item{Usage: new(use(50, 250)), Requests: new(resources(0, 1000))}, ratios(gap, gap, 0.25, gap)},
		{"a rate that is not known yet", hub.Item{Usage: new(use(gap, 250)), Requests: all, Limits: all}, ratios(gap, gap, 0.25, 0.25)},
		{"limits that do not hold all of it", hub.Item{Usage: new(use(50, 250)), Limits: all, Unlimited: hub.Unlimited{CPU: true}}, ratios(gap, gap, gap, 0.25)},
		{"nothing set", hub.Item{Usage: new(use(50, 250)), Requests: nothing, Limits: nothing}, nil},
		{"no usage", hub.Item{Requests: all, Limits: all}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			diff(t, "ratios", itemRatios(&tt.item), tt.want)
		})
	}
}

func TestRatiosOfContainers(t *testing.T) {
	pod := web(1, "n1")
	pod.Containers[0].Requests, pod.Containers[0].Limits = resources(18, 900), hub.Resources{MemoryBytes: new(180.0)}
	pods := Answer(round(shop(pod), okState("n1", reading("n1", seen(1, 10))))).Pods
	diff(t, "ratios", pods[0].Containers[0].Ratios, ratios(0.5, gap, 0.1, 0.5))
}

// TestRatiosOfSums holds the use of those that report against what is set for
// the same ones.
func TestRatiosOfSums(t *testing.T) {
	unlimited := web(2, "n1")
	unlimited.Requests, unlimited.Limits, unlimited.Unlimited = hub.Resources{}, hub.Resources{MemoryBytes: new(2e6)}, hub.Unlimited{CPU: true}
	done := web(4, "n1")
	done.Phase = "Succeeded"
	view := Answer(round(shop(web(1, "n1"), unlimited, web(3, "n2"), done),
		okState("n1", reading("n1", seen(1, 50), seen(2, 20), seen(4, 1000), hub.PodReading{UID: "new", Namespace: "shop", Name: "fresh", Usage: use(1e6, 1e9)})),
		missing("n2", hub.StateStale, "timeout", reading("n2", seen(3, 1000)))))
	// web-1 and web-2 report, fresh does too, but nobody knows its requests;
	// web-3's node is stale, done has ended.
	want := ratios(0.7, gap, 0.0007, 700/4e6)
	diff(t, "workload", view.Workloads[0].Ratios, want)
	diff(t, "namespace", named(t, view.Namespaces, "shop").Ratios, want)
	diff(t, "limits", view.Workloads[0].Limits, new(resources(400, 6e6)))
	if empty := named(t, view.Namespaces, "empty").Ratios; empty != nil {
		t.Errorf("the ratios of nothing are %+v", empty)
	}

	n1, n2 := view.Nodes[0].Ratios, view.Nodes[1].Ratios
	diff(t, "n1", n1, &hub.Ratios{
		CPUOfRequest: 10, CPUOfLimit: hub.Number(gap), CPUOfAllocatable: 1000. / 3900,
		MemoryOfRequest: 2000, MemoryOfLimit: 500, MemoryOfAllocatable: 2. / 7,
		CPURequestOfAllocatable: new(hub.Number(100. / 3900)), MemoryRequestOfAllocatable: new(hub.Number(1. / 7000)),
	})
	diff(t, "requested of a stale node", n2.CPURequestOfAllocatable, new(hub.Number(100./1900)))
	diff(t, "cluster", view.Cluster.Ratios, &hub.Ratios{
		CPUOfRequest: 10, CPUOfLimit: hub.Number(gap), CPUOfAllocatable: 1000. / 3900,
		MemoryOfRequest: 2000, MemoryOfLimit: 500, MemoryOfAllocatable: 2. / 7,
		CPURequestOfAllocatable: new(hub.Number(200. / 5800)), MemoryRequestOfAllocatable: new(hub.Number(2. / 10000)),
	})
}

// TestRequestedOfAnEmptyNode: nothing runs there, so nothing is requested.
func TestRequestedOfAnEmptyNode(t *testing.T) {
	view := Answer(round(shop()))
	diff(t, "requested", view.Nodes[0].Ratios.CPURequestOfAllocatable, new(hub.Number(0)))
}
