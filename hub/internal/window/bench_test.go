package window_test

import (
	"math"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/window"
)

// The benchmarks report, beside time and allocations, what one stored sample
// costs. They are run with
//
//	go test -bench . -benchmem ./hub/internal/window

// BenchmarkKeep keeps an hour of a hundred nodes, again and again.
func BenchmarkKeep(b *testing.B) {
	const nodes = 100
	var frames []*hub.Frame
	m := newMix(nodes)
	for round := range hour {
		for i := range nodes {
			frames = append(frames, m.frame(nodeName(i), round))
		}
	}
	b.ReportAllocs()
	hours, bytes := 0, 0.0
	for b.Loop() {
		w, err := window.Open(time.Hour, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range frames {
			if err := w.Keep(f); err != nil {
				b.Fatal(err)
			}
		}
		status := w.Status()
		bytes = float64(status.Bytes) / float64(status.Samples)
		hours++
		w.Close()
	}
	samples := float64(hours * nodes * hour * perNode)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/samples, "ns/sample")
	b.ReportMetric(bytes, "B/sample")
	runtime.KeepAlive(frames)
}

// BenchmarkPodHour reads one pod's hour: from its node, and when it could have
// been on any of a hundred.
func BenchmarkPodHour(b *testing.B) {
	w, m, _ := filled(b, 100, 0)
	wanted := m.containers[nodeName(50)][7].row.Series
	match := func(s *hub.Series) bool { return *s == wanted }
	for _, bb := range []struct{ name, node string }{{"node known", nodeName(50)}, {"any node", ""}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rows := 0
				for f, err := range w.Frames(bb.node, match, time.Time{}, m.end()) {
					if err != nil {
						b.Fatal(err)
					}
					rows += len(f.Rows)
				}
				if rows != hour {
					b.Fatalf("%d rows, want %d", rows, hour)
				}
			}
		})
	}
}

// BenchmarkNamespaceHour reads the hour of a namespace of 3,000 pods in 100
// workloads, from its sums.
func BenchmarkNamespaceHour(b *testing.B) {
	w, err := window.Open(time.Hour, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	m := newMix(100)
	for _, containers := range m.containers {
		for i, c := range containers {
			c.row.Series.Kind, c.row.Series.Namespace, c.row.Series.OwnerName = hub.KindPod, "shop", nodeName(i)
		}
	}
	for round := range hour {
		var frames []*hub.Frame
		for i := range 100 {
			frames = append(frames, m.frame(nodeName(i), round))
		}
		for _, s := range aggregate.Sum(viewAt(frames[0].Time), frames) {
			if err := w.KeepSums(&s); err != nil {
				b.Fatal(err)
			}
		}
	}
	namespace := hub.Series{Kind: hub.KindNamespace, Namespace: "shop"}
	b.ReportAllocs()
	for b.Loop() {
		rounds := 0
		for s, err := range w.Sums(namespace, func(s *hub.Series) bool { return *s == namespace }, time.Time{}, m.end()) {
			if err != nil || s.Rows[0].Parts.Reporting != 3000 {
				b.Fatal(s, err)
			}
			rounds++
		}
		if rounds != hour {
			b.Fatalf("%d rounds, want %d", rounds, hour)
		}
	}
}

// BenchmarkLatest reads the latest frame of each of a hundred nodes. The hub
// does not: its view has them.
func BenchmarkLatest(b *testing.B) {
	w, m, _ := filled(b, 100, 0)
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for f, err := range w.Frames("", nil, m.end(), m.end()) {
			if err != nil {
				b.Fatal(err)
			}
			rows += len(f.Rows)
		}
		if rows != 100*perNode {
			b.Fatalf("%d rows, want %d", rows, 100*perNode)
		}
	}
}

// BenchmarkWholeHub keeps what a hub keeps of an hour of nodes with 30 pods of
// two containers each: rows of nodes, pods and containers and all sums, and
// reports how much that is for each container.
func BenchmarkWholeHub(b *testing.B) {
	const nodes = 50
	containers := float64(nodes * 2 * perNode * hour)
	for b.Loop() {
		before := heap()
		w, err := window.Open(time.Hour, 0)
		if err != nil {
			b.Fatal(err)
		}
		m := newMix(2 * nodes)
		for round := range hour {
			var frames []*hub.Frame
			for i := range nodes {
				frames = append(frames, wholeFrame(m.frame(nodeName(2*i), round), m.frame(nodeName(2*i+1), round)))
			}
			for _, f := range frames {
				if err := w.Keep(f); err != nil {
					b.Fatal(err)
				}
			}
			for _, s := range aggregate.Sum(viewAt(frames[0].Time), frames) {
				if err := w.KeepSums(&s); err != nil {
					b.Fatal(err)
				}
			}
		}
		m = nil
		b.ReportMetric(float64(heap()-before)/containers, "heap-B/container")
		b.ReportMetric(float64(w.Status().Bytes)/containers, "B/container")
		b.ReportMetric(float64(w.Status().Samples)/containers, "rows/container")
		w.Close()
	}
}

// wholeFrame makes one frame of two: the i-th containers of both are a pod.
// Only pods have a network.
func wholeFrame(a, c *hub.Frame) *hub.Frame {
	node := hub.Row{Series: hub.Series{Kind: hub.KindNode, Node: a.Node}, Usage: hub.NewUsage()}
	node.Usage.OverSeconds = a.Rows[0].Usage.OverSeconds
	rows := []hub.Row{node}
	for i := range a.Rows {
		app, sidecar := a.Rows[i], c.Rows[i]
		for _, rate := range []hub.Metric{hub.NetworkRxBytesPerSecond, hub.NetworkTxBytesPerSecond, hub.DiskReadBytesPerSecond, hub.DiskWriteBytesPerSecond} {
			sidecar.Usage.Values[rate] *= sidecar.Usage.OverSeconds / app.Usage.OverSeconds // both are read at once
		}
		pod := app
		pod.Series.Kind, pod.Series.Container, pod.Series.OwnerName = hub.KindPod, "", "web-"+strconv.Itoa(i/3)
		pod.Usage.Values.Add(&sidecar.Usage.Values)
		rows[0].Usage.Values.Add(&pod.Usage.Values)
		sidecar.Series = app.Series
		sidecar.Series.Container = "proxy"
		sidecar.Usage.OverSeconds = app.Usage.OverSeconds
		for m := hub.NetworkRxBytes; m <= hub.NetworkTxBytesPerSecond; m++ {
			app.Usage.Values[m], sidecar.Usage.Values[m] = math.NaN(), math.NaN()
		}
		rows = append(rows, pod, app, sidecar)
	}
	return &hub.Frame{Time: a.Time, Node: a.Node, Rows: rows}
}

func viewAt(round time.Time) *hub.View { return &hub.View{Round: &hub.Round{Time: round}} }

// BenchmarkFillIn keeps sixty past rounds of a hundred nodes, oldest first, in
// a window that has the three rounds after them.
func BenchmarkFillIn(b *testing.B) {
	const nodes, past, newer = 100, 60, 3
	m := newMix(nodes)
	rounds := make([][]*hub.Frame, past+newer)
	for round := range rounds {
		for i := range nodes {
			rounds[round] = append(rounds[round], m.frame(nodeName(i), round))
		}
	}
	for name, order := range map[string][][]*hub.Frame{
		"in order": rounds,
		"late":     slices.Concat(rounds[past:], rounds[:past]),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w, err := window.Open(time.Hour, 0)
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range slices.Concat(order...) {
					if err := w.Keep(f); err != nil {
						b.Fatal(err)
					}
				}
				w.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*nodes*(past+newer)*perNode), "ns/sample")
		})
	}
}

// BenchmarkSumsAgain keeps each round of a block twice, of the three hundred
// workloads of a namespace: the second time as it was, and changed, as when
// nodes answer late.
func BenchmarkSumsAgain(b *testing.B) {
	const rounds, workloads = 30, 300
	m := newMix(workloads / perNode)
	rows := make([][]hub.Row, rounds+1)
	for round := range rows {
		for i := range workloads / perNode {
			rows[round] = append(rows[round], m.frame(nodeName(i), round).Rows...)
		}
	}
	of := hub.Series{Kind: hub.KindWorkload, Namespace: "shop"}
	for name, later := range map[string]int{"as it was": 0, "changed": 1} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w, err := window.Open(time.Hour, 0)
				if err != nil {
					b.Fatal(err)
				}
				for round := range rounds {
					for _, now := range [][]hub.Row{rows[round], rows[round+later]} {
						sums := hub.Sums{Time: m.start.Add(time.Duration(round) * 10 * time.Second), Of: of, Rows: now}
						if err := w.KeepSums(&sums); err != nil {
							b.Fatal(err)
						}
					}
				}
				w.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(rounds*workloads), "ns/row")
		})
	}
}
