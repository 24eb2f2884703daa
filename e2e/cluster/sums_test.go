package cluster

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// TestSumsEqualTheirParts reads the wholes and the pods of one round and adds
// up.
func TestSumsEqualTheirParts(t *testing.T) {
	awaitPod(t, "burn-")
	eventually(t, 2*time.Minute, "all answers from one round", func() error {
		return oneRound(t)
	})
}

// oneRound compares; its error is that the answers are not of one round, so
// that the caller asks again.
func oneRound(t *testing.T) error {
	t.Helper()
	before := mustFetch[item](t, "/api/v1/cluster")
	pods := mustFetch[list](t, "/api/v1/pods")
	namespaces := mustFetch[list](t, "/api/v1/namespaces")
	workloads := mustFetch[list](t, "/api/v1/workloads")
	nodes := mustFetch[list](t, "/api/v1/nodes")
	after := mustFetch[item](t, "/api/v1/cluster")
	if !before.Time.Equal(after.Time) || !pods.Time.Equal(after.Time) {
		return fmt.Errorf("rounds %v and %v", before.Time, after.Time)
	}
	inNamespace := func(n item) func(item) bool { return func(p item) bool { return p.Namespace == n.Name } }
	for _, n := range namespaces.Items {
		equal(t, "namespace "+n.Name, n, pods.Items, inNamespace(n))
	}
	for _, w := range workloads.Items {
		equal(t, w.Kind+" "+w.Namespace+"/"+w.Name, w, pods.Items, func(p item) bool {
			return p.Namespace == w.Namespace && p.Owner.Kind == w.Kind && p.Owner.Name == w.Name
		})
	}
	equal(t, "cluster", after, nodes.Items, func(item) bool { return true })
	if after.Nodes == nil || after.Nodes.Count != len(nodes.Items) || after.Nodes.Reporting != len(nodes.Items) {
		t.Errorf("cluster counts nodes %+v, want all %d reporting", after.Nodes, len(nodes.Items))
	}
	return nil
}

// equal compares a whole with the sum over those of the parts that are its own.
func equal(t *testing.T, what string, whole item, parts []item, own func(item) bool) {
	t.Helper()
	var cpu, memory, written, sent float64
	reporting := 0
	for _, p := range parts {
		if !own(p) || p.Usage == nil || p.Status.State != "ok" {
			continue
		}
		reporting++
		cpu += value(p.Usage.CPUMillicores)
		memory += value(p.Usage.MemoryBytes)
		written += value(p.Usage.DiskWriteBytes)
		sent += value(p.Usage.NetworkTxBytes)
	}
	if whole.Pods != nil && whole.Kind != "Cluster" && whole.Pods.Reporting != reporting {
		t.Errorf("%s: reporting %d, want %d", what, whole.Pods.Reporting, reporting)
	}
	if reporting == 0 {
		return
	}
	if whole.Usage == nil {
		t.Errorf("%s: no usage, its %d parts have some", what, reporting)
		return
	}
	for name, pair := range map[string][2]float64{
		"cpuMillicores":  {value(whole.Usage.CPUMillicores), cpu},
		"memoryBytes":    {value(whole.Usage.MemoryBytes), memory},
		"diskWriteBytes": {value(whole.Usage.DiskWriteBytes), written},
		"networkTxBytes": {value(whole.Usage.NetworkTxBytes), sent},
	} {
		// Each part is rounded to a thousandth when it is written.
		if math.Abs(pair[0]-pair[1]) > 0.001*float64(reporting+1) {
			t.Errorf("%s: %s is %v, its %d parts sum to %v", what, name, pair[0], reporting, pair[1])
		}
	}
}
