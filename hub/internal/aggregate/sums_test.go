package aggregate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/window"
)

func TestSum(t *testing.T) {
	unowned := podRow("bare", "uid-5", "", 16)
	nameless := podRow("0123", "uid-6", "", 32)
	nameless.Series.Namespace = ""
	node := nodeRow("n1", 100)
	node.Usage.Values[hub.PressureCPUSome] = 0.5
	view := viewAt(noon)
	view.Round.Nodes = []hub.NodeState{okState("n1", nil), okState("n2", nil), missing("old", hub.StateUnsupported, "cgroup v1", nil)}
	view.Cluster = &hub.Item{Nodes: &hub.Count{Count: 3, Reporting: 2}}
	view.Namespaces = []*hub.Item{{Name: "shop", Pods: &hub.Count{Count: 5, Reporting: 4}}, {Name: "empty", Pods: &hub.Count{}}}
	view.Workloads = []*hub.Item{
		{Kind: "Deployment", Namespace: "shop", Name: "web", Pods: &hub.Count{Count: 2, Reporting: 2}},
		{Kind: "Job", Namespace: "shop", Name: "down", Pods: &hub.Count{Count: 1}},
		{Kind: "Job", Namespace: "shop", Name: "done", Pods: &hub.Count{}},
	}
	got := Sum(view, []*hub.Frame{
		{Time: noon, Node: "n1", Rows: []hub.Row{node, podRow("web-1", "uid-1", "web", 1), unowned, nameless}},
		{Time: noon, Node: "old", Rows: []hub.Row{nodeRow("old", 400), podRow("web-3", "uid-7", "web", 64)}},
		{Time: noon, Node: "n2", Rows: []hub.Row{nodeRow("n2", 200), podRow("web-2", "uid-2", "web", 2), podRow("db", "uid-3", "db", 4)}},
	})
	sum := func(s hub.Series, cpu float64, count, reporting int) hub.Row {
		return hub.Row{Series: s, Usage: use(cpu, cpu), Parts: hub.Count{Count: count, Reporting: reporting}}
	}
	workload := func(name string) hub.Series { return workloadSeries("shop", "Deployment", name) }
	nothing := func(s hub.Series) hub.Row { return hub.Row{Series: s, Usage: zeroUsage()} }
	down := hub.Row{Series: workloadSeries("shop", "Job", "down"), Usage: hub.NewUsage(), Parts: hub.Count{Count: 1}}
	diff(t, "Sum", got, []hub.Sums{
		{Time: noon, Of: clusterSeries(), Rows: []hub.Row{sum(clusterSeries(), 300, 3, 2)}},
		{Time: noon, Of: namespaceSeries("empty"), Rows: []hub.Row{nothing(namespaceSeries("empty"))}},
		{Time: noon, Of: namespaceSeries("shop"), Rows: []hub.Row{sum(namespaceSeries("shop"), 23, 5, 4)}},
		{Time: noon, Of: workloadsSeries("shop"), Rows: []hub.Row{sum(workload("db"), 4, 1, 1), sum(workload("web"), 3, 2, 2), nothing(workloadSeries("shop", "Job", "done")), down}},
	})
	if got := Sum(viewAt(noon), nil); len(got) != 0 {
		t.Errorf("the sums of nothing are %+v", got)
	}
}

// TestHistoryOfSumsIsThatOfFrames keeps rounds of nodes and pods that come and
// go, and compares what History makes of the sums with what the frames of the
// same window add up to.
func TestHistoryOfSumsIsThatOfFrames(t *testing.T) {
	w, err := window.Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	keepRandomRounds(t, w)
	view := Answer(round(shop()))
	for _, q := range []hub.HistoryQuery{
		{Kind: hub.KindCluster},
		{Kind: hub.KindNode, Name: "n3"},
		{Kind: hub.KindNamespace, Name: "space-1"},
		{Kind: hub.KindWorkload, Namespace: "space-0", Name: "app-2", OwnerKind: "deployment"},
		{Kind: hub.KindWorkload, Namespace: "space-1", Name: "app-1", OwnerKind: "Job"},
	} {
		compareWithFrames(t, view, w, q)
	}
}

func keepRandomRounds(t *testing.T, w *window.Window) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	const rounds = 100
	for i := range rounds {
		at := noon.Add(time.Duration(i+1-rounds) * 10 * second)
		var frames []*hub.Frame
		for n := range 5 {
			if random.IntN(10) > 0 {
				frames = append(frames, randomFrame(random, at, fmt.Sprint("n", n)))
			}
		}
		for _, f := range frames {
			if err := w.Keep(f); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range Sum(viewAt(at), frames) {
			if err := w.KeepSums(&s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func compareWithFrames(t *testing.T, view *hub.View, w *window.Window, q hub.HistoryQuery) {
	t.Helper()
	got, err := History(view, w, q)
	if err != nil {
		t.Fatal(err)
	}
	want := addUp(t, w, got.Times, q)
	if q.Kind != hub.KindNode {
		diff(t, describe(q)+" reporting", got.Reporting, want.Reporting)
		diff(t, describe(q)+" count", got.Count, want.Reporting) // without a view, that is all
	}
	for m := range hub.MetricCount {
		for i := range got.Times {
			a, b := got.Values[m][i], want.Values[m][i]
			if math.IsNaN(a) != math.IsNaN(b) || math.Abs(a-b) > 20*window.Precision(m)+1e-9*math.Abs(b) {
				t.Fatalf("%s: %v in round %d is %v, and the frames add up to %v", describe(q), m, i, a, b)
			}
		}
	}
}

// randomFrame has the node's row and those of some pods, with gaps in both.
func randomFrame(random *rand.Rand, at time.Time, node string) *hub.Frame {
	usage := func() hub.Usage {
		u := hub.NewUsage()
		u.OverSeconds = 10
		for m := range u.Values {
			if random.IntN(5) > 0 {
				u.Values[m] = math.Floor(1000 * random.Float64())
			}
		}
		return u
	}
	f := &hub.Frame{Time: at, Node: node, Rows: []hub.Row{{Series: hub.Series{Kind: hub.KindNode, Node: node}, Usage: usage()}}}
	for i := range 12 {
		if random.IntN(4) == 0 {
			continue
		}
		f.Rows = append(f.Rows, hub.Row{Usage: usage(), Series: hub.Series{
			Kind: hub.KindPod, Node: node, Namespace: fmt.Sprint("space-", i%2), Pod: fmt.Sprint("pod-", i), PodUID: node + fmt.Sprint(i),
			OwnerKind: []string{"Deployment", "Job"}[i%3%2], OwnerName: fmt.Sprint("app-", i%4),
		}})
	}
	return f
}

// addUp adds the rows of the frames that the query is about, round by round.
func addUp(t *testing.T, w *window.Window, times []time.Time, q hub.HistoryQuery) hub.History {
	t.Helper()
	var h hub.History
	for _, at := range times {
		total, reporting := hub.Unknown(), 0
		for f, err := range w.Frames("", nil, at, at) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Rows {
				row := &f.Rows[i]
				if !isAbout(&row.Series, q) {
					continue
				}
				if total.Add(&row.Usage.Values); q.Kind == hub.KindNode {
					total = row.Usage.Values
				}
				reporting++
			}
		}
		for m := range h.Values {
			h.Values[m] = append(h.Values[m], total[m])
		}
		h.Reporting = append(h.Reporting, reporting)
	}
	return h
}

func isAbout(s *hub.Series, q hub.HistoryQuery) bool {
	switch q.Kind {
	case hub.KindCluster:
		return s.Kind == hub.KindNode
	case hub.KindNode:
		return s.Kind == hub.KindNode && s.Node == q.Name
	case hub.KindNamespace:
		return s.Kind == hub.KindPod && s.Namespace == q.Name
	}
	return s.Kind == hub.KindPod && s.Namespace == q.Namespace && s.OwnerName == q.Name && strings.EqualFold(s.OwnerKind, q.OwnerKind)
}

// TestSumLeavesOutPredecessors has a pod of which the control group of its
// predecessor lingers: the frame has its row, and the sums leave it out as the
// view does. So it is when the API server told of the new pod only after the
// frame was made.
func TestSumLeavesOutPredecessors(t *testing.T) {
	old := hub.PodReading{UID: "old", Namespace: "shop", Name: "web-1", Usage: use(50, 500)}
	unresolved := hub.PodReading{UID: "new", Namespace: "shop", Name: "fresh", Usage: use(3, 30)}
	before := web(1, "n1")
	before.UID, before.Containers = "old", nil
	now := shop(web(1, "n1"), web(2, "n1"))
	for _, tt := range []struct {
		name       string
		attributed *hub.Inventory
		reading    *hub.Reading
	}{
		{"both run", now, reading("n1", old, seen(1, 10), seen(2, 5), unresolved)},
		{"the new one is not known yet", shop(before, web(2, "n1")), reading("n1", old, seen(2, 5), unresolved)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			view := Answer(round(now, okState("n1", tt.reading)))
			frame := Attribute(tt.reading, tt.attributed, noon)
			if !slices.ContainsFunc(frame.Rows, func(row hub.Row) bool { return row.Series.PodUID == "old" }) {
				t.Error("the frame has no row of the old pod")
			}
			sums := map[hub.Series]hub.Row{}
			for _, group := range Sum(view, []*hub.Frame{frame}) {
				for _, row := range group.Rows {
					sums[row.Series] = row
				}
			}
			for of, item := range map[hub.Series]*hub.Item{
				namespaceSeries("shop"):                     named(t, view.Namespaces, "shop"),
				workloadSeries("shop", "Deployment", "web"): named(t, view.Workloads, "web"),
			} {
				diff(t, string(of.Kind)+" parts", sums[of].Parts, *item.Pods)
				diff(t, string(of.Kind)+" CPU", sums[of].Usage.Values[hub.CPUMillicores], item.Usage.Values[hub.CPUMillicores])
			}
		})
	}
}
