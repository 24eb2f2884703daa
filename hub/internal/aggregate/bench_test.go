package aggregate

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

// What the benchmarks' cluster has: as much as a hub is measured with.
const (
	benchNodes       = 100
	benchPods        = 30 // on each node
	benchContainers  = 2  // in each pod
	benchPodsOfOwner = 10
)

const containersOfCluster = benchNodes * benchPods * benchContainers

// benchInventory has the pods of a cluster, with requests and limits.
func benchInventory() *hub.Inventory {
	var pods []*hub.Pod
	var nodes []*hub.Node
	for n := range benchNodes {
		name := fmt.Sprintf("node-%04d", n)
		nodes = append(nodes, &hub.Node{Name: name, UID: "uid-" + name, Ready: true, Capacity: resources(8000, 32e9), Allocatable: resources(7900, 31e9)})
		for i := range benchPods {
			number := i*benchNodes + n
			pod := web(number, name)
			pod.UID = fmt.Sprintf("0d9f3a52-77aa-4a54-a9d8-%012x", number)
			pod.Name = fmt.Sprintf("web-6d4cf56db6-%05x", number)
			pod.Namespace = fmt.Sprintf("team-%d", number/300)
			pod.Owner = hub.Owner{Kind: "Deployment", Name: fmt.Sprintf("web-%d", number/benchPodsOfOwner), UID: fmt.Sprintf("d-%d", number/benchPodsOfOwner)}
			pod.Containers = nil
			for c := range benchContainers {
				pod.Containers = append(pod.Containers, hub.Container{
					Name: fmt.Sprintf("c%d", c), ID: fmt.Sprintf("%032x%032x", number, c), Running: true,
					Requests: resources(50, 64<<20), Limits: resources(100, 128<<20),
				})
			}
			pods = append(pods, pod)
		}
	}
	return hub.NewInventory(pods, nodes, nil, nil, hub.Connection{Configured: true, Connected: true})
}

// benchReading is what an agent says of a node of the inventory.
func benchReading(inv *hub.Inventory, n int) *hub.Reading {
	r := reading(inv.Nodes[n].Name)
	noNetwork := map[string]string{"network": "a container's is its pod's"}
	for _, pod := range inv.Pods {
		if pod.Node != r.Node {
			continue
		}
		p := hub.PodReading{UID: pod.UID, QOSClass: "Burstable", Usage: use(10, 1e8)}
		for _, c := range pod.Containers {
			usage := use(5, 5e7)
			usage.Unavailable = noNetwork
			p.Containers = append(p.Containers, hub.ContainerReading{ID: c.ID, Usage: usage})
		}
		r.Pods = append(r.Pods, p)
	}
	return r
}

// benchRound makes what the pipeline makes of a round of readings.
func benchRound(inv *hub.Inventory, readings []*hub.Reading) (*hub.View, []*hub.Frame) {
	r := round(inv)
	var frames []*hub.Frame
	for _, reading := range readings {
		frame := Attribute(reading, inv, r.Time)
		r.Nodes = append(r.Nodes, okState(reading.Node, reading))
		frames = append(frames, frame.Summands())
	}
	return Answer(r), frames
}

func benchReadings(inv *hub.Inventory) (readings []*hub.Reading) {
	for n := range benchNodes {
		readings = append(readings, benchReading(inv, n))
	}
	return readings
}

// BenchmarkRound is what a round of a hundred nodes costs, each step alone.
func BenchmarkRound(b *testing.B) {
	inv := benchInventory()
	readings := benchReadings(inv)
	view, frames := benchRound(inv, readings)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"attribute", func() {
			for _, r := range readings {
				Attribute(r, inv, noon)
			}
		}},
		{"answer", func() { Answer(view.Round) }},
		{"sum", func() { Sum(view, frames) }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				step.do()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/containersOfCluster, "ns/container")
		})
	}
}

// BenchmarkLiveHeap reports what is held of the latest round for each container,
// beside the window: by the inventory, the readings, the frames and the view.
func BenchmarkLiveHeap(b *testing.B) {
	for b.Loop() {
		at := heap()
		report := func(name string) {
			now := heap()
			b.ReportMetric(float64(now-at)/containersOfCluster, strings.ReplaceAll(name, " ", "-")+"-B/container")
			at = now
		}
		inv := benchInventory()
		report("inventory")
		readings := benchReadings(inv)
		report("readings")
		view, frames := benchRound(inv, readings)
		report("view and summands")
		runtime.KeepAlive(view)
		runtime.KeepAlive(frames)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
