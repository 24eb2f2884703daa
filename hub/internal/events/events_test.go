package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubemon/kubemon/hub"
)

// A fleet is what the Recorder looks at, and the API server that it tells.
type fleet struct {
	*fake.Clientset
	mu      sync.Mutex
	started time.Time
	nodes   map[string]*hub.NodeState
	objects []*hub.Node
	number  uint64
	away    bool
	sent    int
	dropped map[string]int
}

// run starts a Recorder of a hub that started just now.
func run(t *testing.T) *fleet {
	f := &fleet{Clientset: fake.NewClientset(), started: time.Now(), nodes: map[string]*hub.NodeState{}, dropped: map[string]int{}}
	f.PrependReactor("*", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.away, nil, errors.New("connection refused")
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	recorder := New(Config{Client: f, View: f.view, Meter: f, Log: slog.New(slog.DiscardHandler)})
	running.Go(func() { _ = recorder.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return f
}

func (f *fleet) view() (*hub.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.number == 0 {
		return nil, hub.ErrNotReady
	}
	round := &hub.Round{Number: f.number, Started: f.started, Inventory: hub.NewInventory(nil, f.objects, nil, nil, hub.Connection{Configured: true})}
	for _, name := range slices.Sorted(maps.Keys(f.nodes)) {
		round.Nodes = append(round.Nodes, *f.nodes[name])
	}
	return &hub.View{Round: round}, nil
}

func (f *fleet) EventSent() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
}

func (f *fleet) EventDropped(reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropped[reason]++
}

// join adds a node that was made so long before the hub, and is pending.
func (f *fleet) join(name string, older time.Duration) {
	f.objects = append(f.objects, &hub.Node{Name: name, UID: "uid-" + name, Created: f.started.Add(-older)})
	f.nodes[name] = &hub.NodeState{Node: name, Status: hub.Status{State: hub.StatePending}, Health: hub.Health{FirstSeen: time.Now()}}
}

// set gives a node a state; in the good ones it has a new sample.
func (f *fleet) set(name, state, reason string) {
	n := f.nodes[name]
	n.Status = hub.Status{State: state, Reason: reason}
	if state == hub.StateOK || state == hub.StateUnsupported {
		n.Health.LastSample = time.Now()
		if n.Health.FirstStored.IsZero() {
			n.Health.FirstStored = n.Health.LastSample
		}
	}
}

// round changes the fleet, publishes it and lets the Recorder look.
func (f *fleet) round(change func()) {
	f.mu.Lock()
	change()
	f.number++
	f.mu.Unlock()
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

// told lists the events there are: of whom, what, how often.
func (f *fleet) told(t *testing.T) []string {
	t.Helper()
	list, err := f.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range list.Items {
		told = append(told, fmt.Sprintf("%s %s %s %d: %s", e.InvolvedObject.Name, e.Type, e.Reason, e.Count, e.Message))
	}
	slices.Sort(told)
	return told
}

func (f *fleet) want(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, f.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAttachSilenceReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := run(t)
		f.round(func() {
			f.join("old", time.Hour)
			f.set("old", hub.StateOK, "")
			f.join("never", -time.Second)
		})
		f.want(t) // what was there before the hub is no news
		f.round(func() { f.join("new", -10*time.Second) })
		f.want(t)
		attached := "new Normal AgentAttached 1: kubemon reads this node; its first sample came 10s after its agent was seen"
		f.round(func() {
			f.set("new", hub.StateOK, "")
			f.set("never", hub.StateDown, "connection refused") // it never spoke, so it did not fall silent
		})
		f.want(t, attached)
		f.round(func() { f.set("new", hub.StateStale, "no whole answer within 5s") })
		f.want(t, attached)
		f.round(func() { f.set("new", hub.StateDown, "no whole answer within 5s") })
		silent := "new Warning AgentSilent 1: kubemon can no longer read this node: no whole answer within 5s"
		f.want(t, attached, silent)
		f.round(func() {})
		f.round(func() { f.set("new", hub.StateUnsupported, "control groups are v1") })
		returned := "new Normal AgentReturned 1: kubemon reads this node again, after 40s without a sample"
		f.want(t, attached, returned, silent)
		f.round(func() { f.set("new", hub.StateOK, "") })
		f.want(t, attached, returned, silent)

		list, err := f.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		e := list.Items[0]
		want := corev1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: "new", UID: "uid-new"}
		if e.InvolvedObject != want || e.Source.Component != "kubemon-hub" || e.FirstTimestamp.IsZero() {
			t.Errorf("event %+v, want one of kubemon-hub about %+v", e, want)
		}
	})
}

// TestAgentOnAnOldNode attaches where a node is old but its agent is not.
func TestAgentOnAnOldNode(t *testing.T) {
	started := time.Now()
	node := &hub.Node{Name: "n", UID: "u", Created: started.Add(-time.Hour)}
	for _, tt := range []struct {
		pod  time.Time
		want int
	}{{started.Add(time.Second), 1}, {started.Add(-time.Second), 0}} {
		pods := []*hub.Pod{{UID: "p", Node: "n", Created: tt.pod}}
		round := &hub.Round{Started: started, Inventory: hub.NewInventory(pods, []*hub.Node{node}, nil, nil, hub.Connection{}), Nodes: []hub.NodeState{
			{Node: "n", Agent: hub.Agent{PodUID: "p"}, Status: hub.Status{State: hub.StateOK}},
		}}
		if got := make(agents).changes(round); len(got) != tt.want {
			t.Errorf("a pod of %v after the hub gave %v", tt.pod.Sub(started), got)
		}
	}
}

// TestFlappingNodeIsCountedUp has one node go and come again and again: that is
// counted up in two events, and after a while no more.
func TestFlappingNodeIsCountedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := run(t)
		f.round(func() { f.join("n", time.Hour); f.set("n", hub.StateOK, "") })
		const times = 40
		for range times {
			f.round(func() { f.set("n", hub.StateDown, "connection refused") })
			f.round(func() { f.set("n", hub.StateOK, "") })
		}
		told := f.told(t)
		if len(told) != 2 || !strings.HasPrefix(told[0], "n Normal AgentReturned ") || !strings.HasPrefix(told[1], "n Warning AgentSilent ") {
			t.Errorf("events %q, want one for each reason", told)
		}
		// client-go lets 25 of each type pass at once, and one more each 5 minutes.
		if f.sent+f.dropped["limit"] != 2*times || f.sent > 60 {
			t.Errorf("%d sent, %v dropped, want at most 60 of %d sent", f.sent, f.dropped, 2*times)
		}
	})
}

// TestWholeClusterFlaps takes 5,000 nodes down at once, and brings them back.
func TestWholeClusterFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes = 5000
		f := run(t)
		name := func(i int) string { return fmt.Sprintf("n%04d", i) }
		all := func(state, reason string) {
			for i := range nodes {
				f.set(name(i), state, reason)
			}
		}
		f.round(func() {
			for i := range nodes {
				f.join(name(i), time.Hour)
			}
			all(hub.StateOK, "")
		})
		f.want(t) // a hub that starts anew
		f.round(func() { all(hub.StateDown, "no connection within 2s") })
		if f.sent != burst || f.dropped["limit"] != nodes-burst {
			t.Errorf("%d sent, %v dropped, want %d sent", f.sent, f.dropped, burst)
		}
		f.round(func() { all(hub.StateOK, "") })
		if most := burst + 20*perSecond; f.sent > most || f.sent+f.dropped["limit"] != 2*nodes {
			t.Errorf("%d sent, %v dropped, want at most %d sent", f.sent, f.dropped, most)
		}
	})
}

// TestAPIServerAway drops events, and tries once a look and not once an event.
func TestAPIServerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := run(t)
		f.round(func() {
			for _, name := range []string{"a", "b", "c"} {
				f.join(name, time.Hour)
				f.set(name, hub.StateOK, "")
			}
		})
		f.round(func() {
			f.away = true
			for _, name := range []string{"a", "b", "c"} {
				f.set(name, hub.StateDown, "connection refused")
			}
		})
		if f.sent != 0 || f.dropped["api_server"] != 3 {
			t.Errorf("%d sent, %v dropped, want three dropped", f.sent, f.dropped)
		}
		tried := 0
		for _, action := range f.Actions() {
			if action.GetVerb() == "create" {
				tried++
			}
		}
		if tried != 1 {
			t.Errorf("tried %d times, want once", tried)
		}
		f.round(func() { f.away = false; f.set("a", hub.StateOK, "") })
		f.want(t, "a Normal AgentReturned 1: kubemon reads this node again, after 20s without a sample")
	})
}

// TestNodeIsDeleted forgets it: one of that name that comes later is another.
func TestNodeIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := run(t)
		f.round(func() { f.join("n", time.Hour); f.set("n", hub.StateOK, "") })
		f.round(func() { clear(f.nodes); f.objects = nil })
		f.round(func() { f.join("n", -time.Minute); f.set("n", hub.StateOK, "") })
		f.want(t, "n Normal AgentAttached 1: kubemon reads this node; its first sample came 0s after its agent was seen")
	})
}
