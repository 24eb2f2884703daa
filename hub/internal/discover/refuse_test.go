package discover

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kubemon/kubemon/hub"
)

// TestEndpointsThatAreRefused has a row for each thing that makes an endpoint
// none to send a token to. A good one beside it is listed all the same.
func TestEndpointsThatAreRefused(t *testing.T) {
	at := func(address string) discoveryv1.Endpoint { return endpoint("n2", address, "b") }
	tests := []struct {
		name     string
		family   discoveryv1.AddressType
		endpoint discoveryv1.Endpoint
		want     string
	}{
		{"loopback", discoveryv1.AddressTypeIPv4, at("127.0.0.1"), "slice s: address 127.0.0.1: expected one that a node or pod can have"},
		{"loopback, IPv6", discoveryv1.AddressTypeIPv6, at("::1"), "address ::1"},
		{"link-local: where clouds keep their metadata", discoveryv1.AddressTypeIPv4, at("169.254.169.254"), "address 169.254.169.254"},
		{"link-local, IPv6", discoveryv1.AddressTypeIPv6, at("fe80::1"), "address fe80::1"},
		{"zone", discoveryv1.AddressTypeIPv6, at("fd00::1%eth0"), "without a zone"},
		{"multicast", discoveryv1.AddressTypeIPv4, at("224.0.0.1"), "address 224.0.0.1"},
		{"multicast, IPv6", discoveryv1.AddressTypeIPv6, at("ff02::1"), "address ff02::1"},
		{"broadcast", discoveryv1.AddressTypeIPv4, at("255.255.255.255"), "address 255.255.255.255"},
		{"unspecified", discoveryv1.AddressTypeIPv4, at("0.0.0.0"), "address 0.0.0.0"},
		{"unspecified, IPv6", discoveryv1.AddressTypeIPv6, at("::"), "address ::"},
		{"loopback within IPv6", discoveryv1.AddressTypeIPv6, at("::ffff:127.0.0.1"), "another within"},
		{"the other family", discoveryv1.AddressTypeIPv6, at("10.0.0.2"), "expected one of type IPv6"},
		{"a name", discoveryv1.AddressTypeIPv4, at("metadata.internal"), `address "metadata.internal": expected an IP address`},
		{"a name, said to be one", discoveryv1.AddressTypeFQDN, at("a.example"), "expected an IP address"},
		{"no address", discoveryv1.AddressTypeIPv4, endpoint("n2", "", "b", func(e *discoveryv1.Endpoint) { e.Addresses = nil }), "has no address"},
		{"no pod", discoveryv1.AddressTypeIPv4, endpoint("n2", "10.0.0.2", "b", func(e *discoveryv1.Endpoint) { e.TargetRef = nil }), "expected it to be a pod's"},
		{"not a pod", discoveryv1.AddressTypeIPv4, endpoint("n2", "10.0.0.2", "b", func(e *discoveryv1.Endpoint) { e.TargetRef.Kind = "Node" }), "expected it to be a pod's"},
		{"no UID", discoveryv1.AddressTypeIPv4, endpoint("n2", "10.0.0.2", ""), "expected it to be a pod's"},
		{"another namespace", discoveryv1.AddressTypeIPv4, endpoint("n2", "10.0.0.2", "b", func(e *discoveryv1.Endpoint) {
			e.TargetRef = &corev1.ObjectReference{Kind: "Pod", UID: "b", Namespace: "shop"}
		}), "expected it to be a pod's"},
		{"no node", discoveryv1.AddressTypeIPv4, endpoint("", "10.0.0.2", "b", func(e *discoveryv1.Endpoint) { e.NodeName = nil }), "pod b: no slice names its node"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			odd := slice(tt.endpoint)
			odd.Name, odd.AddressType = "s", tt.family
			got, refused := agentsOf([]*discoveryv1.EndpointSlice{odd, slice(endpoint("n1", "10.0.0.1", "a"))}, ages)
			if d := cmp.Diff([]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}, got); d != "" {
				t.Errorf("agents (-want +got):\n%s", d)
			}
			if len(refused) != 1 || !strings.Contains(refused[0], tt.want) {
				t.Errorf("refused %q, want one with %q", refused, tt.want)
			}
		})
	}
}

// TestForeignSlices have the service's label, which says nothing of who wrote
// them.
func TestForeignSlices(t *testing.T) {
	foreign := func(name, address string, change func(*discoveryv1.EndpointSlice)) *discoveryv1.EndpointSlice {
		s := namedSlice("kubemon", "kubemon-agent", name, endpoint("n-"+name, address, name))
		change(s)
		return s
	}
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		s := run(t, fake.NewClientset(
			namedSlice("kubemon", "kubemon-agent", "ours", endpoint("n1", "10.0.0.1", "a")),
			foreign("written", "10.0.0.2", func(s *discoveryv1.EndpointSlice) { s.Labels["endpointslice.kubernetes.io/managed-by"] = "somebody" }),
			foreign("unowned", "10.0.0.3", func(s *discoveryv1.EndpointSlice) { s.OwnerReferences = nil }),
			foreign("another", "10.0.0.4", func(s *discoveryv1.EndpointSlice) { s.OwnerReferences[0].Name = "kubemon-hub" }),
			foreign("pod", "10.0.0.5", func(s *discoveryv1.EndpointSlice) {
				s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "kubemon-agent", Controller: new(true)}}
			}),
			foreign("referrer", "10.0.0.6", func(s *discoveryv1.EndpointSlice) { s.OwnerReferences[0].Controller = nil }),
		), slog.New(slog.NewTextHandler(&logged, nil)))
		for range 3 {
			if d := cmp.Diff([]hub.Agent{agent("n1", "http://10.0.0.1:10290", "a", true)}, s.Agents()); d != "" {
				t.Errorf("agents (-want +got):\n%s", d)
			}
		}
		if text := logged.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "count=4") || !strings.Contains(text, "service kubemon-agent does not own it") {
			t.Errorf("logged %q, want four slices named once", text)
		}
	})
}

// TestAgentsHaveTheirContainer takes what tells one start of an agent from the
// next out of the inventory.
func TestAgentsHaveTheirContainer(t *testing.T) {
	pods := func(node, uid string) (*hub.Pod, bool) {
		return &hub.Pod{Containers: []hub.Container{{ID: "init", Init: true}, {ID: uid + "@" + node}, {ID: "sidecar"}}}, uid == "a"
	}
	got, _ := agentsOf([]*discoveryv1.EndpointSlice{slice(endpoint("n1", "10.0.0.1", "a"), endpoint("n2", "10.0.0.2", "b"))}, pods)
	if len(got) != 2 || got[0].Container != "a@n1" || got[1].Container != "" {
		t.Errorf("agents = %+v, want the first one's container", got)
	}
}
