package hub

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestUsageJSON(t *testing.T) {
	u := NewUsage()
	u.OverSeconds = 10.0004
	u.Values[CPUMillicores] = 123.45678
	u.Values[MemoryBytes] = 104857600
	u.Values[OOMKills] = 0
	u.Values[PressureIOFull] = 0.0123456789
	got, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"overSeconds":10,"cpuMillicores":123.457,` +
		`"memoryBytes":104857600,"memoryRSSBytes":null,"memoryCacheBytes":null,"memorySwapBytes":null,` +
		`"diskReadBytes":null,"diskWriteBytes":null,"diskReadBytesPerSecond":null,"diskWriteBytesPerSecond":null,` +
		`"networkRxBytes":null,"networkTxBytes":null,"networkRxBytesPerSecond":null,"networkTxBytesPerSecond":null,` +
		`"cpuThrottledRatio":null,"oomKills":0,"pids":null,` +
		`"pressure":{"cpuSome":null,"memorySome":null,"memoryFull":null,"ioSome":null,"ioFull":0.012346}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("usage as JSON (-want +got):\n%s", diff)
	}

	var back Usage
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(u, back, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 0.001)); diff != "" {
		t.Errorf("usage read back (-want +got):\n%s", diff)
	}
}

func TestUsageWithoutRateHasNullDuration(t *testing.T) {
	got, err := json.Marshal(NewUsage())
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(got, &fields); err != nil {
		t.Fatal(err)
	}
	if v, ok := fields["overSeconds"]; !ok || v != nil {
		t.Errorf("overSeconds = %v, want null", v)
	}
}

func TestMetricNamesAreUnique(t *testing.T) {
	for m := range MetricCount {
		if got, ok := MetricNamed(m.String()); !ok || got != m {
			t.Errorf("MetricNamed(%q) = %v, %v, want %v", m, got, ok, m)
		}
	}
	if m, ok := MetricNamed("cpuCores"); ok {
		t.Errorf("MetricNamed found %v for a name that is none", m)
	}
}

func TestValuesAdd(t *testing.T) {
	part := Unknown()
	part[CPUMillicores] = 5
	part[PressureCPUSome] = 0.5
	sum := Unknown()
	sum.Add(&part)
	sum.Add(&part)
	if sum[CPUMillicores] != 10 {
		t.Errorf("sum of CPU = %v, want 10", sum[CPUMillicores])
	}
	for _, m := range []Metric{MemoryBytes, PressureCPUSome} {
		if !math.IsNaN(sum[m]) {
			t.Errorf("sum of %v = %v, want unknown", m, sum[m])
		}
	}
}

func TestInventoryFindsPods(t *testing.T) {
	static := &Pod{UID: "mirror", ConfigHash: "0123", Node: "node1", Name: "etcd"}
	other := &Pod{UID: "mirror2", ConfigHash: "0123", Node: "node2", Name: "etcd"}
	inv := NewInventory([]*Pod{static, other, {UID: "u", Node: "node1", Containers: []Container{{ID: "c1"}, {}}}}, nil, nil, nil, Connection{})
	if p, ok := inv.PodByUID("node1", "0123"); !ok || p != static {
		t.Errorf("the static pod of node1 by its hash is %v, want %v", p, static)
	}
	if p, ok := inv.PodByUID("node2", "0123"); !ok || p != other {
		t.Errorf("the static pod of node2 by its hash is %v, want %v", p, other)
	}
	if p, ok := inv.PodByContainer("c1"); !ok || p.UID != "u" {
		t.Errorf("the pod of container c1 is %v, want u", p)
	}
	if _, ok := inv.PodByContainer(""); ok {
		t.Error("a container without an ID was found")
	}
}

func TestResourcesAdd(t *testing.T) {
	var total Resources
	total.Add(Resources{CPUMillicores: new(100.0)})
	total.Add(Resources{CPUMillicores: new(50.0)})
	if total.MemoryBytes != nil || *total.CPUMillicores != 150 {
		t.Errorf("total = %v cpu, %v memory, want 150 and none", *total.CPUMillicores, total.MemoryBytes)
	}
}
