package aggregate

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

func TestAnswerPod(t *testing.T) {
	ok := hub.Status{State: hub.StateOK, SampleTime: noon, AgeSeconds: new(0.5)}
	with := func(p *hub.Pod, change func(*hub.Pod)) *hub.Pod {
		change(p)
		return p
	}
	up := okState("n1", reading("n1", seen(1, 10)))
	tests := []struct {
		name       string
		pod        *hub.Pod
		node       hub.NodeState
		wantStatus hub.Status
		wantUsage  bool
	}{
		{"running", web(1, "n1"), up, ok, true},
		{"on a stale node", web(1, "n1"), missing("n1", hub.StateStale, "timeout", reading("n1", seen(1, 10))),
			hub.Status{State: hub.StateStale, Reason: "node n1 gave no sample"}, true},
		{"on a down node", web(1, "n1"), missing("n1", hub.StateDown, "connection refused", nil),
			hub.Status{State: hub.StateDown, Reason: "node n1 gave no sample"}, false},
		{"on a down node whose reading was kept", web(1, "n1"), missing("n1", hub.StateDown, "refused", reading("n1", seen(1, 10))),
			hub.Status{State: hub.StateDown, Reason: "node n1 gave no sample"}, false},
		{"on a node without an agent", web(1, "n2"), up,
			hub.Status{State: hub.StatePending, Reason: "node n2 gave no sample"}, false},
		{"on a node with other control groups", web(1, "n1"), missing("n1", hub.StateUnsupported, "hybrid", reading("n1", seen(1, 10))),
			hub.Status{State: hub.StateUnsupported, Reason: "node n1 has no unified cgroup v2"}, true},
		{"not seen by a stale node", web(2, "n1"), missing("n1", hub.StateStale, "timeout", reading("n1", seen(1, 10))),
			hub.Status{State: hub.StatePending, Reason: "node n1 shows no control group of this pod: Running"}, false},
		{"on a node that nobody knows", web(1, "n9"), up,
			hub.Status{State: hub.StateDown, Reason: "node n9 gave no sample"}, false},
		{"not seen by its node", web(2, "n1"), up,
			hub.Status{State: hub.StatePending, Reason: "node n1 shows no control group of this pod: Running"}, false},
		{"waiting", with(web(2, "n1"), func(p *hub.Pod) { p.Phase, p.Reason = "Pending", "ContainerCreating" }), up,
			hub.Status{State: hub.StatePending, Reason: "node n1 shows no control group of this pod: Pending, ContainerCreating"}, false},
		{"unscheduled", with(web(2, ""), func(p *hub.Pod) { p.Phase = "Pending" }), up,
			hub.Status{State: hub.StatePending, Reason: "not scheduled to a node yet: Pending"}, false},
		{"succeeded, control group lingers", with(web(1, "n1"), func(p *hub.Pod) { p.Phase = "Succeeded" }), up,
			hub.Status{State: hub.StateDown, Reason: "the pod has ended: Succeeded"}, false},
		{"failed", with(web(1, "n1"), func(p *hub.Pod) { p.Phase, p.Reason = "Failed", "Evicted" }), up,
			hub.Status{State: hub.StateDown, Reason: "the pod has ended: Failed, Evicted"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			item := named(t, Answer(round(shop(tt.pod), tt.node)).Pods, tt.pod.Name)
			diff(t, "status", item.Status, tt.wantStatus)
			if got := item.Usage != nil; got != tt.wantUsage {
				t.Errorf("has usage = %t, want %t", got, tt.wantUsage)
			}
			if got := item.Unavailable["usage"] != ""; got == tt.wantUsage {
				t.Errorf("unavailable = %v, want a reason exactly if usage is null", item.Unavailable)
			}
			for _, c := range item.Containers {
				if (c.Usage == nil) != (c.Unavailable["usage"] != "") {
					t.Errorf("container %s: usage %v, unavailable %v", c.Name, c.Usage, c.Unavailable)
				}
			}
		})
	}
}

func TestAnswerPodItem(t *testing.T) {
	pod := web(1, "n1")
	pod.Labels = map[string]string{"app": "web"}
	pod.Containers = append(pod.Containers, hub.Container{Name: "setup", ID: "c-old", Init: true})
	shown := seen(1, 10)
	shown.Usage.Lacks("network", "no live process")
	got := Answer(round(shop(pod), okState("n1", reading("n1", shown)))).Pods
	diff(t, "pods", got, []*hub.Item{{
		Kind: "Pod", Namespace: "shop", Name: "web-1", UID: "uid-1", Node: "n1", Phase: "Running",
		HostNetwork: new(false), Owner: &hub.Owner{Kind: "Deployment", Name: "web", UID: "d1"},
		Status:   hub.Status{State: hub.StateOK, SampleTime: noon, AgeSeconds: new(0.5)},
		Usage:    &shown.Usage,
		Requests: new(resources(100, 1e6)), Limits: new(resources(200, 2e6)),
		Ratios:      ratios(0.1, 0.05, 0.0001, 0.00005),
		Unavailable: map[string]string{"network": "no live process"},
		Containers: []*hub.ContainerItem{
			{Name: "app", ID: "c-1", Restarts: 1, Usage: new(use(9, 90)), Requests: &hub.Resources{}, Limits: &hub.Resources{}},
			{Name: "setup", ID: "c-old", Init: true, Requests: &hub.Resources{}, Limits: &hub.Resources{},
				Unavailable: map[string]string{"usage": "the container is not running"}},
		},
		Labels: map[string]string{"app": "web"},
	}})
}

func TestAnswerUnresolvedPods(t *testing.T) {
	r := reading("n1",
		hub.PodReading{UID: "new", Namespace: "shop", Name: "fresh", Usage: use(3, 4), HostNetwork: true,
			Containers: []hub.ContainerReading{{ID: "x", Name: "c", Usage: use(2, 3)}, {ID: "sandbox", Usage: use(1, 1)}}},
		hub.PodReading{UID: "nameless", Usage: use(1, 1)},
		hub.PodReading{UID: "predecessor", Namespace: "shop", Name: "web-1", Usage: use(50, 50)},
		seen(1, 10),
	)
	view := Answer(round(shop(web(1, "n1")), okState("n1", r)))
	diff(t, "pods", names(view.Pods), []string{"/Pod/nameless", "shop/Pod/fresh", "shop/Pod/web-1"})
	fresh := named(t, view.Pods, "fresh")
	if fresh.Owner != nil || fresh.Unavailable["owner"] == "" {
		t.Errorf("owner = %v, unavailable = %v, want an unknown owner with a reason", fresh.Owner, fresh.Unavailable)
	}
	if !*fresh.HostNetwork || len(fresh.Containers) != 1 || fresh.Containers[0].Name != "c" {
		t.Errorf("item = %+v, want host network and the one container that has a name", fresh)
	}
	if got := named(t, view.Pods, "web-1").UID; got != "uid-1" {
		t.Errorf("UID of web-1 = %s, want the API server's", got)
	}
	diff(t, "namespace's pods", named(t, view.Namespaces, "shop").Pods, &hub.Count{Count: 2, Reporting: 2})
	stale := missing("n1", hub.StateStale, "get https://10.9.8.7:10290: timeout", r)
	fresh = named(t, Answer(round(shop(), stale)).Pods, "fresh")
	diff(t, "status on a stale node", fresh.Status, hub.Status{State: hub.StateStale, Reason: "node n1 gave no sample"})
}

// TestOnlyNodesSayWhy wants what failed between hub and agent, which may name
// addresses, keys and service accounts, to be in nothing but the node's item.
func TestOnlyNodesSayWhy(t *testing.T) {
	const cause = "get https://10.9.8.7:10290: the key is sha256:00ff of system:serviceaccount:secret:sa"
	for _, state := range []string{hub.StateStale, hub.StateDown, hub.StateUnsupported, hub.StatePending} {
		r := reading("n1", seen(1, 10), hub.PodReading{UID: "new", Namespace: "shop", Name: "fresh", Usage: use(3, 4)})
		view := Answer(round(shop(web(1, "n1"), web(2, "n1")), missing("n1", state, cause, r)))
		if got := named(t, view.Nodes, "n1").Status.Reason; got != cause {
			t.Errorf("%s: the node says %q, want the cause", state, got)
		}
		cut := Restrict(view, hub.Scope{AllNamespaces: true})
		for _, list := range [][]*hub.Item{view.Pods, view.Namespaces, view.Workloads, {view.Cluster, cut.Cluster}} {
			text, err := json.Marshal(list)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "10.9.8.7") {
				t.Errorf("%s: the cause is told: %s", state, text)
			}
		}
	}
}

func TestAnswerWithoutACluster(t *testing.T) {
	for name, inv := range map[string]*hub.Inventory{"empty": hub.NewInventory(nil, nil, nil, nil, hub.Connection{}), "nil": nil} {
		t.Run(name, func(t *testing.T) {
			pod := hub.PodReading{UID: "u", Namespace: "a", Name: "b", Usage: use(3, 4)}
			view := Answer(round(inv, okState("box", reading("box", pod))))
			diff(t, "nodes", names(view.Nodes), []string{"/Node/box"})
			diff(t, "capacity", view.Nodes[0].Capacity, new(resources(4000, 8e9)))
			if view.Nodes[0].Unavailable["allocatable"] == "" {
				t.Error("allocatable is null without a reason")
			}
			diff(t, "namespaces", names(view.Namespaces), []string{"/Namespace/a"})
			diff(t, "workloads", names(view.Workloads), []string{})
			diff(t, "cluster", view.Cluster.Usage.Values, use(1000, 2e9).Values)
		})
	}
}

func TestAnswerNodes(t *testing.T) {
	done := web(3, "n1")
	done.Phase = "Failed"
	inv := shop(web(1, "n1"), web(2, "n1"), done)
	inv.Nodes[1].Ready, inv.Nodes[1].ReadySince = false, noon
	inv.Nodes = append(inv.Nodes, &hub.Node{Name: "n3", Ready: true})
	view := Answer(round(inv,
		okState("n1", reading("n1", seen(1, 10))),
		missing("n4", hub.StatePending, "not asked yet", nil)))
	diff(t, "nodes", names(view.Nodes), []string{"/Node/n1", "/Node/n2", "/Node/n3", "/Node/n4"})
	n1 := view.Nodes[0]
	diff(t, "n1 requests", n1.Requests, new(resources(200, 2e6)))
	diff(t, "n1 limits", n1.Limits, new(resources(400, 4e6)))
	diff(t, "n1 allocatable", n1.Allocatable, new(resources(3900, 7e9)))
	diff(t, "n1 pods", n1.Pods, &hub.Count{Count: 2, Reporting: 1})
	diff(t, "n3 pods", view.Nodes[2].Pods, &hub.Count{})
	if n1.Reading == nil {
		t.Error("n1 has no reading for its own answer")
	}
	diff(t, "n2", view.Nodes[1].Status, hub.Status{State: hub.StateDown, Reason: "no agent on this node, which is not Ready since 2026-01-02T12:00:00Z"})
	diff(t, "n3", view.Nodes[2].Status, hub.Status{State: hub.StatePending, Reason: "no agent on this node"})
	diff(t, "n4", view.Nodes[3].Unavailable, map[string]string{"usage": "not asked yet"})
	diff(t, "cluster's nodes", view.Cluster.Nodes, &hub.Count{Count: 4, Reporting: 1})
	diff(t, "cluster's pods", view.Cluster.Pods, &hub.Count{Count: 2, Reporting: 1})
	if got, want := view.Cluster.Status.Reason, "1 of 4 nodes reporting"; got != want {
		t.Errorf("cluster's reason = %q, want %q", got, want)
	}
}

func TestAnswerSums(t *testing.T) {
	done := web(4, "n1")
	done.Phase = "Succeeded"
	bare := &hub.Pod{UID: "b", Namespace: "shop", Name: "bare", Node: "n1", Phase: "Running",
		Owner: hub.Owner{Kind: "Pod", Name: "bare"}, Labels: map[string]string{"a": "b"}}
	custom := &hub.Pod{UID: "r", Namespace: "shop", Name: "roll-1", Node: "n2", Phase: "Running",
		Owner: hub.Owner{Kind: "Rollout", Name: "roll", UID: "ro"}}
	inv := shop(web(1, "n1"), web(2, "n2"), web(3, "n1"), done, bare, custom)
	view := Answer(round(inv,
		okState("n1", reading("n1", seen(1, 10), seen(3, 30), seen(4, 40), hub.PodReading{UID: "b", Usage: use(1, 1)})),
		missing("n2", hub.StateStale, "timeout", reading("n2", seen(2, 20)))))

	diff(t, "workloads", names(view.Workloads), []string{"shop/Deployment/web", "shop/Pod/bare", "shop/Rollout/roll"})
	deployment := view.Workloads[0]
	diff(t, "values", deployment.Usage.Values, use(40, 400).Values)
	diff(t, "pods", deployment.Pods, &hub.Count{Count: 3, Reporting: 2})
	diff(t, "requests", deployment.Requests, new(resources(300, 3e6)))
	diff(t, "status", deployment.Status, hub.Status{State: hub.StateOK, Reason: "2 of 3 pods reporting", SampleTime: noon, AgeSeconds: new(0.5)})
	diff(t, "labels", deployment.Labels, map[string]string{"app": "web"})
	for _, name := range []string{"pressure", "cpuThrottledRatio"} {
		if deployment.Unavailable[name] == "" {
			t.Errorf("%s of a sum is null without a reason", name)
		}
	}
	diff(t, "bare pod's labels", view.Workloads[1].Labels, map[string]string{"a": "b"})
	rollout := view.Workloads[2]
	if rollout.Usage != nil || rollout.Unavailable["usage"] != "0 of 1 pods reporting" || rollout.Status.State != hub.StatePending {
		t.Errorf("rollout on a node without a sample of it = %+v, want no usage, with a reason, pending", rollout)
	}
	diff(t, "namespaces", names(view.Namespaces), []string{"/Namespace/empty", "/Namespace/shop"})
	diff(t, "empty namespace", view.Namespaces[0].Usage.Values, zeroUsage().Values)
	diff(t, "shop's pods", view.Namespaces[1].Pods, &hub.Count{Count: 5, Reporting: 3})
}

func TestSumKeepsReasonsOfWhatIsUnknown(t *testing.T) {
	part := func(network bool) *hub.Item {
		u := use(1, 1)
		if network {
			for m := hub.NetworkRxBytes; m <= hub.NetworkTxBytesPerSecond; m++ {
				u.Values[m] = 5
			}
		} else {
			u.Lacks("network", "host network")
		}
		return &hub.Item{Status: hub.Status{State: hub.StateOK}, Usage: &u}
	}
	for _, tt := range []struct {
		name  string
		parts []*hub.Item
		want  string
	}{
		{"no part knows", []*hub.Item{part(false), part(false)}, "host network"},
		{"one part knows", []*hub.Item{part(false), part(true)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSum("Namespace", "", "x")
			for _, p := range tt.parts {
				s.add(p)
			}
			if got := s.done("pods").Unavailable["network"]; got != tt.want {
				t.Errorf("reason of network = %q, want %q", got, tt.want)
			}
		})
	}
}

// In any cluster the totals are the sums of what they contain.
func TestAnswerTotalsEqualTheirParts(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		view := Answer(randomRound(random))
		for _, total := range view.Namespaces {
			checkSum(t, seed, total, total.Pods, view.Pods, func(p *hub.Item) bool { return p.Namespace == total.Name })
		}
		for _, total := range view.Workloads {
			checkSum(t, seed, total, total.Pods, view.Pods, func(p *hub.Item) bool {
				return p.Owner != nil && p.Namespace == total.Namespace && p.Owner.Kind == total.Kind && p.Owner.Name == total.Name
			})
		}
		checkSum(t, seed, view.Cluster, view.Cluster.Nodes, view.Nodes, func(*hub.Item) bool { return true })
	}
}

func checkSum(t *testing.T, seed uint64, total *hub.Item, counted *hub.Count, items []*hub.Item, belongs func(*hub.Item) bool) {
	t.Helper()
	var want hub.Count
	wantCPU := 0.0
	for _, item := range items {
		if !belongs(item) || item.Phase == "Succeeded" {
			continue
		}
		want.Count++
		if item.Status.State == hub.StateOK {
			want.Reporting++
			wantCPU += item.Usage.Values[hub.CPUMillicores]
		}
	}
	if *counted != want {
		t.Errorf("seed %d: %s %s counts %+v, want %+v", seed, total.Kind, total.Name, *counted, want)
	}
	switch {
	case want.Count > 0 && want.Reporting == 0:
		if total.Usage != nil {
			t.Errorf("seed %d: %s %s has usage, but no part reports", seed, total.Kind, total.Name)
		}
	case !near(total.Usage.Values[hub.CPUMillicores], wantCPU):
		t.Errorf("seed %d: %s %s uses %g, its parts %g", seed, total.Kind, total.Name, total.Usage.Values[hub.CPUMillicores], wantCPU)
	}
}

func randomRound(random *rand.Rand) *hub.Round {
	var pods []*hub.Pod
	readings := map[string]*hub.Reading{"n1": reading("n1"), "n2": reading("n2"), "n3": reading("n3")}
	for i := range random.IntN(40) {
		node := []string{"n1", "n2", "n3"}[random.IntN(3)]
		pod := web(i, node)
		pod.Namespace = []string{"shop", "other"}[random.IntN(2)]
		pod.Owner = hub.Owner{Kind: []string{"Deployment", "Job"}[random.IntN(2)], Name: []string{"web", "db"}[random.IntN(2)]}
		if random.IntN(8) == 0 {
			pod.Phase = "Succeeded"
		}
		if random.IntN(8) > 0 {
			readings[node].Pods = append(readings[node].Pods, seen(i, 1+random.Float64()*1000))
		}
		if random.IntN(8) > 0 { // else the API server has not shown it yet
			pods = append(pods, pod)
		}
	}
	states := []string{hub.StateOK, hub.StateOK, hub.StateStale, hub.StateDown}
	var nodes []hub.NodeState
	for _, node := range []string{"n1", "n2", "n3"} {
		state := missing(node, states[random.IntN(len(states))], "", readings[node])
		nodes = append(nodes, state)
	}
	return round(shop(pods...), nodes...)
}
