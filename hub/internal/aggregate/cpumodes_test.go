package aggregate

import (
	"testing"
	"time"

	"github.com/kubemon/kubemon/hub"
)

func modeRow(node string, mode hub.CPUMode, millicores float64) hub.Row {
	u := hub.NewUsage()
	u.OverSeconds = 10
	u.Values[hub.CPUMillicores] = millicores
	return hub.Row{Series: hub.Series{Kind: mode.Kind(), Node: node}, Usage: u}
}

// TestHistoryOfModes has a node's user and idle time beside its own row, in
// rounds in which something is missing.
func TestHistoryOfModes(t *testing.T) {
	view := Answer(round(shop(), okState("n1", reading("n1"))))
	user := func(millicores float64) hub.Row { return modeRow("n1", hub.CPUUser, millicores) }
	frames := kept{
		ago(50*second, "n1", nodeRow("n1", 10), user(1), modeRow("n1", hub.CPUIdle, 100)),
		ago(40*second, "n1", nodeRow("n1", 20)), // no mode was known
		ago(30*second, "n1", nodeRow("n1", 30), user(gap)),
		ago(12*second, "n1", nodeRow("n1", 40), user(4)), // two rounds share a point
		ago(8*second, "n1", nodeRow("n1", 50)),
		ago(0, "n1", nodeRow("n1", 60), user(5)),
		ago(0, "n2", nodeRow("n2", 70), modeRow("n2", hub.CPUUser, 7)),
	}
	query := hub.HistoryQuery{Kind: hub.KindNode, Name: "n1", Window: 60 * second}
	got, err := History(view, frames, query)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "node", got.Values[hub.CPUMillicores], []float64{10, 20, 30, gap, 50, 60})
	diff(t, "user", got.CPUModes.Values[hub.CPUUser], []float64{1, gap, gap, gap, gap, 5})
	diff(t, "idle", got.CPUModes.Values[hub.CPUIdle], []float64{100, gap, gap, gap, gap, gap})
	diff(t, "steal", got.CPUModes.Values[hub.CPUSteal], []float64{gap, gap, gap, gap, gap, gap})
	diff(t, "summary of user", got.CPUModes.Summary[hub.CPUUser], hub.Summary{Min: 1, Avg: 3, P95: 5, Max: 5})
	if got.CPUModes.Min != nil || got.CPUModes.Max != nil {
		t.Error("rounds have extremes")
	}
	query.MaxPoints = 2
	if got, err = History(view, frames, query); err != nil {
		t.Fatal(err)
	}
	diff(t, "user in buckets", got.CPUModes.Values[hub.CPUUser], []float64{1, 5})
	diff(t, "least of user", got.CPUModes.Min[hub.CPUUser], []float64{1, 5})
	diff(t, "greatest of idle", got.CPUModes.Max[hub.CPUIdle], []float64{100, gap})
}

// TestModesAreANodesOnly: sums take nothing of them, and nothing else has any.
func TestModesAreANodesOnly(t *testing.T) {
	r := reading("n1", seen(1, 10))
	const noIOWait = hub.CPUModesName + ".iowait"
	r.Host.CPUModes = &hub.CPUModes{hub.CPUUser: 700, hub.CPUSystem: 300, hub.CPUIOWait: gap}
	r.Host.Usage.Lacks(noIOWait, "the counter fell")
	inv := shop(web(1, "n1"))
	view := Answer(round(inv, okState("n1", r)))
	if node := named(t, view.Nodes, "n1").Unavailable[noIOWait]; node != "the counter fell" || view.Cluster.Unavailable[noIOWait] != "" {
		t.Errorf("the node's reason is %q, the cluster has %v", node, view.Cluster.Unavailable)
	}
	frames := kept{Attribute(r, inv, noon)}
	for _, query := range []hub.HistoryQuery{
		{Kind: hub.KindCluster}, {Kind: hub.KindNamespace, Name: "shop"}, {Kind: hub.KindPod, Namespace: "shop", Name: "web-1", Containers: true},
	} {
		query.Window = 10 * time.Second
		got, err := History(view, frames, query)
		if err != nil {
			t.Fatal(err)
		}
		want := map[hub.Kind]float64{hub.KindCluster: 1000, hub.KindNamespace: 10, hub.KindPod: 10}[query.Kind]
		diff(t, string(query.Kind), got.Values[hub.CPUMillicores], []float64{want})
		if got.CPUModes != nil {
			t.Errorf("the history of a %s has modes", query.Kind)
		}
	}
}
