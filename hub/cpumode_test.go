package hub

import (
	"encoding/json"
	"math"
	"testing"
)

func TestCPUModesJSON(t *testing.T) {
	got, err := json.Marshal(&CPUModes{CPUUser: 120.34567, CPUSteal: math.NaN(), CPUIdle: 7000})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"user":120.346,"system":0,"irq":0,"steal":null,"iowait":0,"idle":7000}`; string(got) != want {
		t.Errorf("modes = %s, want %s", got, want)
	}
}

func TestCPUModeOf(t *testing.T) {
	for m := range CPUModeCount {
		if got, ok := CPUModeOf(m.Kind()); !ok || got != m {
			t.Errorf("CPUModeOf(%q) = %v, %v, want %v", m.Kind(), got, ok, m)
		}
	}
	for _, k := range []Kind{"", KindNode, KindPod, KindContainer, cpuModeKind, cpuModeKind + "nice"} {
		if got, ok := CPUModeOf(k); ok {
			t.Errorf("CPUModeOf(%q) = %v, want none", k, got)
		}
	}
}
