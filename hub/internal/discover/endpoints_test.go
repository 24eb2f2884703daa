package discover

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubemon/kubemon/hub"
)

func port(name string, number int32) discoveryv1.EndpointPort {
	return discoveryv1.EndpointPort{Name: &name, Port: &number}
}

func slice(endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{port("metrics", 1), port("snapshot", 10290)},
		Endpoints:   endpoints,
	}
}

func endpoint(node, address, uid string, change ...func(*discoveryv1.Endpoint)) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{
		Addresses: []string{address}, NodeName: &node,
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", UID: types.UID(uid)},
		Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func unready(e *discoveryv1.Endpoint) { e.Conditions.Ready = new(false) }

func terminating(e *discoveryv1.Endpoint) {
	e.Conditions.Ready, e.Conditions.Terminating = new(false), new(true)
}

func agent(node, url, uid string, ready bool) hub.Agent {
	return hub.Agent{Node: node, URL: url, PodUID: uid, Ready: ready}
}

// ages knows two pods of nodes that have several: "old" and "new".
func ages(_, podUID string) (*hub.Pod, bool) {
	created, ok := map[string]time.Time{"old": time.Unix(1, 0), "new": time.Unix(2, 0)}[podUID]
	return &hub.Pod{Created: created}, ok
}

// An agentsCase has slices, and the agents that they show.
type agentsCase struct {
	name   string
	slices []*discoveryv1.EndpointSlice
	want   []hub.Agent
}

func checkAgents(t *testing.T, tests []agentsCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, refused := agentsOf(tt.slices, ages)
			if d := cmp.Diff(tt.want, got); d != "" || refused != nil {
				t.Errorf("agentsOf refuses %q, (-want +got):\n%s", refused, d)
			}
		})
	}
}

func with(s *discoveryv1.EndpointSlice, change func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
	change(s)
	return s
}

func v6(s *discoveryv1.EndpointSlice) { s.AddressType = discoveryv1.AddressTypeIPv6 }

func TestAgentsOf(t *testing.T) {
	checkAgents(t, []agentsCase{
		{"none", nil, nil},
		{"by node", []*discoveryv1.EndpointSlice{slice(endpoint("n2", "10.0.0.2", "b"), endpoint("n1", "10.0.0.1", "a"))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true), agent("n2", "http://10.0.0.2:10290", "b", true)}},
		{"no word of being ready is ready", []*discoveryv1.EndpointSlice{slice(endpoint("n1", "10.0.0.1", "a",
			func(e *discoveryv1.Endpoint) { e.Conditions.Ready = nil }))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}},
		{"not ready and terminating are listed", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "a", unready), endpoint("n2", "10.0.0.2", "b", terminating))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", false), agent("n2", "http://10.0.0.2:10290", "b", false)}},
		{"in two slices while it moves", []*discoveryv1.EndpointSlice{
			slice(endpoint("n1", "10.0.0.1", "a", unready)), slice(endpoint("n1", "10.0.0.1", "a"))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}},
		{"a node's name in one slice only", []*discoveryv1.EndpointSlice{
			slice(endpoint("", "10.0.0.1", "a", func(e *discoveryv1.Endpoint) { e.NodeName = nil })), slice(endpoint("n1", "10.0.0.1", "a"))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}},
	})
}

// TestAddressesOf has what the slices say of where an agent listens.
func TestAddressesOf(t *testing.T) {
	checkAgents(t, []agentsCase{
		{"the first port where none has the name", []*discoveryv1.EndpointSlice{with(slice(endpoint("n1", "10.0.0.1", "a")),
			func(s *discoveryv1.EndpointSlice) {
				s.Ports = []discoveryv1.EndpointPort{{}, port("x", 8080), port("y", 9090)}
			})},
			[]hub.Agent{agent("n1", "http://10.0.0.1:8080", "a", true)}},
		{"no port", []*discoveryv1.EndpointSlice{
			with(slice(endpoint("n1", "10.0.0.1", "a")), func(s *discoveryv1.EndpointSlice) { s.Ports = nil }),
		}, nil},
		{"over TLS", []*discoveryv1.EndpointSlice{with(slice(endpoint("n1", "10.0.0.1", "a")), func(s *discoveryv1.EndpointSlice) {
			s.Ports[1].AppProtocol = new("https")
		})}, []hub.Agent{agent("n1", "https://10.0.0.1:10290", "a", true)}},
		{"TLS of another port", []*discoveryv1.EndpointSlice{with(slice(endpoint("n1", "10.0.0.1", "a")), func(s *discoveryv1.EndpointSlice) {
			s.Ports[0].AppProtocol, s.Ports[1].AppProtocol = new("https"), new("http")
		})}, []hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}},
		{"IPv6", []*discoveryv1.EndpointSlice{with(slice(endpoint("n1", "fd00::1", "a")), v6)},
			[]hub.Agent{agent("n1", "http://[fd00::1]:10290", "a", true)}},
		{"both families: IPv4", []*discoveryv1.EndpointSlice{
			with(slice(endpoint("n1", "fd00::1", "a")), v6), slice(endpoint("n1", "10.0.0.1", "a"))},
			[]hub.Agent{{Node: "n1", URL: "http://10.0.0.1:10290", Fallback: "http://[fd00::1]:10290", PodUID: "a", Ready: true}}},
		{"both families, ready in one only yet", []*discoveryv1.EndpointSlice{
			with(slice(endpoint("n1", "fd00::1", "a")), v6), slice(endpoint("n1", "10.0.0.1", "a", unready))},
			[]hub.Agent{{Node: "n1", URL: "http://[fd00::1]:10290", Fallback: "http://10.0.0.1:10290", PodUID: "a", Ready: true}}},
		{"a hundred addresses of one endpoint", []*discoveryv1.EndpointSlice{slice(endpoint("n1", "10.0.0.1", "a",
			func(e *discoveryv1.Endpoint) {
				for i := range 99 {
					e.Addresses = append(e.Addresses, fmt.Sprintf("10.0.1.%d", i))
				}
			}))},
			[]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}},
	})
}

// TestOneAgentOfANode has several pods of one node: one of them is asked.
func TestOneAgentOfANode(t *testing.T) {
	checkAgents(t, []agentsCase{
		{"the ready one of a node's two", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "a", unready), endpoint("n1", "10.0.0.9", "b"))},
			[]hub.Agent{{Node: "n1", URL: "http://10.0.0.9:10290", PodUID: "b", Ready: true, Rivals: 1}}},
		{"the newest of a node's ready ones", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "old"), endpoint("n1", "10.0.0.2", "new"), endpoint("n1", "10.0.0.3", "a"))},
			[]hub.Agent{{Node: "n1", URL: "http://10.0.0.2:10290", PodUID: "new", Ready: true, Rivals: 2}}},
		{"the ready one before the newest", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "old"), endpoint("n1", "10.0.0.2", "new", unready))},
			[]hub.Agent{{Node: "n1", URL: "http://10.0.0.1:10290", PodUID: "old", Ready: true, Rivals: 1}}},
		{"one of two whose ages nobody knows", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "b"), endpoint("n1", "10.0.0.2", "a"))},
			[]hub.Agent{{Node: "n1", URL: "http://10.0.0.2:10290", PodUID: "a", Ready: true, Rivals: 1}}},
		{"the one that stays of a node's two", []*discoveryv1.EndpointSlice{slice(
			endpoint("n1", "10.0.0.1", "a", terminating), endpoint("n1", "10.0.0.9", "b", unready))},
			[]hub.Agent{agent("n1", "http://10.0.0.9:10290", "b", false)}},
	})
}

// The set is the same in whatever order slices and endpoints come.
func TestAgentsOfIgnoreTheOrder(t *testing.T) {
	const nodes = 2500
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]*discoveryv1.EndpointSlice, 5)
	for i := range all {
		all[i] = slice()
	}
	for n := range nodes {
		for pod := range 1 + random.IntN(3) {
			e := endpoint(fmt.Sprintf("node-%03d", n), fmt.Sprintf("10.%d.%d.%d", pod, n/250, n%250), fmt.Sprintf("pod-%d-%d", n, pod))
			if random.IntN(3) == 0 {
				unready(&e)
			}
			if random.IntN(5) == 0 {
				terminating(&e)
			}
			s := all[random.IntN(len(all))]
			s.Endpoints = append(s.Endpoints, e)
		}
	}
	want, _ := agentsOf(all, ages)
	if len(want) != nodes {
		t.Fatalf("%d agents, want one for each of %d nodes", len(want), nodes)
	}
	for range 5 {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, s := range all {
			random.Shuffle(len(s.Endpoints), func(i, j int) { s.Endpoints[i], s.Endpoints[j] = s.Endpoints[j], s.Endpoints[i] })
		}
		if got, _ := agentsOf(all, ages); !cmp.Equal(want, got) {
			d := cmp.Diff(want, got)
			t.Fatalf("in another order (-want +got):\n%s", d)
		}
	}
}
