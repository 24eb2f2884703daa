package inventory

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubemon/kubemon/hub"
)

// climbed are the controllers that are mostly another one's means: a
// Deployment's ReplicaSets, a CronJob's Jobs. A pod's owner is looked for
// above them. The kinds that people write themselves are owners even where an
// operator made them.
func climbed() []string { return []string{"ReplicaSet", "Job"} }

// owners finds who owns a pod, by UID: names repeat, and the old ReplicaSets
// of a rollout still belong to their Deployment.
type owners struct {
	byUID  map[types.UID]*kept[hub.Workload]
	synced map[string]bool // by kind, for climbed
}

func (w *Watcher) owners() owners {
	o := owners{byUID: make(map[types.UID]*kept[hub.Workload]), synced: make(map[string]bool)}
	for _, kind := range climbed() {
		k := w.byKind[kind]
		o.synced[kind] = k.HasSynced() // before the list: what comes in between is in it
		for _, obj := range k.GetStore().List() {
			controller := obj.(*kept[hub.Workload])
			o.byUID[controller.UID] = controller
		}
	}
	return o
}

// of returns the pod's top controller, the pod itself if it has none, and no
// owner while it cannot be known yet. A kind that is not watched is taken as
// the reference names it. A mirror pod is controlled by its node, which makes
// it nobody's.
func (o owners) of(pod *kept[hub.Pod]) hub.Owner {
	ref := pod.controller
	if ref == nil || ref.Kind == "Node" && ref.APIVersion == "v1" {
		return hub.Owner{Kind: "Pod", Name: pod.Name, UID: string(pod.UID)}
	}
	if synced, climb := o.synced[ref.Kind]; climb {
		above, known := o.byUID[ref.UID]
		switch {
		case !known && !synced:
			return hub.Owner{}
		case known && above.controller != nil:
			ref = above.controller
		}
	}
	return hub.Owner{Kind: ref.Kind, Name: ref.Name, UID: string(ref.UID)}
}

// shownAs returns the pod with that owner. What was shown before is never
// changed; as long as it still holds it is shown again, so that most pods are
// in memory once.
func shownAs(k *kept[hub.Pod], owner hub.Owner) *hub.Pod {
	switch {
	case k.shown == nil:
		k.value.Owner = owner
		k.shown = &k.value
	case k.shown.Owner != owner:
		pod := *k.shown
		pod.Owner = owner
		k.shown = &pod
	}
	return k.shown
}

// workloads are the controllers that own pods, also those that have none now.
// Those that are another's means are left out.
func (w *Watcher) workloads() []*hub.Workload {
	var list []*hub.Workload
	for kind, k := range w.byKind {
		for _, obj := range k.GetStore().List() {
			controller := obj.(*kept[hub.Workload])
			if controller.controller == nil || !slices.Contains(climbed(), kind) {
				list = append(list, &controller.value)
			}
		}
	}
	return list
}
