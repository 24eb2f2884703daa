package aggregate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

func TestHistoryThinned(t *testing.T) {
	view := Answer(round(shop(), okState("n1", reading("n1"))))
	var frames kept
	for i, cpu := range []float64{1, 2, gap, gap, gap, 6, 8} { // 60 s to 0 s ago
		if math.IsNaN(cpu) {
			continue
		}
		row := nodeRow("n1", cpu)
		row.Usage.Values[hub.DiskReadBytes] = 100 * cpu
		frames = append(frames, ago(time.Duration(6-i)*10*second, "n1", row))
	}
	tests := []struct {
		name              string
		step              time.Duration
		maxPoints         int
		wantCPU, wantDisk []float64
		wantOldest        time.Duration
		wantReporting     []int
	}{
		{"not at all", 0, 0, []float64{1, 2, gap, gap, gap, 6, 8}, []float64{100, 200, gap, gap, gap, 600, 800}, 60 * second, []int{1, 1, 0, 0, 0, 1, 1}},
		{"step below the interval", second, 100, []float64{1, 2, gap, gap, gap, 6, 8}, []float64{100, 200, gap, gap, gap, 600, 800}, 60 * second, []int{1, 1, 0, 0, 0, 1, 1}},
		{"step of two", 20 * second, 0, []float64{1, 2, gap, 7}, []float64{100, 200, gap, 800}, 60 * second, []int{1, 1, 0, 1}},
		{"step rounds up to whole rounds", 11 * second, 0, []float64{1, 2, gap, 7}, []float64{100, 200, gap, 800}, 60 * second, []int{1, 1, 0, 1}},
		{"at most three", 0, 3, []float64{1, 2, 7}, []float64{100, 200, 800}, 60 * second, []int{1, 1, 1}},
		{"one", 0, 1, []float64{4.25}, []float64{800}, 0, []int{1}},
		{"the wider of both", 20 * second, 1, []float64{4.25}, []float64{800}, 0, []int{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := History(view, frames, hub.HistoryQuery{Kind: hub.KindCluster, Window: 70 * second, Step: tt.step, MaxPoints: tt.maxPoints})
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "mean", got.Values[hub.CPUMillicores], tt.wantCPU)
			diff(t, "counter", got.Values[hub.DiskReadBytes], tt.wantDisk)
			diff(t, "reporting", got.Reporting, tt.wantReporting)
			if oldest, newest := got.Times[0], got.Times[len(got.Times)-1]; !oldest.Equal(noon.Add(-tt.wantOldest)) || !newest.Equal(noon) {
				t.Errorf("times from %s to %s, want from %s before noon to noon", oldest, newest, tt.wantOldest)
			}
		})
	}
}

func TestThinCoversEveryPointOnce(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for size := 1; size <= n+3; size++ {
			next := 0
			for lo, hi := range buckets(n, size) {
				if lo != next || hi <= lo || hi-lo > size {
					t.Fatalf("buckets(%d, %d): [%d, %d) after %d", n, size, lo, hi, next)
				}
				next = hi
			}
			if next != n {
				t.Fatalf("buckets(%d, %d) end at %d", n, size, next)
			}
		}
	}
}

// TestThinnedKeepsPeaks has a bucket of which half is missing, one of which all
// is, and a peak of one round.
func TestThinnedKeepsPeaks(t *testing.T) {
	h := &hub.History{Reporting: []int{2, 2, 0, 0, 2, 3, 5, 6, 0}, Count: []int{2, 2, 0, 0, 2, 3, 5, 7, 0}}
	for i, v := range []float64{1, 3, gap, gap, gap, 4, 900, 2, 0} {
		h.Times = append(h.Times, noon.Add(time.Duration(i)*10*second))
		for m := range hub.MetricCount {
			h.Values[m] = append(h.Values[m], v)
		}
	}
	thin(h, 2)
	diff(t, "times", h.Times, []time.Time{noon, noon.Add(20 * second), noon.Add(40 * second), noon.Add(60 * second), noon.Add(80 * second)})
	diff(t, "average", h.Values[hub.CPUMillicores], []float64{1, 3, gap, 452, 1})
	diff(t, "last of a counter", h.Values[hub.OOMKills], []float64{1, 3, gap, 900, 0})
	diff(t, "least", h.Min[hub.CPUMillicores], []float64{1, 3, gap, 4, 0})
	diff(t, "greatest", h.Max[hub.CPUMillicores], []float64{1, 3, gap, 900, 2})
	diff(t, "reporting", h.Reporting, []int{2, 2, 2, 3, 6})
	diff(t, "count", h.Count, []int{2, 2, 2, 3, 7})
}

// TestThinnedProperties: for any values and any width every bucket holds its
// average between its extremes, every peak is seen, a gap is one exactly where
// nothing is known, and the summary does not depend on the buckets.
func TestThinnedProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		n := 1 + random.IntN(60)
		s := newSeries(grid{last: noon, interval: 10 * second, points: n}, false)
		for i := range n {
			for m := range s.history.Values {
				if random.IntN(3) > 0 {
					s.history.Values[m][i] = random.Float64() * math.Pow(10, float64(random.IntN(18)))
				}
			}
		}
		whole := s.history.Values
		size := 1 + random.IntN(n+2)
		checkThinned(t, whole, s.done(size), size)
		if t.Failed() {
			t.Fatalf("with %d points and buckets of %d", n, size)
		}
	}
}

func checkThinned(t *testing.T, whole hub.Columns, h *hub.History, size int) {
	t.Helper()
	if (size > 1) != (h.Min != nil) || (h.Min == nil) != (h.Max == nil) {
		t.Fatalf("extremes are %v and %v", h.Min, h.Max)
	}
	least, greatest := h.Values, h.Values
	if size > 1 {
		least, greatest = *h.Min, *h.Max
	}
	for m := range hub.MetricCount {
		i := 0
		for lo, hi := range buckets(len(whole[m]), size) {
			known := slices.DeleteFunc(slices.Clone(whole[m][lo:hi]), math.IsNaN)
			low, value, high := least[m][i], h.Values[m][i], greatest[m][i]
			switch i++; {
			case len(known) == 0:
				if !math.IsNaN(low) || !math.IsNaN(value) || !math.IsNaN(high) {
					t.Errorf("%v: the gap %d is %v, %v, %v", m, i, low, value, high)
				}
			case low != slices.Min(known) || high != slices.Max(known) || !(low <= value && value <= high):
				t.Errorf("%v: bucket %d is %v, %v, %v of %v", m, i, low, value, high, known)
			}
		}
		if len(h.Values[m]) != i || len(h.Times) != i {
			t.Errorf("%v has %d values and %d times, want %d", m, len(h.Values[m]), len(h.Times), i)
		}
		diff(t, "summary", h.Summary[m], Summarize(whole[m]))
	}
}
