package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const sentBytes = 50e6

// traffic is what a whole has received and sent.
type traffic struct{ rx, tx float64 }

// TestKnownTraffic sends 50 MB from a pod to a pod on the other node: sent by
// one, received by the other, through both nodes, and by nobody else. TCP and
// IP headers are on top.
func TestKnownTraffic(t *testing.T) {
	sink := awaitPod(t, "sink-")
	before := allTraffic(t)
	apply(t, sender, map[string]string{"Name": "send", "HostNetwork": "false", "To": sinkAddress(t)})
	eventually(t, 2*time.Minute, "50 MB sent by the pod", func() error {
		pod, err := podOf(t.Context(), "send-")
		if err == nil && (pod.Usage == nil || value(pod.Usage.NetworkTxBytes) < sentBytes) {
			err = fmt.Errorf("usage %+v, unavailable %v", pod.Usage, pod.Unavailable)
		}
		return err
	})
	afterRounds(t, 1)
	after := allTraffic(t)
	grew := func(name string) traffic {
		return traffic{after[name].rx - before[name].rx, after[name].tx - before[name].tx}
	}
	sent, err := podOf(t.Context(), "send-")
	if err != nil {
		t.Fatal(err)
	}
	received := grew("pod " + sink.Name).rx
	t.Logf("50 MB sent; kubemon: sender tx %s, sink rx %.0f, node1 tx %.0f, node2 rx %.0f",
		show(sent.Usage.NetworkTxBytes), received, grew("node1").tx, grew("node2").rx)
	near(t, "bytes sent by the pod", sent.Usage.NetworkTxBytes, sentBytes, 0.05)
	near(t, "bytes received by the sink", &received, sentBytes, 0.05)
	near(t, "bytes sent by the Deployment", mustFetch[item](t, "/api/v1/namespaces/loads/deployments/send").Usage.NetworkTxBytes, sentBytes, 0.05)
	namespace := grew("namespace")
	near(t, "bytes sent by the namespace", &namespace.tx, sentBytes, 0.10)
	near(t, "bytes received by the namespace", &namespace.rx, sentBytes, 0.10)
	onNodes(t, grew("node1").tx, grew("node2").rx)
	onlyThese(t, after, before, sink.Name, sent.Name)
}

// onNodes checks that both uplinks saw the bytes, once.
func onNodes(t *testing.T, tx, rx float64) {
	t.Helper()
	for what, got := range map[string]float64{"sent by node1": tx, "received by node2": rx} {
		if got < sentBytes || got > 1.5*sentBytes {
			t.Errorf("bytes %s grew by %.0f, want 50 MB once and the node's own little", what, got)
		}
	}
}

func onlyThese(t *testing.T, after, before map[string]traffic, pods ...string) {
	t.Helper()
	for name, now := range after {
		pod, ok := strings.CutPrefix(name, "pod ")
		if !ok || strings.Contains(fmt.Sprint(pods), pod) {
			continue
		}
		if then, ok := before[name]; ok && (now.tx-then.tx > 5e6 || now.rx-then.rx > 5e6) {
			t.Errorf("traffic of pod %s grew by %+v and %+v and should not", pod, now, then)
		}
	}
}

// TestHostNetworkIsNotCountedTwice sends the same from a pod in its node's
// network: the node's traffic and nobody else's.
func TestHostNetworkIsNotCountedTwice(t *testing.T) {
	sink := awaitPod(t, "sink-")
	before := allTraffic(t)
	apply(t, sender, map[string]string{"Name": "hostsend", "HostNetwork": "true", "To": sinkAddress(t)})
	eventually(t, 2*time.Minute, "50 MB at the sink", func() error {
		now, err := podOf(t.Context(), "sink-")
		if err == nil && value(now.Usage.NetworkRxBytes)-before["pod "+sink.Name].rx < sentBytes {
			err = fmt.Errorf("received %s", show(now.Usage.NetworkRxBytes))
		}
		return err
	})
	afterRounds(t, 1)
	after := allTraffic(t)
	pod, err := podOf(t.Context(), "hostsend-")
	if err != nil {
		t.Fatal(err)
	}
	if !pod.HostNetwork || pod.Usage.NetworkTxBytes != nil || pod.Unavailable["network"] == "" {
		t.Errorf("host-network pod: hostNetwork %v, sent %s, unavailable %v; want true, null and a reason",
			pod.HostNetwork, show(pod.Usage.NetworkTxBytes), pod.Unavailable)
	}
	onNodes(t, after["node1"].tx-before["node1"].tx, after["node2"].rx-before["node2"].rx)
	if tx := after["namespace"].tx - before["namespace"].tx; tx > 5e6 {
		t.Errorf("bytes sent by the namespace grew by %.0f: the node's traffic is counted on a pod", tx)
	}
	t.Logf("50 MB sent from the host's network; node1 tx %.0f, namespace tx %.0f",
		after["node1"].tx-before["node1"].tx, after["namespace"].tx-before["namespace"].tx)
}

func sinkAddress(t *testing.T) string {
	t.Helper()
	pods, err := kube.CoreV1().Pods("loads").List(t.Context(), metav1.ListOptions{LabelSelector: "app=sink"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("find the sink: %d pods, %v", len(pods.Items), err)
	}
	return pods.Items[0].Status.PodIP + ":9000"
}

// allTraffic reads the nodes, the namespace and its pods of one moment.
func allTraffic(t *testing.T) map[string]traffic {
	t.Helper()
	all := map[string]traffic{}
	add := func(name string, u *usage) {
		if u != nil {
			all[name] = traffic{value(u.NetworkRxBytes), value(u.NetworkTxBytes)}
		}
	}
	add("node1", mustFetch[item](t, "/api/v1/nodes/node1").Usage)
	add("node2", mustFetch[item](t, "/api/v1/nodes/node2").Usage)
	add("namespace", mustFetch[item](t, "/api/v1/namespaces/loads").Usage)
	for _, pod := range mustFetch[list](t, "/api/v1/namespaces/loads/pods").Items {
		add("pod "+pod.Name, pod.Usage)
	}
	return all
}
