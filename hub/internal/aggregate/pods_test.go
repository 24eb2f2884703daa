package aggregate

import (
	"testing"

	"github.com/kubemon/kubemon/hub"
)

func containerRow(pod, uid, name string, cpu float64) hub.Row {
	row := podRow(pod, uid, "web", cpu)
	row.Series.Kind, row.Series.Container = hub.KindContainer, name
	return row
}

// TestHistoryOfContainers has a container that goes on, one that was there for
// a round, and those of a predecessor of the same name.
func TestHistoryOfContainers(t *testing.T) {
	view := Answer(round(shop(web(1, "n1")), okState("n1", reading("n1", seen(1, 10)))))
	frames := kept{
		ago(30*second, "n2", podRow("web-1", "old", "web", 90), containerRow("web-1", "old", "app", 80)),
		ago(20*second, "n2", podRow("web-1", "old", "web", 91), containerRow("web-1", "old", "app", 81)),
		ago(20*second, "n1", podRow("web-1", "uid-1", "web", 10), containerRow("web-1", "uid-1", "setup", 9), containerRow("web-1", "uid-1", "app", 2)),
		ago(0, "n1", podRow("web-1", "uid-1", "web", 12), containerRow("web-1", "uid-1", "app", 11), containerRow("web-2", "uid-2", "app", 99)),
	}
	q := hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-1", Window: 40 * second, Containers: true}
	got, err := History(view, frames, q)
	if err != nil {
		t.Fatal(err)
	}
	cpu := func(h *hub.History) []float64 { return h.Values[hub.CPUMillicores] }
	diff(t, "pod", cpu(&got), []float64{90, 10, gap, 12})
	if len(got.Containers) != 2 {
		t.Fatalf("containers are %v, want app and setup", got.Containers)
	}
	diff(t, "app", cpu(got.Containers["app"]), []float64{80, 2, gap, 11})
	diff(t, "setup", cpu(got.Containers["setup"]), []float64{gap, 9, gap, gap})
	diff(t, "summary of app", got.Containers["app"].Summary[hub.CPUMillicores], hub.Summary{Min: 2, Avg: 31, P95: 80, Max: 80})
	diff(t, "times of setup", got.Containers["setup"].Times, got.Times)

	q.Step = 20 * second
	if got, err = History(view, frames, q); err != nil {
		t.Fatal(err)
	}
	diff(t, "app in buckets", cpu(got.Containers["app"]), []float64{41, 11})
	diff(t, "peaks of app", got.Containers["app"].Max[hub.CPUMillicores], []float64{80, 11})

	q.Containers = false
	if got, err = History(view, frames, q); err != nil || got.Containers != nil {
		t.Errorf("containers that nobody asked for are %v, %v", got.Containers, err)
	}
}

// TestContainersOfNoRow: a pod of which nothing was kept has no container.
func TestContainersOfNoRow(t *testing.T) {
	view := Answer(round(shop(web(1, "n1")), okState("n1", reading("n1", seen(1, 10)))))
	got, err := History(view, kept{}, hub.HistoryQuery{Kind: hub.KindPod, Namespace: "shop", Name: "web-1", Window: 40 * second, Containers: true})
	if err != nil || len(got.Containers) != 0 {
		t.Errorf("containers are %v, %v", got.Containers, err)
	}
	diff(t, "pod", got.Values[hub.CPUMillicores], []float64{gap, gap, gap, gap})
}
