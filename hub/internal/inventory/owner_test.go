package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubemon/kubemon/hub"
)

func ref(kind, name, uid string) []metav1.OwnerReference {
	apiVersion := "apps/v1"
	if kind == "Node" {
		apiVersion = "v1"
	}
	return []metav1.OwnerReference{
		{Kind: "Bystander", Name: "not the controller"},
		{APIVersion: apiVersion, Kind: kind, Name: name, UID: types.UID(uid), Controller: new(true)},
	}
}

func TestOwnersOf(t *testing.T) {
	controller := func(uid string, refs []metav1.OwnerReference) *kept[hub.Workload] {
		return keep(&metav1.ObjectMeta{UID: types.UID(uid), OwnerReferences: refs}, hub.Workload{})
	}
	known := owners{
		byUID: map[types.UID]*kept[hub.Workload]{
			"rs-new":     controller("rs-new", ref("Deployment", "web", "d")),
			"rs-old":     controller("rs-old", ref("Deployment", "web", "d")),
			"rs-bare":    controller("rs-bare", nil),
			"rs-rollout": controller("rs-rollout", ref("Rollout", "roll", "r")),
			"job":        controller("job", ref("CronJob", "nightly", "c")),
		},
		synced: map[string]bool{"ReplicaSet": true, "Job": false},
	}
	tests := []struct {
		name string
		refs []metav1.OwnerReference
		want hub.Owner
	}{
		{"none: the pod itself", nil, hub.Owner{Kind: "Pod", Name: "p", UID: "u"}},
		{"an owner that is not the controller", ref("x", "x", "x")[:1], hub.Owner{Kind: "Pod", Name: "p", UID: "u"}},
		{"mirror pod", ref("Node", "n1", "n"), hub.Owner{Kind: "Pod", Name: "p", UID: "u"}},
		{"newest ReplicaSet of a Deployment", ref("ReplicaSet", "web-2", "rs-new"), hub.Owner{Kind: "Deployment", Name: "web", UID: "d"}},
		{"old ReplicaSet of a Deployment", ref("ReplicaSet", "web-1", "rs-old"), hub.Owner{Kind: "Deployment", Name: "web", UID: "d"}},
		{"bare ReplicaSet", ref("ReplicaSet", "bare", "rs-bare"), hub.Owner{Kind: "ReplicaSet", Name: "bare", UID: "rs-bare"}},
		{"ReplicaSet of a custom kind", ref("ReplicaSet", "roll-1", "rs-rollout"), hub.Owner{Kind: "Rollout", Name: "roll", UID: "r"}},
		{"ReplicaSet that is gone", ref("ReplicaSet", "web-0", "rs-gone"), hub.Owner{Kind: "ReplicaSet", Name: "web-0", UID: "rs-gone"}},
		{"same name as a known ReplicaSet, other UID", ref("ReplicaSet", "web-2", "rs-other"), hub.Owner{Kind: "ReplicaSet", Name: "web-2", UID: "rs-other"}},
		{"Job of a CronJob", ref("Job", "nightly-1", "job"), hub.Owner{Kind: "CronJob", Name: "nightly", UID: "c"}},
		{"Job not seen while Jobs are still coming in", ref("Job", "late", "job-late"), hub.Owner{}},
		{"StatefulSet", ref("StatefulSet", "db", "s"), hub.Owner{Kind: "StatefulSet", Name: "db", UID: "s"}},
		{"custom kind", ref("CloneSet", "clones", "c"), hub.Owner{Kind: "CloneSet", Name: "clones", UID: "c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := keep(&metav1.ObjectMeta{Name: "p", UID: "u", OwnerReferences: tt.refs}, hub.Pod{})
			if d := cmp.Diff(tt.want, known.of(pod)); d != "" {
				t.Errorf("of (-want +got):\n%s", d)
			}
		})
	}
}

// TestPodsAreShownAgain: a pod is the same one from inventory to inventory, and
// another once its owner is.
func TestPodsAreShownAgain(t *testing.T) {
	k := &kept[hub.Pod]{value: hub.Pod{Name: "web-1"}}
	unknown, known := hub.Owner{}, hub.Owner{Kind: "Deployment", Name: "web"}
	first := shownAs(k, unknown)
	if again := shownAs(k, unknown); again != first {
		t.Error("a pod that is as it was is shown anew")
	}
	second := shownAs(k, known)
	if first.Owner != unknown || second.Owner != known || second.Name != "web-1" {
		t.Errorf("pods are %+v and %+v, want the second alone to have an owner", first, second)
	}
	if again := shownAs(k, known); again != second {
		t.Error("a pod whose owner is as it was is shown anew")
	}
}
