package inventory

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubemon/kubemon/hub"
)

// keptPodOf has its own copy of each text, as every pod from the wire.
func keptPodOf(t *testing.T, i int) *kept[hub.Pod] {
	t.Helper()
	own := strings.Clone
	obj, err := keepPod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: own("shop"), Name: fmt.Sprint("web-", i), Labels: map[string]string{own("app"): own("web")},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: own("apps/v1"), Kind: own("ReplicaSet"), Name: own("web-a"), UID: types.UID(own("rs-1")), Controller: new(true),
			}},
		},
		Spec:   corev1.PodSpec{NodeName: own("node1"), Containers: []corev1.Container{{Name: own("server")}}},
		Status: corev1.PodStatus{Phase: corev1.PodPhase(own("Running")), Reason: own("Evicted")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return obj.(*kept[hub.Pod])
}

// TestPodsShareTexts: what pods have in common is in memory once, also with
// collections of garbage between the one pod and the other. It takes several
// until the program has forgotten a text that nobody holds.
func TestPodsShareTexts(t *testing.T) {
	a := keptPodOf(t, 1)
	for range 5 {
		runtime.GC()
	}
	b := keptPodOf(t, 2)
	key := func(labels map[string]string) string {
		for key := range labels {
			return key
		}
		return ""
	}
	for _, texts := range [][2]string{
		{a.Namespace, b.Namespace}, {a.value.Namespace, b.value.Namespace}, {a.Namespace, b.value.Namespace},
		{a.value.Node, b.value.Node}, {a.value.Phase, b.value.Phase}, {a.value.Reason, b.value.Reason},
		{key(a.value.Labels), key(b.value.Labels)}, {a.value.Labels["app"], b.value.Labels["app"]},
		{a.value.Containers[0].Name, b.value.Containers[0].Name},
		{a.controller.APIVersion, b.controller.APIVersion}, {a.controller.Kind, b.controller.Kind},
		{a.controller.Name, b.controller.Name}, {string(a.controller.UID), string(b.controller.UID)},
	} {
		if texts[0] != texts[1] || unsafe.StringData(texts[0]) != unsafe.StringData(texts[1]) {
			t.Errorf("two pods have %q and %q, want the same text", texts[0], texts[1])
		}
	}
	runtime.KeepAlive(a)
}
