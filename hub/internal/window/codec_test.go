package window

import (
	"math"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// blockOfTwo is a value with two rounds of two rows each.
func blockOfTwo(t testing.TB) (value string, number uint32) {
	t.Helper()
	h := newHead(5_000_000)
	var b buffer
	names := []*name{{number: 1}, {number: 2}}
	for i := range 2 {
		rows := []hub.Row{{Usage: hub.NewUsage()}, {Usage: hub.NewUsage()}}
		rows[1].Usage.Values[hub.MemoryBytes] = float64(i)
		r, err := b.quantise(timeOf(blockStart(h.block)+int64(i)), rows)
		if err != nil {
			t.Fatal(err)
		}
		r.names = names
		h.append(r, &b)
	}
	return h.value, h.block
}

func anyName(number uint32) (*name, bool) { return &name{number: number}, true }

// drain decodes a whole block and returns how many rounds it had.
func drain(value string, block uint32, named func(uint32) (*name, bool)) (rounds int, err error) {
	d := newDecoder(value, block, named)
	for d.next() {
		rounds++
		for _, r := range d.read(everything) {
			for _, v := range r.Usage.Values {
				if v < 0 || math.IsInf(v, 0) {
					return rounds, errCorrupt
				}
			}
		}
	}
	return rounds, d.err()
}

func TestDecodeCorrupt(t *testing.T) {
	good, block := blockOfTwo(t)
	if n, err := drain(good, block, anyName); n != 2 || err != nil {
		t.Fatalf("%d rounds, %v, want 2", n, err)
	}
	for fault, value := range map[string]string{
		"cut short":         good[:len(good)-1],
		"too many rows":     "\x00\x00\xff\xff\xff\xff\x0f",
		"endless number":    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"unknown column":    "\x00\x00\x02\x00\x01\xff\xff\xff\x7f\x00",
		"place of nobody":   "\x00\x00\x02\x01\x00",
		"row cut short":     "\x00\x00\x02\x00\x01\x01",
		"row without delta": "\x00\x00\x02\x00\x01\x01\x80",
	} {
		if n, err := drain(value, block, anyName); err == nil {
			t.Errorf("%s: decoded to %d rounds", fault, n)
		}
		unneeded := func(number uint32) (*name, bool) { return &name{number: number}, false }
		if n, err := drain(value, block, unneeded); err == nil && fault != "unknown column" {
			t.Errorf("%s: passed over as %d rounds", fault, n)
		}
	}
	nobody := func(uint32) (*name, bool) { return nil, false }
	if _, err := drain(good, block, nobody); err == nil {
		t.Error("a series without a name was decoded")
	}
}

// TestUnchangedRoundIsTiny: a round in which nothing changes takes a byte for
// each row and three for itself.
func TestUnchangedRoundIsTiny(t *testing.T) {
	h := newHead(5_000_000)
	var b buffer
	rows := make([]hub.Row, 50)
	names := make([]*name, len(rows))
	for i := range rows {
		names[i] = &name{number: uint32(i)}
		rows[i].Usage = hub.Usage{OverSeconds: 10, Values: hub.Values{hub.MemoryBytes: 64 << 20}}
	}
	length := 0
	for i := range 5 {
		r, err := b.quantise(timeOf(blockStart(h.block)+int64(i)*int64(10*time.Second)), rows)
		if err != nil {
			t.Fatal(err)
		}
		r.names = names
		before := len(h.value)
		h.append(r, &b)
		length = len(h.value) - before
	}
	if want := len(rows) + 3; length != want {
		t.Errorf("a round in which nothing changes takes %d bytes, want %d", length, want)
	}
}

// TestPrecision keeps what lies between two numbers, for every metric.
func TestPrecision(t *testing.T) {
	for m := range hub.MetricCount {
		for _, v := range []float64{0, 0.1, 1.0 / 3, 12.3456789, 98765.4321, 1e9 + 0.123456789} {
			if Precision(m) == 0 {
				v = math.Floor(v)
			}
			values := hub.Unknown()
			values[m] = v
			var numbers row
			numbers.quantise(&values)
			back := hub.Row{Usage: hub.NewUsage()}
			numbers.fill(&back, 0)
			if got := back.Usage.Values[m]; math.Abs(got-v) > Precision(m)*(1+1e-6) {
				t.Errorf("%v %v came back as %v", m, v, got)
			}
			back.Usage.Values[m] = math.NaN()
			for other := range hub.MetricCount {
				if back.Usage.Values.Known(other) {
					t.Errorf("%v is known, and only %v was kept", other, m)
				}
			}
		}
	}
}

func TestEveryMetricHasAColumn(t *testing.T) {
	seen := map[hub.Metric]int{}
	for c := range columns {
		seen[metricOf(c)]++
	}
	for m := range hub.MetricCount {
		if seen[m] != 1 {
			t.Errorf("%v has %d columns", m, seen[m])
		}
	}
	for i := range rates {
		counter, rate := metricOf(firstCounter+i), metricOf(firstRate+i)
		if rate.String() != counter.String()+"PerSecond" {
			t.Errorf("the rate of %v is taken for %v", counter, rate)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, block := blockOfTwo(f)
	f.Add(good)
	f.Add(good[3:])
	f.Fuzz(func(t *testing.T, value string) {
		rounds, _ := drain(value, block, anyName)
		if rounds > len(value) {
			t.Errorf("%d rounds in %d bytes", rounds, len(value))
		}
		some := func(number uint32) (*name, bool) { return &name{number: number}, number%2 == 0 }
		if passed, err := drain(value, block, some); err == nil && passed > len(value) {
			t.Errorf("%d rounds passed over in %d bytes", passed, len(value))
		}
	})
}
