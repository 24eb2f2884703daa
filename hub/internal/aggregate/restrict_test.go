package aggregate

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/window"
)

// quarters is a round of two nodes with pods in three namespaces, of which west
// has none that reports, and in an empty one.
func quarters() *hub.View {
	pod := func(i int, namespace, node string) *hub.Pod {
		p := web(i, node)
		p.Namespace = namespace
		return p
	}
	inv := shop(pod(1, "east", "n1"), pod(2, "east", "n2"), pod(3, "north", "n1"), pod(4, "west", "n2"))
	inv.Namespaces = append(inv.Namespaces, &hub.Namespace{Name: "east"}, &hub.Namespace{Name: "north"}, &hub.Namespace{Name: "west"})
	return Answer(round(inv,
		okState("n1", reading("n1", seen(1, 10), seen(3, 100), hub.PodReading{UID: "nameless", Usage: use(5000, 5000)})),
		okState("n2", reading("n2", seen(2, 20)))))
}

func TestRestrict(t *testing.T) {
	whole := quarters()
	tests := []struct {
		name             string
		scope            hub.Scope
		pods, namespaces []string
		nodes            int
		cpu              float64 // of the cluster
		count            hub.Count
	}{
		{"nodes and a namespace", hub.Scope{Nodes: true, Namespaces: []string{"north"}}, []string{"north/Pod/web-3"}, []string{"/Namespace/north"}, 2, 2000, hub.Count{Count: 5, Reporting: 4}},
		{"all pods", hub.Scope{AllNamespaces: true},
			[]string{"/Pod/nameless", "east/Pod/web-1", "east/Pod/web-2", "north/Pod/web-3", "west/Pod/web-4"},
			[]string{"/Namespace/east", "/Namespace/empty", "/Namespace/north", "/Namespace/shop", "/Namespace/west"}, 0, 130, hub.Count{Count: 4, Reporting: 3}},
		{"two namespaces", hub.Scope{Namespaces: []string{"east", "west"}},
			[]string{"east/Pod/web-1", "east/Pod/web-2", "west/Pod/web-4"}, []string{"/Namespace/east", "/Namespace/west"}, 0, 30, hub.Count{Count: 3, Reporting: 2}},
		{"an empty one", hub.Scope{Namespaces: []string{"empty"}}, nil, []string{"/Namespace/empty"}, 0, 0, hub.Count{}},
		{"one that does not report", hub.Scope{Namespaces: []string{"west"}}, []string{"west/Pod/web-4"}, []string{"/Namespace/west"}, 0, gap, hub.Count{Count: 1}},
		{"nothing", hub.Scope{}, nil, nil, 0, 0, hub.Count{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Restrict(whole, tt.scope)
			diff(t, "scope", v.Scope, tt.scope)
			diff(t, "pods", names(v.Pods), tt.pods)
			diff(t, "namespaces", names(v.Namespaces), tt.namespaces)
			for _, w := range v.Workloads {
				if !tt.scope.Has(w.Namespace) {
					t.Errorf("workload %s of %s", w.Name, w.Namespace)
				}
			}
			if len(v.Nodes) != tt.nodes || v.Round != whole.Round {
				t.Errorf("%d nodes, want %d, of round %v", len(v.Nodes), tt.nodes, v.Round)
			}
			cpu := gap
			if v.Cluster.Usage != nil {
				cpu = v.Cluster.Usage.Values[hub.CPUMillicores]
			}
			diff(t, "CPU of the cluster", cpu, tt.cpu)
			diff(t, "pods of the cluster", *v.Cluster.Pods, tt.count)
			if isSum := !tt.scope.Nodes; isSum != (v.Cluster.Nodes == nil && v.Cluster.Capacity == nil && v.Cluster.Allocatable == nil) ||
				isSum != strings.Contains(v.Cluster.Unavailable["nodes"], "list nodes") {
				t.Errorf("the cluster is %+v", v.Cluster)
			}
		})
	}
	if Restrict(whole, hub.Everything()) != whole {
		t.Error("the view of everything is another one")
	}
}

// TestRestrictNeverChangesItems takes random scopes of one view, which must stay
// as it is, and whose items are the very ones that are left.
func TestRestrictNeverChangesItems(t *testing.T) {
	whole, before := quarters(), quarters()
	for range 200 {
		scope := hub.Scope{Nodes: rand.IntN(2) == 0, AllNamespaces: rand.IntN(5) == 0}
		for _, name := range []string{"east", "empty", "north", "shop", "west"} {
			if rand.IntN(2) == 0 {
				scope.Namespaces = append(scope.Namespaces, name)
			}
		}
		v := Restrict(whole, scope)
		for _, list := range []struct {
			whole, part []*hub.Item
			namespace   func(*hub.Item) string
		}{
			{whole.Pods, v.Pods, func(i *hub.Item) string { return i.Namespace }},
			{whole.Workloads, v.Workloads, func(i *hub.Item) string { return i.Namespace }},
			{whole.Namespaces, v.Namespaces, func(i *hub.Item) string { return i.Name }},
		} {
			for _, item := range list.whole {
				if !scope.Has(list.namespace(item)) {
					continue
				}
				if len(list.part) == 0 || list.part[0] != item {
					t.Fatalf("%+v: %s/%s is missing, or in another place", scope, item.Namespace, item.Name)
				}
				list.part = list.part[1:]
			}
			if len(list.part) > 0 {
				t.Fatalf("%+v: %v is too much", scope, names(list.part))
			}
		}
	}
	diff(t, "the whole view", whole.Pods, before.Pods)
	diff(t, "the whole cluster", whole.Cluster, before.Cluster)
}

// ledger has sums as they are kept, by namespace.
type ledger struct {
	sums map[string][]hub.Sums
	fail string // the namespace that cannot be read
}

func (l ledger) Frames(string, func(*hub.Series) bool, time.Time, time.Time) iter.Seq2[*hub.Frame, error] {
	return func(func(*hub.Frame, error) bool) {}
}

func (l ledger) Sums(of hub.Series, match func(*hub.Series) bool, from, to time.Time) iter.Seq2[*hub.Sums, error] {
	return func(yield func(*hub.Sums, error) bool) {
		if of.Namespace == l.fail {
			yield(nil, errors.New("torn"))
			return
		}
		for _, s := range l.sums[of.Namespace] {
			if of == namespaceSeries(of.Namespace) && match(&of) && !s.Time.Before(from) && !s.Time.After(to) && !yield(&s, nil) {
				return
			}
		}
	}
}

// sumsOf are a namespace's sums of the last rounds; nil is a round without.
func sumsOf(namespace string, rounds ...*hub.Row) []hub.Sums {
	var sums []hub.Sums
	for i, row := range rounds {
		if row == nil {
			continue
		}
		row.Series = namespaceSeries(namespace)
		sums = append(sums, hub.Sums{Time: noon.Add(time.Duration(i+1-len(rounds)) * 10 * second), Of: row.Series, Rows: []hub.Row{*row}})
	}
	return sums
}

func parts(cpu float64, reporting, count int) *hub.Row {
	return &hub.Row{Usage: use(cpu, gap), Parts: hub.Count{Count: count, Reporting: reporting}}
}

// TestHistoryOfWhatMayBeSeen adds up namespaces, round by round.
func TestHistoryOfWhatMayBeSeen(t *testing.T) {
	kept := ledger{sums: map[string][]hub.Sums{
		"east":  sumsOf("east", parts(1, 1, 1), parts(2, 1, 2), nil, parts(4, 2, 2)),
		"north": sumsOf("north", parts(10, 1, 1), nil, nil, parts(40, 1, 1)),
		"west":  sumsOf("west", nil, parts(gap, 0, 1), parts(gap, 0, 1), parts(gap, 0, 1)),
		"empty": sumsOf("empty", parts(0, 0, 0), parts(0, 0, 0), parts(0, 0, 0), parts(0, 0, 0)),
		"gone":  sumsOf("gone", parts(9, 9, 9), parts(9, 9, 9), parts(9, 9, 9), parts(9, 9, 9)),
	}}
	all := []string{"east", "empty", "gone", "north", "west"}
	tests := []struct {
		name             string
		scope            hub.Scope
		want             []float64
		reporting, count []int
	}{
		{"all pods", hub.Scope{AllNamespaces: true}, []float64{11, 2, gap, 44}, []int{2, 1, 0, 3}, []int{2, 3, 1, 4}},
		{"two", hub.Scope{Namespaces: []string{"east", "north"}}, []float64{11, 2, gap, 44}, []int{2, 1, 0, 3}, []int{2, 2, 0, 3}},
		{"one", hub.Scope{Namespaces: []string{"north"}}, []float64{10, gap, gap, 40}, []int{1, 0, 0, 1}, []int{1, 0, 0, 1}},
		{"unknown beside nothing", hub.Scope{Namespaces: []string{"empty", "west"}}, []float64{0, gap, gap, gap}, []int{0, 0, 0, 0}, []int{0, 1, 1, 1}},
		{"nothing there", hub.Scope{Namespaces: []string{"empty"}}, []float64{0, 0, 0, 0}, []int{0, 0, 0, 0}, []int{0, 0, 0, 0}},
		{"one that is gone", hub.Scope{Namespaces: []string{"gone"}}, []float64{gap, gap, gap, gap}, []int{0, 0, 0, 0}, []int{0, 0, 0, 0}},
		{"all of them by name", hub.Scope{Namespaces: all}, []float64{11, 2, gap, 44}, []int{2, 1, 0, 3}, []int{2, 3, 1, 4}},
		{"nothing", hub.Scope{}, []float64{gap, gap, gap, gap}, []int{0, 0, 0, 0}, []int{0, 0, 0, 0}},
	}
	query := hub.HistoryQuery{Kind: hub.KindCluster, Window: 40 * second}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := History(Restrict(quarters(), tt.scope), kept, query)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "CPU", h.Values[hub.CPUMillicores], tt.want)
			diff(t, "reporting", h.Reporting, tt.reporting)
			diff(t, "count", h.Count, tt.count)
		})
	}
	kept.fail = "west"
	if _, err := History(Restrict(quarters(), hub.Scope{Namespaces: all}), kept, query); err == nil || !strings.Contains(err.Error(), "torn") {
		t.Errorf("with a namespace that cannot be read: %v", err)
	}
}

// remade is a view of the namespace east, which was made 25 seconds ago, and a
// window of six rounds, of which the first three are of another namespace of
// that name.
func remade(t *testing.T) (*hub.View, *window.Window) {
	t.Helper()
	p := web(1, "n1")
	p.Namespace = "east"
	inv := shop(p)
	inv.Namespaces = append(inv.Namespaces, &hub.Namespace{Name: "east", Created: noon.Add(-25 * second)})
	view := Answer(round(inv, okState("n1", reading("n1", seen(1, 10)))))
	w, err := window.Open(time.Hour, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	for i := range 6 {
		at := noon.Add(time.Duration(i-5) * 10 * second)
		f := &hub.Frame{Time: at, Node: "n1"}
		for _, name := range []string{"web-1", "only-before"} {
			of := hub.Series{Kind: hub.KindPod, Node: "n1", Namespace: "east", Pod: name, PodUID: name, OwnerKind: "Deployment", OwnerName: "web"}
			f.Rows = append(f.Rows, hub.Row{Series: of, Usage: use(float64(i), gap)})
			if i > 2 {
				break
			}
		}
		if err := w.Keep(f); err != nil {
			t.Fatal(err)
		}
		for _, s := range Sum(viewAt(at), []*hub.Frame{f}) {
			if err := w.KeepSums(&s); err != nil {
				t.Fatal(err)
			}
		}
	}
	return view, w
}

// TestHistoryBeginsWithTheNamespace wants who may see a namespace to see nothing
// of another one that had the name before: he may have had no right to that.
func TestHistoryBeginsWithTheNamespace(t *testing.T) {
	view, kept := remade(t)
	one := Restrict(view, hub.Scope{Namespaces: []string{"east"}})
	nodes := Restrict(view, hub.Scope{Nodes: true, Namespaces: []string{"east"}})
	all := Restrict(view, hub.Scope{AllNamespaces: true})
	pod, sum := []float64{0, 1, 2, 3, 4, 5}, []float64{0, 2, 4, 3, 4, 5}
	for _, tt := range []struct {
		query hub.HistoryQuery
		want  []float64 // for who may see all namespaces
	}{
		{hub.HistoryQuery{Kind: hub.KindCluster}, sum},
		{hub.HistoryQuery{Kind: hub.KindNamespace, Name: "east"}, sum},
		{hub.HistoryQuery{Kind: hub.KindWorkload, Namespace: "east", Name: "web", OwnerKind: "Deployment"}, sum},
		{hub.HistoryQuery{Kind: hub.KindPod, Namespace: "east", Name: "web-1"}, pod},
	} {
		tt.query.Window = 60 * second
		for name, v := range map[string]*hub.View{"one": one, "nodes and one": nodes, "all": all, "everything": view} {
			if v.Scope.Nodes && tt.query.Kind == hub.KindCluster {
				continue // of which the nodes are the parts
			}
			h, err := History(v, kept, tt.query)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Clone(tt.want)
			if !v.Scope.AllNamespaces {
				copy(want, []float64{gap, gap, gap})
			}
			diff(t, name+": "+describe(tt.query), h.Values[hub.CPUMillicores], want)
		}
	}
	gone := hub.HistoryQuery{Kind: hub.KindPod, Namespace: "east", Name: "only-before", Window: 60 * second}
	if _, err := History(one, kept, gone); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a pod of the namespace before: %v, want that there is none", err)
	}
	if _, err := History(all, kept, gone); err != nil {
		t.Errorf("a pod of the namespace before, for who may see all: %v", err)
	}
}

// BenchmarkRestrict cuts a view of ten thousand pods in a hundred namespaces,
// which is done once a round for each scope.
func BenchmarkRestrict(b *testing.B) {
	var pods []*hub.Pod
	r := reading("n1")
	for i := range 10_000 {
		p := web(i, "n1")
		p.Namespace = fmt.Sprintf("team-%03d", i/100)
		pods = append(pods, p)
		r.Pods = append(r.Pods, seen(i, 10))
	}
	v := Answer(round(shop(pods...), okState("n1", r)))
	for name, scope := range map[string]hub.Scope{"two namespaces": {Namespaces: []string{"team-007", "team-042"}}, "all pods": {AllNamespaces: true}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Restrict(v, scope)
			}
		})
	}
}
