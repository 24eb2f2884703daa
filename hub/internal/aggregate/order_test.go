package aggregate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kubemon/kubemon/hub"
)

// TestListsAreInTheOrderOfAView shuffles what comes in: REST finds a thing by
// halving a list that hub.View says is in order.
func TestListsAreInTheOrderOfAView(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var pods []*hub.Pod
		for i := range 40 {
			p := web(i, fmt.Sprint("n", i%4))
			p.Namespace = fmt.Sprint("space-", random.IntN(5))
			p.Owner = hub.Owner{Kind: []string{"Deployment", "DaemonSet", "Pod"}[i%3], Name: fmt.Sprint("owner-", random.IntN(3))}
			pods = append(pods, p)
		}
		random.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
		unknown := reading("n9", seen(90, 1), seen(91, 2)) // of pods that the API server has not shown
		v := Answer(round(shop(pods...), okState("n9", unknown), okState("n3", reading("n3", seen(3, 5))), missing("n2", hub.StateDown, "gone", nil)))
		for what, items := range map[string][]*hub.Item{"nodes": v.Nodes, "namespaces": v.Namespaces, "pods": v.Pods, "workloads": v.Workloads} {
			inOrder := slices.IsSortedFunc(items, func(a, b *hub.Item) int {
				if what == "pods" {
					return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
				}
				return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
			})
			if !inOrder || len(items) < 3 {
				t.Errorf("%s are %s", what, names(items))
			}
		}
	}
}
