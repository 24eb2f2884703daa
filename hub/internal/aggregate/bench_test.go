package aggregate

import (
	"fmt"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

// BenchmarkAnswer is one round of 100 nodes with 50 pods each.
func BenchmarkAnswer(b *testing.B) {
	var pods []*hub.Pod
	var nodes []hub.NodeState
	for n := range 100 {
		name := fmt.Sprintf("node-%d", n)
		r := reading(name)
		for i := range 50 {
			pods = append(pods, web(50*n+i, name))
			r.Pods = append(r.Pods, seen(50*n+i, 10))
		}
		nodes = append(nodes, okState(name, r))
	}
	round := round(shop(pods...), nodes...)
	b.ReportAllocs()
	for b.Loop() {
		Answer(round)
	}
}

// BenchmarkSum adds up one round of 100 nodes with 50 pods each, in ten
// namespaces of ten workloads.
func BenchmarkSum(b *testing.B) {
	var frames []*hub.Frame
	for n := range 100 {
		f := &hub.Frame{Time: noon, Node: fmt.Sprintf("node-%d", n)}
		f.Rows = append(f.Rows, nodeRow(f.Node, 1000))
		for i := range 50 {
			row := podRow(fmt.Sprint("web-", n, "-", i), fmt.Sprint("uid-", n, "-", i), fmt.Sprint("web-", i/5), 10)
			row.Series.Namespace = fmt.Sprint("team-", i%10)
			f.Rows = append(f.Rows, row)
		}
		frames = append(frames, f)
	}
	b.ReportAllocs()
	for b.Loop() {
		Sum(viewAt(noon), frames)
	}
}
