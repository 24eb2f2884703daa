package hub

import (
	"encoding/json"
	"math"
	"testing"
)

func TestRatio(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct{ part, whole, want float64 }{
		{1, 4, 0.25}, {0, 4, 0}, {8, 4, 2},
		{1, 0, nan}, {0, 0, nan}, {nan, 4, nan}, {1, nan, nan}, {1, -1, nan},
	} {
		if got := float64(Ratio(tt.part, tt.whole)); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("Ratio(%v, %v) = %v, want %v", tt.part, tt.whole, got, tt.want)
		}
	}
}

// TestRatiosAppend holds Append to what encoding/json makes of the tags.
func TestRatiosAppend(t *testing.T) {
	unknown := Number(math.NaN())
	for _, r := range []*Ratios{
		nil,
		{},
		{CPUOfRequest: 0.1, CPUOfLimit: unknown, CPUOfAllocatable: 0.2, MemoryOfRequest: 1.25, MemoryOfLimit: unknown, MemoryOfAllocatable: 3},
		{CPURequestOfAllocatable: new(Number(0.5)), MemoryRequestOfAllocatable: new(unknown)},
	} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.Append(nil)); got != string(want) {
			t.Errorf("Append gives %s, want %s", got, want)
		}
	}
}
