package aggregate

import (
	"testing"

	"github.com/kubemon/kubemon/hub"
)

func TestAttribute(t *testing.T) {
	pod := func(s hub.Series) hub.Series {
		s.Kind, s.Node = hub.KindPod, "n1"
		return s
	}
	container := func(s hub.Series, name string) hub.Series {
		s.Kind, s.Container = hub.KindContainer, name
		return s
	}
	node := hub.Series{Kind: hub.KindNode, Node: "n1"}
	web1 := pod(hub.Series{Namespace: "shop", Pod: "web-1", PodUID: "uid-1", OwnerKind: "Deployment", OwnerName: "web"})
	static := &hub.Pod{UID: "mirror", ConfigHash: "hash", Namespace: "kube-system", Name: "etcd-n1", Node: "n1",
		Owner: hub.Owner{Kind: "Pod", Name: "etcd-n1"}}
	etcd := pod(hub.Series{Namespace: "kube-system", Pod: "etcd-n1", PodUID: "mirror", OwnerKind: "Pod", OwnerName: "etcd-n1"})
	done := web(1, "n1")
	done.Phase = "Succeeded"

	restarted := seen(1, 10)
	restarted.Containers[0].ID, restarted.Containers[0].Name = "c-new", "app"

	waiting := web(1, "n1")
	waiting.Containers = []hub.Container{{Name: "app"}, {Name: "sidecar", ID: "c-1"}}
	misnamed := seen(1, 10)
	misnamed.Containers[0].Name = "app" // the hint of c-1, which the status knows as sidecar

	tests := []struct {
		name string
		inv  *hub.Inventory
		pods []hub.PodReading
		want []hub.Row
	}{
		{"node only", shop(), nil, []hub.Row{{Series: node, Usage: use(1000, 2e9)}}},
		{"pod and container by ID, sandbox without a row", shop(web(1, "n1")), []hub.PodReading{seen(1, 10)}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: web1, Usage: use(10, 100)},
			{Series: container(web1, "app"), Usage: use(9, 90)},
		}},
		{"container that the status does not have yet, by hint", shop(web(1, "n1")), []hub.PodReading{restarted}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: web1, Usage: use(10, 100)},
			{Series: container(web1, "app"), Usage: use(9, 90)},
		}},
		{"a hint against the status", shop(waiting), []hub.PodReading{misnamed}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: web1, Usage: use(10, 100)},
			{Series: container(web1, "sidecar"), Usage: use(9, 90)},
		}},
		{"static pod by its config hash", shop(static), []hub.PodReading{{UID: "hash", Usage: use(5, 6)}}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: etcd, Usage: use(5, 6)},
		}},
		{"unknown pod by hint", shop(), []hub.PodReading{{UID: "u", Namespace: "a", Name: "b", Usage: use(5, 6),
			Containers: []hub.ContainerReading{{ID: "x", Name: "c", Usage: use(4, 5)}, {ID: "y", Usage: use(1, 1)}}}}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: pod(hub.Series{Namespace: "a", Pod: "b", PodUID: "u"}), Usage: use(5, 6)},
			{Series: container(pod(hub.Series{Namespace: "a", Pod: "b", PodUID: "u"}), "c"), Usage: use(4, 5)},
		}},
		{"unknown pod without a hint", shop(), []hub.PodReading{{UID: "u", Usage: use(5, 6)}}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: pod(hub.Series{Pod: "u", PodUID: "u"}), Usage: use(5, 6)},
		}},
		{"the same UID on another node is another pod", shop(web(1, "n2")), []hub.PodReading{{UID: "uid-1", Usage: use(5, 6)}}, []hub.Row{
			{Series: node, Usage: use(1000, 2e9)},
			{Series: pod(hub.Series{Pod: "uid-1", PodUID: "uid-1"}), Usage: use(5, 6)},
		}},
		{"what lingers of an ended pod", shop(done), []hub.PodReading{seen(1, 10)}, []hub.Row{{Series: node, Usage: use(1000, 2e9)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Attribute(reading("n1", tt.pods...), tt.inv, noon)
			diff(t, "Attribute", got, &hub.Frame{Time: noon, Node: "n1", Rows: tt.want})
		})
	}
}

// TestAttributeModes wants a row for each mode that counts CPU time and nothing
// else, and none of a node of which no mode is known.
func TestAttributeModes(t *testing.T) {
	r := reading("n1", seen(1, 10))
	r.Host.CPUModes = &hub.CPUModes{hub.CPUUser: 700, hub.CPUSystem: 300, hub.CPUIOWait: gap, hub.CPUIdle: 3000}
	got := Attribute(r, shop(web(1, "n1")), noon).Rows
	want := []hub.Row{{Series: hub.Series{Kind: hub.KindNode, Node: "n1"}, Usage: use(1000, 2e9)}}
	for mode, millicores := range r.Host.CPUModes {
		want = append(want, modeRow("n1", hub.CPUMode(mode), millicores))
	}
	diff(t, "rows of the node", got[:7], want)
	if len(got) != 9 || got[7].Series.Kind != hub.KindPod || got[8].Series.Kind != hub.KindContainer {
		t.Errorf("the rows behind are %+v, want those of a pod and its container", got[7:])
	}
}

func TestAttributeContainersOutsideTheirPod(t *testing.T) {
	inv := shop(web(1, "n1"), web(2, "n2"))
	strays := []hub.ContainerReading{
		{ID: "c-1", Usage: use(7, 70)},
		{ID: "c-2", Usage: use(8, 80)}, // of a pod on another node
		{ID: "nobody", Usage: use(9, 90)},
	}
	tests := []struct {
		name string
		pods []hub.PodReading
		want hub.Usage
	}{
		{"pod without a control group", nil, use(7, 70)},
		{"pod with one of its own, beside", []hub.PodReading{{UID: "uid-1", Usage: use(1, 2)}}, use(8, 72)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reading("n1", tt.pods...)
			r.Containers = strays
			got := Attribute(r, inv, noon).Rows[1:]
			if len(got) != 2 || got[0].Series.Pod != "web-1" || got[1].Series.Container != "app" {
				t.Fatalf("rows = %+v, want web-1 and its container app", got)
			}
			diff(t, "pod's values", got[0].Usage.Values, tt.want.Values)
			diff(t, "container's values", got[1].Usage.Values, use(7, 70).Values)
		})
	}
}
