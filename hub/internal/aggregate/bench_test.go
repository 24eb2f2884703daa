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
