package aggregate

import (
	"errors"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

var gap = math.NaN()

// kept is a list of frames that behaves as the window does.
type kept []*hub.Frame

func (k kept) Frames(node string, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) {
		for _, f := range k {
			if node != "" && node != f.Node || f.Time.Before(from) || f.Time.After(to) {
				continue
			}
			rows := slices.DeleteFunc(slices.Clone(f.Rows), func(r hub.Row) bool { return !match(&r.Series) })
			if !yield(&hub.Frame{Time: f.Time, Node: f.Node, Rows: rows}, nil) {
				return
			}
		}
	}
}

// Sums adds up the frames of each round when it is asked for them.
func (k kept) Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error] {
	rounds := map[time.Time][]*hub.Frame{}
	for _, f := range k {
		rounds[f.Time] = append(rounds[f.Time], f)
	}
	return func(yield func(*hub.Sums, error) bool) {
		for _, at := range slices.SortedFunc(maps.Keys(rounds), time.Time.Compare) {
			for _, sums := range Sum(viewAt(at), rounds[at]) {
				sums.Rows = slices.DeleteFunc(sums.Rows, func(r hub.Row) bool { return !match(&r.Series) })
				if sums.Of == of && !at.Before(from) && !at.After(to) && !yield(&sums, nil) {
					return
				}
			}
		}
	}
}

// viewAt is a view of that time, of which nothing else is known.
func viewAt(at time.Time) *hub.View { return &hub.View{Round: &hub.Round{Time: at}} }

// ago makes a frame of so long before noon.
func ago(d time.Duration, node string, rows ...hub.Row) *hub.Frame {
	return &hub.Frame{Time: noon.Add(-d), Node: node, Rows: rows}
}

func podRow(name, uid, owner string, cpu float64) hub.Row {
	s := hub.Series{Kind: hub.KindPod, Namespace: "shop", Pod: name, PodUID: uid}
	if owner != "" {
		s.OwnerKind, s.OwnerName = "Deployment", owner
	}
	return hub.Row{Series: s, Usage: use(cpu, cpu)}
}

func nodeRow(node string, cpu float64) hub.Row {
	return hub.Row{Series: hub.Series{Kind: hub.KindNode, Node: node}, Usage: use(cpu, cpu)}
}

const second = time.Second

func TestHistory(t *testing.T) {
	view := Answer(round(shop(web(1, "n1")), okState("n1", reading("n1", seen(1, 10)))))
	pod := hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-1", Window: 40 * second}
	workload := hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "shop", Name: "web", OwnerKind: "deployment", Window: 40 * second}
	tests := []struct {
		name          string
		query         hub.HistoryQuery
		frames        kept
		want          []float64 // CPU
		wantReporting []int
	}{
		{"a missing round is a gap", pod, kept{
			ago(30*second, "n1", podRow("web-1", "uid-1", "web", 1)),
			ago(10*second, "n1", podRow("web-1", "uid-1", "web", 3)),
			ago(0, "n1", podRow("web-1", "uid-1", "web", 4)),
		}, []float64{1, gap, 3, 4}, nil},
		{"no row at all", pod, nil, []float64{gap, gap, gap, gap}, nil},
		{"rows of others and beyond the window", pod, kept{
			ago(40*second, "n1", podRow("web-1", "uid-1", "web", 9)),
			ago(10*second, "n1", podRow("web-2", "uid-2", "web", 9), podRow("web-1", "uid-1", "web", 3), nodeRow("n1", 9)),
			ago(-10*second, "n1", podRow("web-1", "uid-1", "web", 9)),
		}, []float64{gap, gap, 3, gap}, nil},
		{"rounds a little late or early", pod, kept{
			ago(34900*time.Millisecond, "n1", podRow("web-1", "uid-1", "web", 1)),
			ago(20100*time.Millisecond, "n1", podRow("web-1", "uid-1", "web", 2)),
			ago(6*second, "n1", podRow("web-1", "uid-1", "web", 3)),
		}, []float64{1, 2, 3, gap}, nil},
		{"two rounds on one point: the later", pod, kept{
			ago(12*second, "n1", podRow("web-1", "uid-1", "web", 1)),
			ago(8*second, "n1", podRow("web-1", "uid-1", "web", 2)),
		}, []float64{gap, gap, 2, gap}, nil},
		{"two rounds on one point count once in a sum", workload, kept{
			ago(12*second, "n1", podRow("web-1", "uid-1", "web", 1)),
			ago(8*second, "n1", podRow("web-1", "uid-1", "web", 2)),
			ago(8*second, "n2", podRow("web-2", "uid-2", "web", 5)),
		}, []float64{gap, gap, 7, gap}, []int{0, 0, 2, 0}},
		{"a predecessor of the same name on another node", pod, kept{
			ago(10*second, "n1", podRow("web-1", "uid-1", "web", 3)),
			ago(0, "n1", podRow("web-1", "uid-1", "web", 4)),
			ago(30*second, "n2", podRow("web-1", "old", "web", 1)),
			ago(10*second, "n2", podRow("web-1", "old", "web", 9)),
		}, []float64{1, gap, 3, 4}, nil},
		{"two of the same name on one node", pod, kept{
			ago(10*second, "n1", podRow("web-1", "uid-1", "web", 3), podRow("web-1", "old", "", 9)),
			ago(0, "n1", podRow("web-1", "old", "", 9), podRow("web-1", "uid-1", "web", 4)),
		}, []float64{gap, gap, 3, 4}, nil},
		{"sum over the nodes' pods, with who reports", workload, kept{
			ago(30*second, "n1", podRow("web-1", "uid-1", "web", 1), podRow("web-2", "uid-2", "web", 2), podRow("db", "uid-3", "db", 9)),
			ago(10*second, "n1", podRow("web-1", "uid-1", "web", 4)),
			ago(30*second, "n2", podRow("web-3", "uid-4", "web", 4)),
		}, []float64{7, gap, 4, gap}, []int{3, 0, 1, 0}},
		{"namespace", hub.HistoryQuery{Kind: hub.KindNamespace, Name: "shop", Window: 20 * second}, kept{
			ago(0, "n1", podRow("web-1", "uid-1", "web", 1), podRow("db", "uid-3", "db", 9), nodeRow("n1", 100)),
		}, []float64{gap, 10}, []int{0, 2}},
		{"cluster", hub.HistoryQuery{Kind: hub.KindCluster, Window: 20 * second}, kept{
			ago(10*second, "n1", nodeRow("n1", 100), podRow("web-1", "uid-1", "web", 1)),
			ago(0, "n1", nodeRow("n1", 200)), ago(0, "n2", nodeRow("n2", 50)),
		}, []float64{100, 250}, []int{1, 2}},
		{"node", hub.HistoryQuery{Kind: hub.KindNode, Name: "n1", Window: 20 * second}, kept{
			ago(0, "n1", nodeRow("n1", 200)), ago(0, "n2", nodeRow("n2", 50)),
		}, []float64{gap, 200}, nil},
		{"gone pod", hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "gone", Window: 20 * second}, kept{
			ago(10*second, "n1", podRow("gone", "uid-9", "web", 5)),
		}, []float64{5, gap}, nil},
		{"window shorter than an interval", hub.HistoryQuery{Kind: hub.KindNode, Name: "n1", Window: second}, kept{
			ago(0, "n1", nodeRow("n1", 200)),
		}, []float64{200}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := History(view, tt.frames, tt.query)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "CPU", got.Values[hub.CPUMillicores], tt.want)
			diff(t, "reporting", got.Reporting, tt.wantReporting)
			for i, at := range got.Times {
				if want := noon.Add(-time.Duration(len(got.Times)-1-i) * 10 * second); !at.Equal(want) {
					t.Errorf("time %d = %s, want %s", i, at, want)
				}
			}
		})
	}
}

func TestHistoryOfWhatNobodyKnows(t *testing.T) {
	view := Answer(round(shop(web(1, "n1")), okState("n1", reading("n1", seen(1, 10)))))
	tests := []struct {
		query hub.HistoryQuery
		want  string
	}{
		{hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "nix"}, "pod shop/nix: not found"},
		{hub.HistoryQuery{Kind: hub.KindPod, Namespace: "other", Name: "web-1"}, "pod other/web-1: not found"},
		{hub.HistoryQuery{Kind: hub.KindNode, Name: "nix"}, "node nix: not found"},
		{hub.HistoryQuery{Kind: hub.KindNamespace, Name: "nix"}, "namespace nix: not found"},
		{hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "shop", Name: "web", OwnerKind: "Job"}, "job shop/web: not found"},
	}
	for _, tt := range tests {
		_, err := History(view, kept{}, tt.query)
		if !errors.Is(err, hub.ErrNotFound) || err.Error() != tt.want {
			t.Errorf("History(%+v) = %v, want %q", tt.query, err, tt.want)
		}
	}
	_, err := History(view, kept{}, hub.HistoryQuery{Kind: hub.KindContainer})
	if err == nil || errors.Is(err, hub.ErrNotFound) || !strings.Contains(err.Error(), `"Container"`) {
		t.Errorf("history of a kind that is not kept = %v, want an error that names it", err)
	}
}

func TestHistoryNamesTheNewestSeries(t *testing.T) {
	view := Answer(round(shop(), okState("n1", reading("n1"))))
	frames := kept{
		ago(10*second, "n1", podRow("gone", "newer", "web", 5)),
		ago(20*second, "n2", podRow("gone", "older", "web", 5)),
	}
	got, err := History(view, frames, hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "gone"})
	if err != nil || got.Last.PodUID != "newer" {
		t.Errorf("last = %+v, %v, want the series of the newest row", got.Last, err)
	}
	if want := 360; len(got.Times) != want {
		t.Errorf("no window asked for: %d points, want the hub's %d", len(got.Times), want)
	}
}

type broken struct{}

func (broken) Frames(string, func(*hub.Series) bool, time.Time, time.Time) iter.Seq2[*hub.Frame, error] {
	return func(yield func(*hub.Frame, error) bool) { yield(nil, errors.New("bad block")) }
}

func (broken) Sums(hub.Series, func(*hub.Series) bool, time.Time, time.Time) iter.Seq2[*hub.Sums, error] {
	return func(yield func(*hub.Sums, error) bool) { yield(nil, errors.New("bad block")) }
}

func TestHistoryPassesErrorsOn(t *testing.T) {
	view := Answer(round(shop(), okState("n1", reading("n1"))))
	for _, q := range []hub.HistoryQuery{{Kind: hub.KindNode, Name: "n1"}, {Kind: hub.KindPod, Namespace: "shop", Name: "web-1"}} {
		_, err := History(view, broken{}, q)
		if want := "read history of " + describe(q) + ": bad block"; err == nil || err.Error() != want {
			t.Errorf("err = %v, want %q", err, want)
		}
	}
}

// asked records which node's frames and whose sums were asked for.
type asked struct {
	node   string
	frames bool
	of     hub.Series
}

func (a *asked) Frames(node string, _ func(*hub.Series) bool, _, _ time.Time) iter.Seq2[*hub.Frame, error] {
	a.node, a.frames = node, true
	return func(func(*hub.Frame, error) bool) {}
}

func (a *asked) Sums(of hub.Series, _ func(*hub.Series) bool, _, _ time.Time) iter.Seq2[*hub.Sums, error] {
	a.of = of
	return func(func(*hub.Sums, error) bool) {}
}

func TestHistoryReadsOneNodeWhereThatIsAll(t *testing.T) {
	old, young := web(1, "n1"), web(2, "n1")
	old.Created, young.Created = noon.Add(-2*time.Hour), noon.Add(-time.Minute)
	view := Answer(round(shop(old, young), okState("n1", reading("n1", seen(1, 10)))))
	for _, tt := range []struct {
		query hub.HistoryQuery
		want  string
	}{
		{hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-1"}, "n1"},
		{hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-2"}, ""},
		{hub.HistoryQuery{Kind: hub.KindNode, Name: "n1"}, "n1"},
	} {
		var a asked
		if _, err := History(view, &a, tt.query); err != nil || a.node != tt.want || !a.frames {
			t.Errorf("History(%+v) asked for node %q, %v, want %q", tt.query, a.node, err, tt.want)
		}
	}
}

func TestHistoryOfSumsReadsNoFrame(t *testing.T) {
	view := Answer(round(shop(web(1, "n1")), okState("n1", reading("n1", seen(1, 10)))))
	for _, tt := range []struct {
		query hub.HistoryQuery
		want  hub.Series
	}{
		{hub.HistoryQuery{Kind: hub.KindCluster}, hub.Series{Kind: hub.KindCluster}},
		{hub.HistoryQuery{Kind: hub.KindNamespace, Name: "shop"}, hub.Series{Kind: hub.KindNamespace, Namespace: "shop"}},
		{hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "shop", Name: "web", OwnerKind: "deployment"}, hub.Series{Kind: hub.KindWorkload, Namespace: "shop"}},
	} {
		var a asked
		if _, err := History(view, &a, tt.query); err != nil || a.of != tt.want || a.frames {
			t.Errorf("History(%+v) asked for the sums of %+v, %v, want %+v and no frame", tt.query, a.of, err, tt.want)
		}
	}
}

func TestSummarize(t *testing.T) {
	upTo := func(n int) []float64 {
		var list []float64
		for i := range n {
			list = append(list, float64(n-i))
		}
		return list
	}
	nan := hub.Number(gap)
	tests := []struct {
		name   string
		values []float64
		want   hub.Summary
	}{
		{"nothing", nil, hub.Summary{Min: nan, Avg: nan, P95: nan, Max: nan}},
		{"gaps only", []float64{gap, gap}, hub.Summary{Min: nan, Avg: nan, P95: nan, Max: nan}},
		{"zero is a value", []float64{0, gap}, hub.Summary{Min: 0, Avg: 0, P95: 0, Max: 0}},
		{"one", []float64{3}, hub.Summary{Min: 3, Avg: 3, P95: 3, Max: 3}},
		{"gaps count for nothing", []float64{1, gap, 3}, hub.Summary{Min: 1, Avg: 2, P95: 3, Max: 3}},
		{"20: rank 19", upTo(20), hub.Summary{Min: 1, Avg: 10.5, P95: 19, Max: 20}},
		{"21: rank 20", upTo(21), hub.Summary{Min: 1, Avg: 11, P95: 20, Max: 21}},
		{"100: rank 95", upTo(100), hub.Summary{Min: 1, Avg: 50.5, P95: 95, Max: 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			diff(t, "Summarize", Summarize(tt.values), tt.want)
		})
	}
}
