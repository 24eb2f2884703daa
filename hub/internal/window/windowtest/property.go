package windowtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// A fleet makes frames of nodes and pods that come and go, and tells what of
// them must come back.
type fleet struct {
	rand  *rand.Rand
	pods  map[string][]hub.Series // by node
	made  int
	round time.Time
	kept  map[string]map[time.Time]*hub.Frame // by node
	sums  map[time.Time]*hub.Sums             // of the cluster
}

func newFleet(seed uint64) *fleet {
	return &fleet{
		rand: rand.New(rand.NewPCG(seed, 1)), pods: map[string][]hub.Series{},
		round: now(), kept: map[string]map[time.Time]*hub.Frame{}, sums: map[time.Time]*hub.Sums{},
	}
}

// some returns a random node, and a round that is mostly the latest.
func (f *fleet) some() (node string, at time.Time) {
	node, at = fmt.Sprintf("node%d", f.rand.IntN(4)), f.round
	if f.rand.IntN(10) == 0 {
		at = at.Add(-every * time.Duration(f.rand.IntN(10)))
	}
	return node, at
}

func (f *fleet) frame(node string, at time.Time) *hub.Frame {
	frame := &hub.Frame{Node: node, Time: at, Rows: []hub.Row{}}
	for _, series := range f.churn(node) {
		frame.Rows = append(frame.Rows, hub.Row{Series: series, Usage: f.usage(series)})
	}
	return frame
}

// churn lets pods and containers of the node come, go, come back and change
// places.
func (f *fleet) churn(node string) []hub.Series {
	pods := slices.Clone(f.pods[node])
	switch f.rand.IntN(8) {
	case 0:
		f.made++
		pod := hub.Series{Kind: hub.KindPod, Node: node, Namespace: "shop", Pod: fmt.Sprint("web-", f.made%9)}
		pods = append(pods, pod)
		for i := range f.rand.IntN(4) {
			pod.Kind, pod.Container = hub.KindContainer, fmt.Sprint("container-", i)
			pods = append(pods, pod)
		}
	case 1:
		if len(pods) > 0 {
			i := f.rand.IntN(len(pods))
			pods = slices.Delete(pods, i, i+1)
		}
	case 2:
		f.rand.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	}
	f.pods[node] = pods
	return pods
}

// usage has values of every size, unknown ones, and some that stay.
func (f *fleet) usage(of hub.Series) hub.Usage {
	u := hub.NewUsage()
	u.OverSeconds = []float64{0, 10, 10.000000123, f.rand.Float64() * 30}[f.rand.IntN(4)]
	for m := range u.Values {
		switch f.rand.IntN(6) {
		case 0:
			u.Values[m] = 0
		case 1:
			u.Values[m] = math.Floor(f.rand.Float64() * math.Exp2(float64(f.rand.IntN(39))))
		case 2:
			u.Values[m] = f.rand.Float64()
		case 3:
			u.Values[m] = float64(len(of.Pod)) * 4096
		case 4:
			u.Values[m] = float64(f.round.Unix()) * float64(m)
		}
		if !isFraction(hub.Metric(m)) {
			u.Values[m] = math.Floor(u.Values[m])
		}
	}
	return u
}

// isFraction reports whether a metric may have digits behind the point.
func isFraction(m hub.Metric) bool {
	return !m.Cumulative() && m != hub.PIDs && (m < hub.MemoryBytes || m > hub.MemorySwapBytes)
}

// want lists the frames of a node, or of all, that must come back.
func (f *fleet) want(node string, from, to time.Time, window time.Duration) []*hub.Frame {
	var list []*hub.Frame
	for name, frames := range f.kept {
		for at, frame := range frames {
			if (node == "" || name == node) && !at.Before(from) && !at.After(to) && !at.Before(f.round.Add(-window)) {
				list = append(list, frame)
			}
		}
	}
	slices.SortFunc(list, byNodeAndTime)
	return list
}

// keep keeps a few frames of a round, and goes on to the next.
func (f *fleet) keep(t *testing.T, s Store) {
	for range 1 + f.rand.IntN(6) {
		f.store(t, s, f.frame(f.some()))
		f.storeSums(t, s)
	}
	if f.rand.IntN(10) == 0 {
		f.fill(t, s)
	}
}

// fill keeps a node's rounds of a while ago, one after the other.
func (f *fleet) fill(t *testing.T, s Store) {
	node, _ := f.some()
	for back := f.rand.IntN(8); back > 0; back-- {
		f.store(t, s, f.frame(node, f.round.Add(-every*time.Duration(back))))
	}
}

// storeSums keeps sums of what a random node has, sometimes again.
func (f *fleet) storeSums(t *testing.T, s Store) {
	frame := f.frame(f.some())
	sums := &hub.Sums{Time: frame.Time, Of: cluster(), Rows: frame.Rows}
	for i := range sums.Rows {
		sums.Rows[i].Parts = hub.Count{Count: f.rand.IntN(5000), Reporting: f.rand.IntN(3)}
	}
	if err := s.KeepSums(sums); err != nil {
		t.Fatal(err)
	}
	f.sums[sums.Time] = sums
}

func cluster() hub.Series { return hub.Series{Kind: hub.KindCluster} }

// lookAtSums reads all sums.
func (f *fleet) lookAtSums(t *testing.T, s Store) {
	t.Helper()
	var wanted []*hub.Sums
	for at, sums := range f.sums {
		if !at.Before(f.round.Add(-keep)) {
			wanted = append(wanted, sums)
		}
	}
	slices.SortFunc(wanted, func(a, b *hub.Sums) int { return a.Time.Compare(b.Time) })
	wantSums(t, s, cluster(), nil, f.round.Add(-keep), wanted...)
}

func (f *fleet) store(t *testing.T, s Store, frame *hub.Frame) {
	mustKeep(t, s, frame)
	if f.kept[frame.Node] == nil {
		f.kept[frame.Node] = map[time.Time]*hub.Frame{}
	}
	f.kept[frame.Node][frame.Time] = frame
}

// look reads something and compares it.
func (f *fleet) look(t *testing.T, s Store) {
	node := []string{"", "node1", "node2"}[f.rand.IntN(3)]
	from := f.round.Add(-time.Duration(f.rand.Int64N(int64(2 * keep))))
	to := from.Add(time.Duration(f.rand.Int64N(int64(2 * keep))))
	want(t, s, node, from, to, f.want(node, from, to, keep)...)
	f.lookFor(t, s, from, to)
	f.lookAtSums(t, s)
}

// lookFor reads the rows of one pod or of one container.
func (f *fleet) lookFor(t *testing.T, s Store, from, to time.Time) {
	t.Helper()
	kind, pod := []hub.Kind{hub.KindPod, hub.KindContainer}[f.rand.IntN(2)], fmt.Sprint("web-", f.rand.IntN(9))
	match := func(s *hub.Series) bool {
		return s.Kind == kind && s.Pod == pod && (kind == hub.KindPod || s.Container == "container-1")
	}
	var got, wanted []hub.Row
	for frame, err := range s.Frames("", match, from, to) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, frame.Rows...)
	}
	for _, frame := range f.want("", from, to, keep) {
		wanted = append(wanted, matching(frame.Rows, match)...)
	}
	if !slices.EqualFunc(got, wanted, equalRows) {
		t.Fatalf("rows of %s %s are\n%+v\nwant\n%+v", kind, pod, got, wanted)
	}
}

// next goes on to another round, mostly the next but sometimes a later one.
func (f *fleet) next() time.Duration {
	step := every
	if f.rand.IntN(20) == 0 {
		step = time.Duration(f.rand.Int64N(int64(3 * keep)))
	}
	f.round = f.round.Add(step)
	return step
}

// testProperties: what was kept is read back equal, in order, within bounds.
func testProperties(t *testing.T, s Store) { testSequence(t, s, func(time.Duration) {}) }

// testPropertiesInTime has time for the store to sweep.
func testPropertiesInTime(t *testing.T, s Store) { testSequence(t, s, time.Sleep) }

func testSequence(t *testing.T, s Store, wait func(time.Duration)) {
	f := newFleet(7)
	for range 300 {
		f.store(t, s, &hub.Frame{Node: "clock", Time: f.round}) // the round itself
		f.keep(t, s)
		f.look(t, s)
		if t.Failed() {
			return
		}
		wait(f.next())
	}
}
