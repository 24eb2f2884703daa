package hub

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestNumber(t *testing.T) {
	tests := []struct {
		value float64
		want  string
	}{
		{0, "0"}, {1, "1"}, {-1, "-1"}, {10, "10"}, {1200, "1200"}, {0.5, "0.5"}, {-0.25, "-0.25"},
		{123.45678, "123.457"}, {0.000001, "0.000001"}, {0.0000001, "0"}, {-0.0000001, "0"},
		{0.9999999, "1"}, {1.0004, "1"}, {1.05, "1.05"}, {400576.15, "400576.15"}, {0.012345678, "0.012346"},
		{1 << 40, "1099511627776"}, {1 << 53, "9007199254740992"}, {1e15 + 0.5, "1000000000000000.5"}, {1e300, strconv.FormatFloat(1e300, 'f', -1, 64)},
		{math.NaN(), "null"}, {math.Inf(1), "null"}, {math.Inf(-1), "null"},
	}
	for _, tt := range tests {
		if got := string(Number(tt.value).Append(nil)); got != tt.want {
			t.Errorf("%v = %s, want %s", tt.value, got, tt.want)
		}
	}
}

// TestNumberIsShortest compares with strconv's shortest digits of the rounded
// value, over all magnitudes.
func TestNumberIsShortest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		v := (random.Float64() - 0.5) * math.Pow(10, float64(random.IntN(22)-8))
		digits := 1e3
		if math.Abs(v) < 1 {
			digits = 1e6
		}
		rounded := math.Round(v*digits) / digits
		if rounded == 0 {
			rounded = math.Abs(rounded) // no -0
		}
		want := strconv.FormatFloat(rounded, 'f', -1, 64)
		if got := string(Number(v).Append(nil)); got != want {
			t.Fatalf("%v = %s, want %s", v, got, want)
		}
	}
}

func BenchmarkUsage(b *testing.B) {
	u := NewUsage()
	for m := range u.Values {
		u.Values[m] = 1234.567 * float64(m)
	}
	buffer := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buffer = u.Append(buffer[:0])
	}
}
