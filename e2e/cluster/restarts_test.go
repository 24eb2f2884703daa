package cluster

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubemonPod returns the pod of a component, on a node unless that is empty.
func kubemonPod(ctx context.Context, component, node string) (*corev1.Pod, error) {
	pods, err := kube.CoreV1().Pods("kubemon").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=" + component})
	if err != nil {
		return nil, err
	}
	for _, p := range pods.Items {
		if (node == "" || p.Spec.NodeName == node) && p.DeletionTimestamp == nil {
			return &p, nil
		}
	}
	return nil, fmt.Errorf("no %s pod on %q among %d", component, node, len(pods.Items))
}

// readyAgain waits until the component's pod is Ready and is not, or has more
// restarts than, the one before; it returns when it became Ready, to the
// second.
func readyAgain(t *testing.T, component, node string, before *corev1.Pod) time.Time {
	t.Helper()
	var since time.Time
	eventually(t, 3*time.Minute, component+" Ready again", func() error {
		pod, err := kubemonPod(t.Context(), component, node)
		if err != nil {
			return err
		}
		if pod.UID == before.UID && restarts(pod) == restarts(before) {
			return fmt.Errorf("still pod %s with %d restarts", pod.Name, restarts(pod))
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				since = c.LastTransitionTime.Time
				return nil
			}
		}
		return fmt.Errorf("pod %s is not Ready", pod.Name)
	})
	return since
}

func restarts(p *corev1.Pod) int32 {
	if len(p.Status.ContainerStatuses) == 0 {
		return 0
	}
	return p.Status.ContainerStatuses[0].RestartCount
}

// TestAgentKilled kills the agent of a node; it is back with data within two
// intervals of being Ready.
func TestAgentKilled(t *testing.T) {
	awaitPod(t, "burn-")
	before, err := kubemonPod(t.Context(), "agent", "node1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theLab.OnNode(t.Context(), 1, nil, "sh", "-c", "kill -9 $(pidof kubemon-agent)"); err != nil {
		t.Fatal(err)
	}
	ready := readyAgain(t, "agent", "node1", before)
	eventually(t, 2*time.Minute, "data of node1", func() error {
		if err := allPossible(t.Context()); err != nil {
			t.Error(err)
		}
		node, err := fetch[item](t.Context(), "/api/v1/nodes/node1")
		if err == nil && (node.Status.State != "ok" || !node.Status.SampleTime.After(ready)) {
			err = fmt.Errorf("status %+v", node.Status)
		}
		return err
	})
	withinTwoIntervals(t, "the killed agent", ready)
}

// TestHubKilled kills the hub; a new one has data within two intervals of
// being Ready.
func TestHubKilled(t *testing.T) {
	awaitPod(t, "burn-")
	before, err := kubemonPod(t.Context(), "hub", "")
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	err = kube.CoreV1().Pods("kubemon").Delete(t.Context(), before.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil {
		t.Fatal(err)
	}
	ready := readyAgain(t, "hub", "", before)
	eventually(t, 2*time.Minute, "CPU rates of the new hub", func() error {
		if err := allPossible(t.Context()); err != nil {
			return err
		}
		pod, err := podOf(t.Context(), "burn-")
		if err == nil && (pod.Usage == nil || pod.Usage.CPUMillicores == nil) {
			err = fmt.Errorf("unavailable %v", pod.Unavailable)
		}
		return err
	})
	withinTwoIntervals(t, "the killed hub", ready)
}

// TestSeriesSurviveTheHub kills the hub in the middle of series: once the new
// one has filled in the time before it, they have no hole, back to ten minutes
// ago, or to where they, or the agents, began.
func TestSeriesSurviveTheHub(t *testing.T) {
	pod := awaitPod(t, "burn-")
	agents, err := agentsSince(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/api/v1/nodes/node1", "/api/v1/nodes/node2", "/api/v1/namespaces/loads/pods/" + pod.Name,
		"/api/v1/namespaces/loads/deployments/burn", "/api/v1/namespaces/loads", "/api/v1/cluster",
	}
	began := map[string]time.Time{}
	for _, path := range paths {
		eventually(t, 5*time.Minute, "two minutes of "+path, func() error {
			known, err := knownRounds(t.Context(), path)
			known = slices.DeleteFunc(known, agents.After)
			if err == nil && (len(known) < 12 || known[len(known)-1].Sub(known[0]) < 2*time.Minute) {
				err = fmt.Errorf("rounds %v", known)
			}
			if err == nil {
				began[path] = known[0]
			}
			return err
		})
	}
	before, err := kubemonPod(t.Context(), "hub", "")
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	err = kube.CoreV1().Pods("kubemon").Delete(t.Context(), before.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	readyAgain(t, "hub", "", before)
	var filled replayStatus
	eventually(t, 5*time.Minute, "the time before the hub filled in", func() error {
		status, err := fetch[struct{ Replay replayStatus }](t.Context(), "/api/v1/status")
		if filled = status.Replay; err == nil && filled.State != "done" {
			err = fmt.Errorf("replay %+v", filled)
		}
		return err
	})
	t.Logf("filled in %d rounds, %d samples, from %v, known %.0f s after the kill", filled.Rounds, filled.Samples, filled.From, time.Since(killed).Seconds())
	if len(filled.Failures) > 0 {
		t.Errorf("not filled in: %v", filled.Failures)
	}
	for _, path := range paths {
		checkWhole(t, path, began[path], killed)
	}
}

// agentsSince is when the last of the agents was started: they keep nothing of
// the time before.
func agentsSince(ctx context.Context) (last time.Time, err error) {
	pods, err := kube.CoreV1().Pods("kubemon").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=agent"})
	if err != nil {
		return last, err
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running == nil {
				return last, fmt.Errorf("agent %s does not run", pod.Name)
			}
			if started := c.State.Running.StartedAt.Time; started.After(last) {
				last = started
			}
		}
	}
	return last, nil
}

// replayStatus is what the status says of the time before the hub.
type replayStatus struct {
	State           string
	From            time.Time
	Rounds, Samples int
	Failures        []struct{ Node, Reason string }
}

// knownRounds lists the rounds of the last ten minutes in which a thing's CPU is
// known.
func knownRounds(ctx context.Context, path string) ([]time.Time, error) {
	got, err := fetch[item](ctx, path+"?window=600")
	if err != nil {
		return nil, err
	}
	if got.Series == nil {
		return nil, fmt.Errorf("%s has no series", path)
	}
	var known []time.Time
	for i, at := range got.Series.Times {
		if got.Series.CPUMillicores[i] != nil {
			known = append(known, time.UnixMilli(at))
		}
	}
	return known, nil
}

// checkWhole checks that a series that began at that time, or ten minutes ago,
// has each round since, through the time when the hub was killed.
func checkWhole(t *testing.T, path string, began, killed time.Time) {
	t.Helper()
	known, err := knownRounds(t.Context(), path)
	if err != nil || len(known) == 0 {
		t.Errorf("%s: rounds %v, %v", path, known, err)
		return
	}
	first, last := known[0], known[len(known)-1]
	oldest := time.Now().Add(-10 * time.Minute)
	if began.After(oldest) {
		oldest = began
	}
	t.Logf("%s: %d rounds over %v", path, len(known), last.Sub(first))
	if first.After(oldest.Add(2*interval)) || last.Before(killed) {
		t.Errorf("%s: rounds from %v to %v, want from %v through %v", path, first, last, oldest, killed)
	}
	for i := 1; i < len(known); i++ {
		if gap := known[i].Sub(known[i-1]); gap != interval {
			t.Errorf("%s: %v between %v and %v; the hub was killed at %v", path, gap, known[i-1], known[i], killed)
		}
	}
}

// withinTwoIntervals bounds the time since ready, which is known to the second;
// the other seconds are for asking.
func withinTwoIntervals(t *testing.T, who string, ready time.Time) {
	t.Helper()
	took := time.Since(ready)
	t.Logf("data of %s %.0f s after it was Ready again", who, took.Seconds())
	if took > 2*interval+5*time.Second {
		t.Errorf("data of %s only %v after Ready, want within two intervals", who, took)
	}
}

// TestCrashLoop watches a container that ends after a second, again and again,
// beside one that does not.
func TestCrashLoop(t *testing.T) {
	apply(t, crasher, nil)
	seen := 0
	eventually(t, 5*time.Minute, "three restarts", func() error {
		if err := allPossible(t.Context()); err != nil {
			t.Error(err)
		}
		pod, err := fetch[item](t.Context(), "/api/v1/namespaces/loads/pods/crash")
		if err != nil {
			return err
		}
		if pod.Usage != nil && pod.Usage.CPUMillicores != nil {
			seen++
		}
		for _, c := range pod.Containers {
			if c.Name == "crash" && c.Restarts >= 3 {
				return nil
			}
		}
		return fmt.Errorf("containers %+v", pod.Containers)
	})
	if seen == 0 {
		t.Error("the pod never had a CPU rate while one of its containers ran on")
	}
}
