package window

import (
	"slices"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

func TestRoles(t *testing.T) {
	node := &name{series: hub.Series{Kind: hub.KindNode, Node: "n"}}
	pod := func(uid string) *name { return &name{series: hub.Series{Kind: hub.KindPod, PodUID: uid}} }
	container := func(uid string) *name { return &name{series: hub.Series{Kind: hub.KindContainer, PodUID: uid}} }
	names := []*name{
		container("a"), node, pod("a"), pod("b"), container("b"), pod("c"), container("c"), container("c"), container("c"),
		container("b"), node, container("c"), pod("d"), container("e"),
	}
	want := []role{
		other, other, other, podRow, lastContainerRow, podRow, containerRow, containerRow, lastContainerRow,
		other, other, other, other, other,
	}
	if got := rolesOf(names); !slices.Equal(got, want) {
		t.Errorf("roles are %v, want %v", got, want)
	}
}

func TestSharedColumnsAddUp(t *testing.T) {
	for _, c := range shared() {
		if m := metricOf(c); !m.Sums() || c >= firstRate || m == hub.NetworkRxBytes || m == hub.NetworkTxBytes {
			t.Errorf("%v of a pod is not the sum of its containers'", m)
		}
	}
}

// TestLastContainerCostsNothing: where the containers of a pod add up to it,
// the last one's row is a single byte.
func TestLastContainerCostsNothing(t *testing.T) {
	h := newHead(5_000_000)
	var b buffer
	series := []hub.Series{{Kind: hub.KindPod, PodUID: "a"}, {Kind: hub.KindContainer, PodUID: "a", Container: "1"}, {Kind: hub.KindContainer, PodUID: "a", Container: "2"}}
	var names []*name
	for i, s := range series {
		names = append(names, &name{number: uint32(i), series: s})
	}
	length := func(i, app, proxy float64) int {
		rows := make([]hub.Row, 3)
		for j, v := range []float64{app + proxy, app, proxy} {
			rows[j].Usage = hub.Usage{OverSeconds: 10, Values: hub.Unknown()}
			rows[j].Usage.Values[hub.CPUMillicores], rows[j].Usage.Values[hub.MemoryBytes] = v, v*4096
		}
		r, err := b.quantise(timeOf(blockStart(h.block)+int64(i)*1e10), rows)
		if err != nil {
			t.Fatal(err)
		}
		r.names = names
		before := len(h.value)
		h.append(r, &b)
		return len(h.value) - before
	}
	length(0, 100, 7)
	length(1, 100, 7)
	alone := length(2, 300, 7)
	if both := length(3, 500, 300); both != alone {
		t.Errorf("a round in which both containers changed takes %d bytes, one in which the first did %d", both, alone)
	}
}

// TestGuessesAreMadeWhereTheyComeTrue: resident memory that follows the working
// set costs nothing, and none that does not follow costs more than once.
func TestGuessesAreMadeWhereTheyComeTrue(t *testing.T) {
	h := newHead(5_000_000)
	var b buffer
	names := []*name{{number: 1, series: hub.Series{Kind: hub.KindPod}}}
	round := 0
	length := func(workingSet, rss float64) int {
		rows := []hub.Row{{Usage: hub.Usage{OverSeconds: 10, Values: hub.Unknown()}}}
		rows[0].Usage.Values[hub.MemoryBytes], rows[0].Usage.Values[hub.MemoryRSSBytes] = workingSet, rss
		r, err := b.quantise(timeOf(blockStart(h.block)+int64(round)*1e10), rows)
		if err != nil {
			t.Fatal(err)
		}
		r.names = names
		before := len(h.value)
		h.append(r, &b)
		round++
		return len(h.value) - before
	}
	const mi = 1 << 20
	length(64*mi, 32*mi)
	length(64*mi, 32*mi)
	alone := length(65*mi, 33*mi)
	if both := length(64*mi, 32*mi); both != alone {
		t.Errorf("working set and resident memory take %d bytes and then %d", alone, both)
	}
	wrong := length(63*mi, 32*mi)
	length(63*mi, 32*mi)
	if right := length(62*mi, 32*mi); right >= wrong {
		t.Errorf("a working set that changes alone takes %d bytes again, at first %d", right, wrong)
	}
	length(63*mi, 33*mi)
	length(63*mi, 33*mi)
	if again := length(64*mi, 34*mi); again != alone {
		t.Errorf("resident memory that follows again takes %d bytes, want %d", again, alone)
	}
}

// TestSteadyCountersCostNothing: a counter that grows by the same each round is
// as cheap as one that does not, also if rounds are not equally long.
func TestSteadyCountersCostNothing(t *testing.T) {
	h := newHead(5_000_000)
	var b buffer
	names := []*name{{number: 1, series: hub.Series{Kind: hub.KindPod}}}
	counter := 5e9
	lengths := []int{}
	for round, over := range []float64{10, 10, 10.02, 9.97, 10.01, 10, 10} {
		counter += 12345
		rows := []hub.Row{{Usage: hub.Usage{OverSeconds: over, Values: hub.Unknown()}}}
		rows[0].Usage.Values[hub.NetworkRxBytes], rows[0].Usage.Values[hub.NetworkRxBytesPerSecond] = counter, 12345/over
		r, err := b.quantise(timeOf(blockStart(h.block)+int64(round)*1e10), rows)
		if err != nil {
			t.Fatal(err)
		}
		r.names = names
		before := len(h.value)
		h.append(r, &b)
		lengths = append(lengths, len(h.value)-before)
	}
	if last := lengths[len(lengths)-1]; last != 4 {
		t.Errorf("rounds take %d bytes, want 4 of the last", lengths)
	}
}
