package inventory

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kubemon/kubemon/hub"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func list(cpu, memory string) corev1.ResourceList {
	l := corev1.ResourceList{}
	if cpu != "" {
		l[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		l[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return l
}

func requests(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: list(cpu, memory)}
}

func TestPodOf(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	unlimited := hub.Unlimited{CPU: true, Memory: true}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	tests := []struct {
		name string
		pod  corev1.Pod
		want hub.Pod
	}{
		{"nothing set", corev1.Pod{}, hub.Pod{}},
		{"identity", corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{UID: "u", Namespace: "shop", Name: "web", Labels: map[string]string{"a": "b"},
				CreationTimestamp: metav1.NewTime(noon), Annotations: map[string]string{"kubernetes.io/config.hash": "not a mirror"}},
			Spec:   corev1.PodSpec{NodeName: "n1", HostNetwork: true},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: new(metav1.NewTime(noon.Add(time.Second)))},
		}, hub.Pod{UID: "u", Namespace: "shop", Name: "web", Labels: map[string]string{"a": "b"},
			Created: noon, Started: noon.Add(time.Second), Node: "n1", HostNetwork: true, Phase: "Running"}},
		{"mirror of a static pod", corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{UID: "u", Annotations: map[string]string{
				"kubernetes.io/config.hash": "0123", "kubernetes.io/config.mirror": "0123"}},
		}, hub.Pod{UID: "u", ConfigHash: "0123"}},
		{"all kinds of containers", corev1.Pod{
			Spec: corev1.PodSpec{
				Containers:     []corev1.Container{{Name: "app"}},
				InitContainers: []corev1.Container{{Name: "setup"}},
				EphemeralContainers: []corev1.EphemeralContainer{
					{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}},
			},
			Status: corev1.PodStatus{
				ContainerStatuses:          []corev1.ContainerStatus{{Name: "app", ContainerID: "containerd://c1", RestartCount: 3, State: running}},
				InitContainerStatuses:      []corev1.ContainerStatus{{Name: "setup", ContainerID: "cri-o://c2"}},
				EphemeralContainerStatuses: []corev1.ContainerStatus{{Name: "debug", ContainerID: "docker://c3", State: running}},
			},
		}, hub.Pod{Unlimited: unlimited, Containers: []hub.Container{
			{Name: "app", ID: "c1", Restarts: 3, Running: true},
			{Name: "setup", ID: "c2", Init: true},
			{Name: "debug", ID: "c3", Ephemeral: true, Running: true},
		}}},
		{"container without a status", corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}},
			hub.Pod{Unlimited: unlimited, Containers: []hub.Container{{Name: "app"}}}},
		{"requests: containers and sidecar, against a bigger init container, and overhead", corev1.Pod{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "a", Resources: requests("100m", "10Mi")}, {Name: "b", Resources: requests("200m", "")}},
			InitContainers: []corev1.Container{
				{Name: "sidecar", RestartPolicy: &always, Resources: requests("50m", "1Mi")},
				{Name: "setup", Resources: requests("", "100Mi")}},
			Overhead: list("5m", ""),
		}}, hub.Pod{
			Requests: amounts(355, 101<<20), Unlimited: unlimited,
			Containers: []hub.Container{
				{Name: "a", Requests: amounts(100, 10<<20)},
				{Name: "b", Requests: hub.Resources{CPUMillicores: new(200.0)}},
				{Name: "sidecar", Init: true, Requests: amounts(50, 1<<20)},
				{Name: "setup", Init: true, Requests: hub.Resources{MemoryBytes: new(float64(100 << 20))}},
			}}},
		{"requests and limits of the pod itself", corev1.Pod{Spec: corev1.PodSpec{
			Resources:  &corev1.ResourceRequirements{Requests: list("1", "1Gi"), Limits: list("2", "2Gi")},
			Containers: []corev1.Container{{Name: "a", Resources: requests("100m", "10Mi")}},
		}}, hub.Pod{
			Requests: amounts(1000, 1<<30), Limits: amounts(2000, 2<<30),
			Containers: []hub.Container{{Name: "a", Requests: amounts(100, 10<<20)}},
		}},
		{"resized in place: what is in force", corev1.Pod{
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Resources: requests("100m", "10Mi")}}},
			Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "a",
				Resources: new(requests("300m", "10Mi")), AllocatedResources: list("300m", "10Mi")}}},
		}, hub.Pod{
			Requests: amounts(300, 10<<20), Unlimited: unlimited,
			Containers: []hub.Container{{Name: "a", Requests: amounts(300, 10<<20)}},
		}},
		{"reason of its own", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}},
			hub.Pod{Phase: "Failed", Reason: "Evicted"}},
		{"reason of a container that waits", corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "a", State: running},
			{Name: "b", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}}},
			hub.Pod{Reason: "ImagePullBackOff"}},
		{"reason of not being scheduled", corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "other"},
			{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable"}}}},
			hub.Pod{Reason: "Unschedulable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, podOf(&tt.pod)); d != "" {
				t.Errorf("podOf (-want +got):\n%s", d)
			}
		})
	}
}

func amounts(cpu, memory float64) hub.Resources {
	return hub.Resources{CPUMillicores: &cpu, MemoryBytes: &memory}
}

func TestContainerID(t *testing.T) {
	for in, want := range map[string]string{
		"containerd://abc": "abc",
		"":                 "",
		"abc":              "", // not the form of the API
		"docker://":        "",
	} {
		if got := containerID(in); got != want {
			t.Errorf("containerID(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNodeOf(t *testing.T) {
	node := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "u", CreationTimestamp: metav1.NewTime(noon)},
		Status: corev1.NodeStatus{
			Capacity: list("4", "8Gi"), Allocatable: list("3920m", "7Gi"),
			Conditions: []corev1.NodeCondition{
				{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
				{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, LastTransitionTime: metav1.NewTime(noon)},
			},
		},
	}
	want := hub.Node{Name: "n1", UID: "u", Created: noon, ReadySince: noon,
		Capacity: amounts(4000, 8<<30), Allocatable: amounts(3920, 7<<30)}
	if d := cmp.Diff(want, nodeOf(&node)); d != "" {
		t.Errorf("nodeOf (-want +got):\n%s", d)
	}
	node.Status.Conditions[1].Status = corev1.ConditionTrue
	if !nodeOf(&node).Ready {
		t.Error("a node whose condition is True is not Ready")
	}
}

// A transform may see a tombstone, or what it has kept before.
func TestKeepPassesWhatIsNotItsObject(t *testing.T) {
	transforms := map[string]cache.TransformFunc{
		"pod": keepPod, "node": keepNode, "namespace": keepNamespace, "controller": keepController("Job"),
	}
	for name, transform := range transforms {
		for _, obj := range []any{cache.DeletedFinalStateUnknown{Key: "a/b"}, &kept[hub.Pod]{}} {
			got, err := transform(obj)
			if err != nil || !cmp.Equal(got, obj, cmp.AllowUnexported(kept[hub.Pod]{})) {
				t.Errorf("%s: transform(%T) = %v, %v, want it unchanged", name, obj, got, err)
			}
		}
	}
}

func TestSelector(t *testing.T) {
	labels := map[string]string{"app": "web", "tier": "front"}
	for s, want := range map[string]bool{
		"": true, "app=web": true, "app=web,tier!=front": false, "app in (web,db)": true, "!app": false,
	} {
		match, err := Selector(s)
		if err != nil || match(labels) != want {
			t.Errorf("Selector(%q) = %v, matches %t, want %t", s, err, !want, want)
		}
	}
	if _, err := Selector("app==" + "=x"); err == nil {
		t.Error("a malformed selector is accepted")
	}
}
