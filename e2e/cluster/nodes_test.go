package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const interval = 10 * time.Second

// possible complains about rates that cannot be on a guest of one CPU.
func possible(u *usage) error {
	if u == nil {
		return nil
	}
	for name, v := range map[string]*float64{
		"cpuMillicores":           u.CPUMillicores,
		"diskReadBytesPerSecond":  u.DiskReadBytesPerSecond,
		"diskWriteBytesPerSecond": u.DiskWriteBytesPerSecond,
		"networkRxBytesPerSecond": u.NetworkRxBytesPerSecond,
		"networkTxBytesPerSecond": u.NetworkTxBytesPerSecond,
		"cpuThrottledRatio":       u.CPUThrottledRatio,
	} {
		most := 5e9 // bytes a second, more than a guest can move
		if name == "cpuMillicores" {
			most = 1100
		}
		if v != nil && (*v < 0 || *v > most) {
			return fmt.Errorf("%s is %v", name, *v)
		}
	}
	return nil
}

// allPossible checks every pod, container and node of the moment.
func allPossible(ctx context.Context) error {
	for _, path := range []string{"/api/v1/pods", "/api/v1/nodes"} {
		l, err := fetch[list](ctx, path)
		if err != nil {
			return err
		}
		for _, i := range l.Items {
			if err := possible(i.Usage); err != nil {
				return fmt.Errorf("%s %s: %w", i.Kind, i.Name, err)
			}
			for _, c := range i.Containers {
				if err := possible(c.Usage); err != nil {
					return fmt.Errorf("%s %s, container %s: %w", i.Kind, i.Name, c.Name, err)
				}
			}
		}
	}
	return nil
}

// TestNodeComesAndGoes starts a third node while the hub runs, crashes it and
// starts it again.
func TestNodeComesAndGoes(t *testing.T) {
	node, err := theLab.AddNode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theLab.StopNode(node.Number); err != nil {
			t.Error(err)
		}
		if _, err := kubectl(context.Background(), "", "delete", "node", node.Name); err != nil {
			t.Error(err)
		}
	})
	path := "/api/v1/nodes/" + node.Name
	t.Run("attach", func(t *testing.T) { attaches(t, node.Name, path) })
	t.Run("told of its agent", func(t *testing.T) { toldOf(t, node.Name, corev1.EventTypeNormal, "AgentAttached", "reads this node") })
	t.Run("crash", func(t *testing.T) { goesDown(t, node.Number, path) })
	t.Run("told of its silence", func(t *testing.T) {
		reason := mustFetch[item](t, path).Status.Reason
		toldOf(t, node.Name, corev1.EventTypeWarning, "AgentSilent", reason)
	})
	t.Run("return", func(t *testing.T) { returns(t, node.Number, path) })
	t.Run("told of its return", func(t *testing.T) { toldOf(t, node.Name, corev1.EventTypeNormal, "AgentReturned", "without a sample") })
	t.Run("others are not told of", othersAreNotToldOf)
	t.Run("availability", func(t *testing.T) { availabilityHasTheCrash(t, node.Name) })
}

// agentEvents lists the hub's Events on a Node, as kubectl describe node does.
func agentEvents(ctx context.Context, node string) ([]corev1.Event, error) {
	list, err := kube.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=Node,source=kubemon-hub,involvedObject.name=" + node,
	})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// toldOf waits for one Event on the Node with that in its message.
func toldOf(t *testing.T, node, kind, reason, message string) {
	t.Helper()
	eventually(t, 30*time.Second, "Event "+reason, func() error {
		events, err := agentEvents(t.Context(), node)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Type == kind && e.Reason == reason && strings.Contains(e.Message, message) {
				t.Logf("Event on %s: %s %s, %q", node, e.Type, e.Reason, e.Message)
				return nil
			}
		}
		return fmt.Errorf("of %q there is none among %d Events: %v", message, len(events), events)
	})
}

// othersAreNotToldOf looks at a node that was there before the hub: its agent
// attached when the hub started, which is no news.
func othersAreNotToldOf(t *testing.T) {
	events, err := agentEvents(t.Context(), "node1")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Reason == "AgentAttached" {
			t.Errorf("node1 was there before the hub, and has Event %s: %s", e.Reason, e.Message)
		}
	}
}

// availabilityHasTheCrash compares the node that crashed with one that did not.
func availabilityHasTheCrash(t *testing.T, crashed string) {
	status := mustFetch[struct {
		Availability struct {
			Ratio                        *float64
			RoundsExpected, RoundsStored int
		}
		Agents []struct {
			Node                         string
			Availability                 *float64
			RoundsExpected, RoundsStored int
		}
	}](t, "/api/v1/status")
	expected, stored := 0, 0
	for _, a := range status.Agents {
		expected, stored = expected+a.RoundsExpected, stored+a.RoundsStored
		t.Logf("%s was stored in %d of %d rounds: %s", a.Node, a.RoundsStored, a.RoundsExpected, show(a.Availability))
		if missed := a.RoundsExpected - a.RoundsStored; a.Node == crashed && missed < 2 {
			t.Errorf("%s crashed and missed %d rounds, want two or more", a.Node, missed)
		}
	}
	if whole := status.Availability; whole.RoundsExpected != expected || whole.RoundsStored != stored || whole.Ratio == nil {
		t.Errorf("the cluster's availability is %+v, want %d of %d", whole, stored, expected)
	}
}

func attaches(t *testing.T, node, path string) {
	eventually(t, time.Minute, "usage of the new node", func() error {
		got, err := fetch[item](t.Context(), path)
		if err == nil && (got.Usage == nil || got.Usage.MemoryBytes == nil) {
			err = fmt.Errorf("status %+v", got.Status)
		}
		return err
	})
	seen := time.Now()
	ready, started := readySince(t, node), agentStarted(t, node)
	took := seen.Sub(ready)
	t.Logf("first usage of %s in REST %.1f s after it was Ready, %.1f s of which its runtime took to start the agent",
		node, took.Seconds(), started.Sub(ready).Seconds())
	// How fast a container starts is the machine's affair. From there on it is
	// kubemon's, and at most an interval.
	if bound := max(30*time.Second, started.Sub(ready)+interval); took > bound {
		t.Errorf("first usage of %s took %v after Ready, want at most %v", node, took, bound)
	}
	status := mustFetch[struct {
		Agents []struct {
			Node   string
			Attach struct{ AttachSeconds *float64 }
		}
	}](t, "/api/v1/status")
	for _, a := range status.Agents {
		if a.Node != node {
			continue
		}
		t.Logf("/api/v1/status says %s attached in %s s", node, show(a.Attach.AttachSeconds))
		if a.Attach.AttachSeconds == nil || *a.Attach.AttachSeconds > took.Seconds() {
			t.Errorf("attachSeconds of %s is %s, want at most the %.1f seen", node, show(a.Attach.AttachSeconds), took.Seconds())
		}
	}
}

// readySince is when the node's condition last became Ready, to the second.
func readySince(t *testing.T, name string) time.Time {
	t.Helper()
	node, err := kube.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	t.Fatalf("node %s is not Ready: %+v", name, node.Status.Conditions)
	return time.Time{}
}

// agentStarted is when the container of the node's agent started, to the
// second.
func agentStarted(t *testing.T, node string) time.Time {
	t.Helper()
	pod, err := kubemonPod(t.Context(), "agent", node)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running != nil {
			return c.State.Running.StartedAt.Time
		}
	}
	t.Fatalf("the agent of %s does not run: %+v", node, pod.Status.ContainerStatuses)
	return time.Time{}
}

func goesDown(t *testing.T, number int, path string) {
	if err := theLab.StopNode(number); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	var states []string
	eventually(t, 2*time.Minute, "the crashed node down", func() error {
		got, err := fetch[item](t.Context(), path)
		if err != nil {
			return err
		}
		if len(states) == 0 || states[len(states)-1] != got.Status.State {
			states = append(states, got.Status.State)
			t.Logf("%.1f s after the crash: %s, %q", time.Since(stopped).Seconds(), got.Status.State, got.Status.Reason)
		}
		for _, other := range []string{"node1", "node2"} {
			if o, err := fetch[item](t.Context(), "/api/v1/nodes/"+other); err != nil || o.Status.State != "ok" {
				t.Errorf("%s is %+v meanwhile, %v", other, o.Status, err)
			}
		}
		if got.Status.State != "down" || got.Status.Reason == "" || got.Usage != nil {
			return fmt.Errorf("state %s, reason %q, usage %v", got.Status.State, got.Status.Reason, got.Usage)
		}
		return nil
	})
	took := time.Since(stopped)
	if took > 3*interval+5*time.Second {
		t.Errorf("down only after %v, want within three intervals", took)
	}
	if fmt.Sprint(states) != "[ok stale down]" && fmt.Sprint(states) != "[stale down]" {
		t.Errorf("states were %v, want stale and then down", states)
	}
}

func returns(t *testing.T, number int, path string) {
	if err := theLab.StartNode(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Minute, "the node back with a CPU rate", func() error {
		if err := allPossible(t.Context()); err != nil {
			t.Error(err)
		}
		got, err := fetch[item](t.Context(), path)
		if err == nil && (got.Status.State != "ok" || got.Usage == nil || got.Usage.CPUMillicores == nil) {
			err = fmt.Errorf("status %+v, unavailable %v", got.Status, got.Unavailable)
		}
		return err
	})
	got := mustFetch[item](t, path+"?window=300")
	known, gaps := 0, 0
	for i, v := range got.Series.MemoryBytes {
		if v != nil {
			known++
		} else if known > 0 && i < len(got.Series.MemoryBytes)-1 {
			gaps++
		}
	}
	t.Logf("series of 300 s over the crash: %d points, %d of them gaps", len(got.Series.Times), gaps)
	if known < 2 || gaps < 2 {
		t.Errorf("the series has %d values and %d gaps after the first, want both: %v", known, gaps, got.Series)
	}
}
