package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kubemon/kubemon/hub"
)

func namedSlice(namespace, service, name string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	s := slice(endpoints...)
	s.Namespace, s.Name = namespace, name
	s.Labels = map[string]string{
		"kubernetes.io/service-name":             service,
		"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
	}
	s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: service, Controller: new(true)}}
	for i := range s.Endpoints {
		s.Endpoints[i].TargetRef.Namespace = namespace
	}
	return s
}

func noPods() *hub.Inventory { return hub.NewInventory(nil, nil, nil, nil, hub.Connection{}) }

// run runs a Service on the client until the test is over. It is for a bubble.
func run(t *testing.T, client *fake.Clientset, log *slog.Logger) *Service {
	s := NewService(client, "kubemon", "kubemon-agent", noPods, log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	settle()
	return s
}

func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func hinted(s *Service) bool {
	select {
	case <-s.Changed():
		return true
	default:
		return false
	}
}

func TestService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(
			namedSlice("kubemon", "kubemon-agent", "a", endpoint("n1", "10.0.0.1", "a")),
			namedSlice("kubemon", "kubemon-agent", "b", endpoint("n2", "10.0.0.2", "b")),
			namedSlice("kubemon", "kubemon-hub", "c", endpoint("n3", "10.0.0.3", "c")),
			namedSlice("other", "kubemon-agent", "d", endpoint("n4", "10.0.0.4", "d")),
		)
		slices := client.DiscoveryV1().EndpointSlices("kubemon")
		s := run(t, client, slog.New(slog.DiscardHandler))
		n1 := agent("n1", "http://10.0.0.1:10290", "a", true)
		n2 := agent("n2", "http://10.0.0.2:10290", "b", true)
		n5 := agent("n5", "http://10.0.0.5:10290", "e", true)
		expect := func(step string, want ...hub.Agent) {
			t.Helper()
			settle()
			if d := cmp.Diff(want, s.Agents()); d != "" {
				t.Errorf("%s: Agents (-want +got):\n%s", step, d)
			}
			if !hinted(s) {
				t.Errorf("%s: no hint", step)
			}
			if hinted(s) {
				t.Errorf("%s: a second hint, or one of nothing", step)
			}
		}
		expect("start", n1, n2)

		grown := namedSlice("kubemon", "kubemon-agent", "b", endpoint("n2", "10.0.0.2", "b"), endpoint("n5", "10.0.0.5", "e"))
		grown.ResourceVersion = "2"
		if _, err := slices.Update(t.Context(), grown, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("a node joins", n1, n2, n5)

		if err := slices.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("a slice goes", n2, n5)
	})
}

// TestInventoryIsTakenOnce: making one anew is dear, and for each agent it would
// be as many times dearer.
func TestInventoryIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := run(t, fake.NewClientset(namedSlice("kubemon", "kubemon-agent", "a",
			endpoint("n1", "10.0.0.1", "a"), endpoint("n2", "10.0.0.2", "b"))), slog.New(slog.DiscardHandler))
		taken := 0
		s.inventory = func() *hub.Inventory {
			taken++
			pod := &hub.Pod{UID: "a", Node: "n1", Containers: []hub.Container{{ID: "c1"}}}
			return hub.NewInventory([]*hub.Pod{pod}, nil, nil, nil, hub.Connection{})
		}
		if got := s.Agents(); taken != 1 || len(got) != 2 || got[0].Container != "c1" || got[1].Container != "" {
			t.Errorf("Agents = %+v after taking the inventory %d times, want the first one's container and once", got, taken)
		}
	})
}

func TestServiceWithoutTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(namedSlice("kubemon", "kubemon-agent", "a", endpoint("n1", "10.0.0.1", "a")))
		var away atomic.Bool
		away.Store(true)
		client.PrependReactor("list", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
			return away.Load(), nil, errors.New("connection refused")
		})
		var logged bytes.Buffer
		s := run(t, client, slog.New(slog.NewTextHandler(&logged, nil)))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := s.Agents(); len(got) != 0 {
			t.Errorf("Agents = %v, want none", got)
		}
		if n := strings.Count(logged.String(), "connection refused"); n != 1 {
			t.Errorf("the reason is logged %d times, want once:\n%s", n, logged.String())
		}
		away.Store(false)
		time.Sleep(2 * time.Minute) // the informer backs off
		synctest.Wait()
		if got := s.Agents(); len(got) != 1 || !hinted(s) {
			t.Errorf("server is back: Agents = %v, want n1, and a hint", got)
		}
	})
}

func TestStripKeepsWhatNamesTheAgents(t *testing.T) {
	full := namedSlice("kubemon", "kubemon-agent", "a", endpoint("n1", "10.0.0.1", "a", func(e *discoveryv1.Endpoint) {
		e.Hostname, e.Zone = new("h"), new("z")
	}))
	full.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "m"}}
	got, err := strip(full)
	if err != nil {
		t.Fatal(err)
	}
	stripped := got.(*discoveryv1.EndpointSlice)
	if stripped.ManagedFields != nil || stripped.Labels != nil || stripped.Endpoints[0].Zone != nil || stripped.Endpoints[0].Hostname != nil {
		t.Errorf("stripped = %+v, want only what names the agents", stripped)
	}
	want, _ := agentsOf([]*discoveryv1.EndpointSlice{full}, ages)
	kept, _ := agentsOf([]*discoveryv1.EndpointSlice{stripped}, ages)
	if d := cmp.Diff(want, kept); d != "" || checkOwner(stripped, "kubemon-agent") != nil {
		t.Errorf("agents of the stripped slice (-full +stripped):\n%s", d)
	}
	tombstone := cache.DeletedFinalStateUnknown{Key: "kubemon/a", Obj: stripped}
	if got, err := strip(tombstone); err != nil || got != any(tombstone) {
		t.Errorf("strip(tombstone) = %v, %v, want it unchanged", got, err)
	}
}

// TestManyChangesAreOneHint writes many slices one after the other, as the
// controller does for a big service.
func TestManyChangesAreOneHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		s := run(t, client, slog.New(slog.DiscardHandler))
		hints := 0
		for i := range 50 {
			written := namedSlice("kubemon", "kubemon-agent", fmt.Sprint("s", i), endpoint(fmt.Sprint("n", i), "10.0.0.1", fmt.Sprint("p", i)))
			if _, err := client.DiscoveryV1().EndpointSlices("kubemon").Create(t.Context(), written, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
			if hinted(s) {
				hints++
			}
		}
		settle()
		if !hinted(s) {
			t.Error("the last changes gave no hint")
		}
		if len(s.Agents()) != 50 || hints > 4 {
			t.Errorf("50 changes in a second gave %d hints before the last, want at most 4; %d agents", hints, len(s.Agents()))
		}
	})
}
