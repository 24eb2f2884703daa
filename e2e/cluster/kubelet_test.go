package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A point is a number at a moment of the node's clock.
type point struct {
	at    time.Time
	value float64
}

// A track is one number over time, by name: "cpu loads/burn-x/burn".
type track map[string][]point

func (t track) add(name string, at time.Time, value float64) {
	p := t[name]
	if len(p) > 0 && !at.After(p[len(p)-1].at) {
		return // the kubelet has not measured anew
	}
	t[name] = append(p, point{at, value})
}

// at returns the number at a moment, on the line between its neighbours.
func at(points []point, when time.Time) (float64, bool) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if when.Before(a.at) || when.After(b.at) {
			continue
		}
		share := float64(when.Sub(a.at)) / float64(b.at.Sub(a.at))
		return a.value + share*(b.value-a.value), true
	}
	return 0, false
}

// atRest is how long before and after a reading of the kubelet a network may
// have moved no more than restBytes for the two to be compared.
const (
	atRest    = 5 * time.Second
	restBytes = 512 << 10
)

// TestAgreesWithTheKubelet reads kubelet and agent of one node side by side
// for over a minute. The kubelet measures every 10 to 15 s and says when; the
// agent, asked every second, is compared at just those moments. The loads on
// the CPU are steady, but for the sender's, which is there for the network and
// is left out: what it takes in a burst cannot be told to a part of a second.
// The kubelet reads a network later than the time that it
// states, by seconds where its node is busy, so networks are compared between
// moments at which they rest: what is sent comes in bursts that lie between
// them. What a node sends while it rests are the answers of its kubelet and its
// agent, so the kubelet may have any value that the agent saw within a second.
// The absolute bounds are two ticks of the clock and what the hub's requests of
// one round take.
func TestAgreesWithTheKubelet(t *testing.T) {
	awaitPod(t, "burn-")
	awaitPod(t, "sink-")
	restInShop(t)
	apply(t, streamer, map[string]string{"To": sinkAddress(t)})
	awaitPod(t, "stream-")
	theirs, ours := watchBoth(t, 1, 110*time.Second)
	for _, c := range []struct {
		kind           string
		beside         time.Duration // how far the kubelet's time may be off
		share, atLeast float64       // the bounds, of the value and in its unit
		least          int           // how many there must be to compare
		most           float64       // what the biggest must come to
	}{
		{"cpu", 0, 0.03, 0.060, 8, 10},
		{"memory", 0, 0.01, mebibyte, 8, 64 * mebibyte},
		{"rx", time.Second, 0.01, 64 << 10, 3, 0},
		{"tx", time.Second, 0.01, 64 << 10, 3, 25e6},
	} {
		compared, worst := 0, ""
		worstShare, most := -1.0, 0.0
		for _, name := range slices.Sorted(maps.Keys(theirs)) {
			if !strings.HasPrefix(name, c.kind+" ") || strings.HasPrefix(name, "cpu loads/stream-") {
				continue
			}
			a, b, ok := compare(c.kind, theirs[name], ours[name], c.beside)
			if !ok {
				continue
			}
			compared++
			most = max(most, a)
			off := math.Abs(a - b)
			if off > math.Max(c.share*math.Abs(a), c.atLeast) {
				t.Errorf("%s: the kubelet says %.6g, kubemon %.6g", name, a, b)
			}
			if share := off / math.Max(math.Abs(a), 1e-9); share > worstShare && math.Abs(a)*c.share > c.atLeast {
				worstShare, worst = share, fmt.Sprintf("%s: %.6g and %.6g, %.3f %%", name, a, b, share*100)
			}
		}
		t.Logf("%s: %d compared; the widest apart %s", c.kind, compared, worst)
		if compared < c.least {
			t.Errorf("only %d of kind %s could be compared, want %d:\nthe kubelet has %v\nkubemon has %v",
				compared, c.kind, c.least, names(theirs, c.kind), names(ours, c.kind))
		}
		if most < c.most {
			t.Errorf("the biggest of kind %s is %.6g by the kubelet, want at least %.6g", c.kind, most, c.most)
		}
	}
}

func names(t track, kind string) []string {
	var found []string
	for name := range t {
		if strings.HasPrefix(name, kind+" ") {
			found = append(found, fmt.Sprintf("%s(%d)", name, len(t[name])))
		}
	}
	slices.Sort(found)
	return found
}

// compare returns what both say, ours at off beside their moments where that is
// nearer: for counters the growth between the kubelet's first and last moment
// that the agent's readings span, and at which a network rests; for memory the
// mean over those moments.
func compare(kind string, theirs, ours []point, off time.Duration) (a, b float64, ok bool) {
	var inside []point // theirs, with ours beside
	var beside []float64
	for _, p := range theirs {
		low, lowOK := at(ours, p.at.Add(-off))
		high, highOK := at(ours, p.at.Add(off))
		if lowOK && highOK && (off == 0 || rests(ours, p.at)) {
			inside, beside = append(inside, p), append(beside, min(max(p.value, low), high))
		}
	}
	if len(inside) < 2 {
		return 0, 0, false
	}
	last := len(inside) - 1
	if kind != "memory" {
		if inside[last].at.Sub(inside[0].at) < 40*time.Second {
			return 0, 0, false
		}
		return inside[last].value - inside[0].value, beside[last] - beside[0], true
	}
	for i := range inside {
		a += inside[i].value / float64(len(inside))
		b += beside[i] / float64(len(inside))
	}
	return a, b, true
}

// rests reports whether a counter hardly moves around a moment.
func rests(points []point, when time.Time) bool {
	before, beforeOK := at(points, when.Add(-atRest))
	after, afterOK := at(points, when.Add(atRest))
	return beforeOK && afterOK && after-before <= restBytes
}

// restInShop stops the example workload's bursts for the length of the test.
func restInShop(t *testing.T) {
	t.Helper()
	scale := func(ctx context.Context, replicas string) error {
		_, err := kubectl(ctx, "", "scale", "--namespace=shop", "--replicas="+replicas, "deployment/visitor", "statefulset/ledger")
		return err
	}
	t.Cleanup(func() {
		if err := scale(context.Background(), "1"); err != nil {
			t.Error(err)
		}
	})
	if err := scale(t.Context(), "0"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "the shop to rest", func() error {
		pods, err := fetch[list](t.Context(), "/api/v1/namespaces/shop/pods")
		for _, p := range pods.Items {
			if strings.HasPrefix(p.Name, "visitor-") || strings.HasPrefix(p.Name, "ledger-") {
				err = fmt.Errorf("pod %s is still there", p.Name)
			}
		}
		return err
	})
}

// watchBoth reads node n's kubelet and agent each second.
func watchBoth(t *testing.T, n int, during time.Duration) (theirs, ours track) {
	t.Helper()
	theirs, ours = track{}, track{}
	client := theLab.HTTPClient()
	base := fmt.Sprintf("https://%s:10250", theLab.Node(n).IP)
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Second) {
		s, _, err := readAgent(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		addSnapshot(ours, s)
		if err := addResourceMetrics(t.Context(), theirs, client, base); err != nil {
			t.Fatal(err)
		}
		if err := addSummary(t.Context(), theirs, client, base); err != nil {
			t.Fatal(err)
		}
	}
	return theirs, ours
}

func addSnapshot(to track, s *snapshot.Snapshot) {
	if s.Host.CPU.UsageMicros != nil {
		to.add("cpu node", s.Time, float64(*s.Host.CPU.UsageMicros)/1e6)
	}
	if s.Host.Memory.WorkingSetBytes != nil {
		to.add("memory node", s.Time, float64(*s.Host.Memory.WorkingSetBytes))
	}
	for _, i := range s.Host.Network {
		addInterface(to, "node/"+i.Interface, s.Time, i)
	}
	for _, p := range s.Pods {
		pod := p.Namespace + "/" + p.Name
		addGroup(to, pod, s.Time, p.CPU, p.Memory)
		for _, i := range p.Network {
			addInterface(to, pod+"/"+i.Interface, s.Time, i)
		}
		for _, c := range p.Containers {
			if c.Name != "" {
				addGroup(to, pod+"/"+c.Name, s.Time, c.CPU, c.Memory)
			}
		}
	}
}

func addGroup(to track, name string, at time.Time, cpu *snapshot.CPU, memory *snapshot.Memory) {
	if cpu != nil {
		to.add("cpu "+name, at, float64(cpu.UsageMicros)/1e6)
	}
	if memory != nil {
		to.add("memory "+name, at, float64(memory.WorkingSetBytes))
	}
}

func addInterface(to track, name string, at time.Time, i snapshot.Interface) {
	to.add("rx "+name, at, float64(i.RxBytes))
	to.add("tx "+name, at, float64(i.TxBytes))
}

// addResourceMetrics reads /metrics/resource: CPU seconds and working sets,
// each with the moment of its measurement.
func addResourceMetrics(ctx context.Context, to track, client *http.Client, base string) error {
	body, err := get(ctx, client, base+"/metrics/resource")
	if err != nil {
		return err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		return fmt.Errorf("parse /metrics/resource: %w", err)
	}
	for family, kind := range map[string]string{
		"container_cpu_usage_seconds_total": "cpu", "pod_cpu_usage_seconds_total": "cpu", "node_cpu_usage_seconds_total": "cpu",
		"container_memory_working_set_bytes": "memory", "pod_memory_working_set_bytes": "memory", "node_memory_working_set_bytes": "memory",
	} {
		for _, m := range families[family].GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			name := "node"
			if labels["pod"] != "" {
				name = labels["namespace"] + "/" + labels["pod"]
			}
			if labels["container"] != "" {
				name += "/" + labels["container"]
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
			to.add(kind+" "+name, time.UnixMilli(m.GetTimestampMs()), value)
		}
	}
	return nil
}

// addSummary reads /stats/summary: network of the node and of each pod.
func addSummary(ctx context.Context, to track, client *http.Client, base string) error {
	body, err := get(ctx, client, base+"/stats/summary")
	if err != nil {
		return err
	}
	type network struct {
		Time       time.Time
		Interfaces []struct {
			Name             string
			RxBytes, TxBytes float64
		}
	}
	var summary struct {
		Node struct{ Network network }
		Pods []struct {
			PodRef  struct{ Namespace, Name string }
			Network network
		}
	}
	if err := json.Unmarshal(body, &summary); err != nil {
		return fmt.Errorf("parse /stats/summary: %w", err)
	}
	add := func(name string, n network) {
		for _, i := range n.Interfaces {
			to.add("rx "+name+"/"+i.Name, n.Time, i.RxBytes)
			to.add("tx "+name+"/"+i.Name, n.Time, i.TxBytes)
		}
	}
	add("node", summary.Node.Network)
	for _, p := range summary.Pods {
		add(p.PodRef.Namespace+"/"+p.PodRef.Name, p.Network)
	}
	return nil
}

func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.200s", url, resp.Status, body)
	}
	return body, err
}
