package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubemon/kubemon/hub"
)

func both(cpu, memory, cpuLimit, memoryLimit string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: list(cpu, memory), Limits: list(cpuLimit, memoryLimit)}
}

func container(name string, r corev1.ResourceRequirements) corev1.Container {
	return corev1.Container{Name: name, Resources: r}
}

func sidecar(name string, r corev1.ResourceRequirements) corev1.Container {
	return corev1.Container{Name: name, Resources: r, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}
}

// resized is the status of a container whose resize the kubelet has come to
// apply as far as actual, having admitted allocated.
func resized(name string, actual corev1.ResourceRequirements, allocated corev1.ResourceList) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: name, Resources: &actual, AllocatedResources: allocated}
}

const mi = 1 << 20

// TestPodResources has a row for each rule by which Kubernetes counts what a
// pod requests and is limited to (k8s.io/component-helpers/resource), and for
// when a pod is unlimited, which is the hub's own rule: see isUnlimited.
func TestPodResources(t *testing.T) {
	none := hub.Unlimited{CPU: true, Memory: true}
	tests := []struct {
		name             string
		spec             corev1.PodSpec
		status           corev1.PodStatus
		requests, limits hub.Resources
		unlimited        hub.Unlimited
	}{
		{name: "nothing is set: none, not 0",
			spec:      corev1.PodSpec{Containers: []corev1.Container{container("a", both("", "", "", ""))}},
			unlimited: none},
		{name: "containers add up",
			spec: corev1.PodSpec{Containers: []corev1.Container{
				container("a", both("100m", "10Mi", "200m", "20Mi")), container("b", both("300m", "30Mi", "400m", "40Mi"))}},
			requests: amounts(400, 40*mi), limits: amounts(600, 60*mi)},
		{name: "one without a limit: the others' add up, and the pod has none",
			spec: corev1.PodSpec{Containers: []corev1.Container{
				container("a", both("100m", "10Mi", "200m", "20Mi")), container("b", both("100m", "10Mi", "", "40Mi"))}},
			requests: amounts(200, 20*mi), limits: amounts(200, 60*mi), unlimited: hub.Unlimited{CPU: true}},
		{name: "a limit of 0 is none",
			spec:   corev1.PodSpec{Containers: []corev1.Container{container("a", both("", "", "0", "20Mi"))}},
			limits: amounts(0, 20*mi), unlimited: hub.Unlimited{CPU: true}},
		{name: "the greatest init container, if it is greater than the containers",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{container("x", both("50m", "80Mi", "50m", "80Mi")), container("y", both("10m", "90Mi", "10m", "90Mi"))},
				Containers:     []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			requests: amounts(100, 90*mi), limits: amounts(200, 90*mi)},
		{name: "an init container without limits ends, and leaves the pod limited",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{container("x", both("50m", "", "", ""))},
				Containers:     []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
		{name: "a sidecar runs beside the containers",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{sidecar("s", both("50m", "5Mi", "60m", "6Mi"))},
				Containers:     []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			requests: amounts(150, 15*mi), limits: amounts(260, 26*mi)},
		{name: "a sidecar without limits leaves the pod unlimited",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{sidecar("s", both("50m", "5Mi", "", ""))},
				Containers:     []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			requests: amounts(150, 15*mi), limits: amounts(200, 20*mi), unlimited: none},
		{name: "an init container runs beside the sidecars before it, not after",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{
					container("x", both("500m", "1Mi", "500m", "1Mi")), sidecar("s", both("50m", "5Mi", "60m", "6Mi")),
					container("y", both("400m", "90Mi", "400m", "90Mi"))},
				Containers: []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			requests: amounts(500, 95*mi), limits: amounts(500, 96*mi)},
		{name: "overhead comes on top of requests, and of limits that there are",
			spec: corev1.PodSpec{
				Overhead:   list("7m", "3Mi"),
				Containers: []corev1.Container{container("a", both("100m", "10Mi", "200m", ""))}},
			requests:  amounts(107, 13*mi),
			limits:    hub.Resources{CPUMillicores: new(207.0)},
			unlimited: hub.Unlimited{Memory: true}},
		{name: "the pod's own go before its containers'",
			spec: corev1.PodSpec{
				Resources:  new(both("1", "1Gi", "2", "2Gi")),
				Overhead:   list("7m", ""),
				Containers: []corev1.Container{container("a", both("100m", "10Mi", "", "")), container("b", both("", "", "300m", ""))}},
			requests: amounts(1007, 1024*mi), limits: amounts(2007, 2048*mi)},
		{name: "the pod's own of one resource, the containers' of the other",
			spec: corev1.PodSpec{
				Resources:  new(both("1", "", "2", "")),
				Containers: []corev1.Container{container("a", both("100m", "10Mi", "", "20Mi"))}},
			requests: amounts(1000, 10*mi), limits: amounts(2000, 20*mi)},
		{name: "resized up: what is wanted counts until it is applied",
			spec:     corev1.PodSpec{Containers: []corev1.Container{container("a", both("500m", "10Mi", "600m", "20Mi"))}},
			status:   corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{resized("a", both("100m", "10Mi", "200m", "20Mi"), list("100m", "10Mi"))}},
			requests: amounts(500, 10*mi), limits: amounts(600, 20*mi)},
		{name: "resized down: what is applied counts until it is given back",
			spec:     corev1.PodSpec{Containers: []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			status:   corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{resized("a", both("500m", "10Mi", "600m", "20Mi"), list("500m", "10Mi"))}},
			requests: amounts(500, 10*mi), limits: amounts(600, 20*mi)},
		{name: "a resize that cannot be: what is applied",
			spec: corev1.PodSpec{Containers: []corev1.Container{container("a", both("64", "10Mi", "64", "20Mi"))}},
			status: corev1.PodStatus{
				ContainerStatuses: []corev1.ContainerStatus{resized("a", both("100m", "10Mi", "200m", "20Mi"), list("100m", "10Mi"))},
				Conditions:        []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonInfeasible}}},
			requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
		{name: "a sidecar that is resized",
			spec: corev1.PodSpec{
				InitContainers: []corev1.Container{sidecar("s", both("50m", "5Mi", "50m", "5Mi"))},
				Containers:     []corev1.Container{container("a", both("100m", "10Mi", "200m", "20Mi"))}},
			status:   corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{resized("s", both("80m", "5Mi", "90m", "5Mi"), list("80m", "5Mi"))}},
			requests: amounts(180, 15*mi), limits: amounts(290, 25*mi)},
		{name: "the pod's own resized",
			spec: corev1.PodSpec{
				Resources:  new(both("1", "1Gi", "2", "2Gi")),
				Containers: []corev1.Container{container("a", both("", "", "", ""))}},
			status:   corev1.PodStatus{Resources: new(both("3", "1Gi", "4", "2Gi")), AllocatedResources: list("3", "1Gi")},
			requests: amounts(3000, 1024*mi), limits: amounts(4000, 2048*mi)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := podOf(&corev1.Pod{Spec: tt.spec, Status: tt.status})
			want := hub.Pod{Requests: tt.requests, Limits: tt.limits, Unlimited: tt.unlimited, Containers: got.Containers}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("podOf (-want +got):\n%s", d)
			}
		})
	}
}

// TestContainerResources has the same rules for each container alone.
func TestContainerResources(t *testing.T) {
	up := both("500m", "10Mi", "600m", "20Mi")
	down := both("100m", "10Mi", "200m", "20Mi")
	infeasible := corev1.PodStatus{Conditions: []corev1.PodCondition{
		{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonInfeasible}}}
	tests := []struct {
		name             string
		spec             corev1.ResourceRequirements
		statuses         []corev1.ContainerStatus
		status           corev1.PodStatus
		requests, limits hub.Resources
	}{
		{name: "no status", spec: down, requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
		{name: "another container's status", spec: down, statuses: []corev1.ContainerStatus{resized("b", up, list("500m", "10Mi"))},
			requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
		{name: "status without resources", spec: down, statuses: []corev1.ContainerStatus{{Name: "a"}},
			requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
		{name: "resized up", spec: up, statuses: []corev1.ContainerStatus{resized("a", down, list("100m", "10Mi"))},
			requests: amounts(500, 10*mi), limits: amounts(600, 20*mi)},
		{name: "resized down", spec: down, statuses: []corev1.ContainerStatus{resized("a", up, list("500m", "10Mi"))},
			requests: amounts(500, 10*mi), limits: amounts(600, 20*mi)},
		{name: "infeasible", spec: up, status: infeasible, statuses: []corev1.ContainerStatus{resized("a", down, list("100m", "10Mi"))},
			requests: amounts(100, 10*mi), limits: amounts(200, 20*mi)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pod := &corev1.Pod{Status: tt.status}
			got := containerOf(pod, new(container("a", tt.spec)), tt.statuses)
			if d := cmp.Diff(hub.Container{Name: "a", Requests: tt.requests, Limits: tt.limits}, got); d != "" {
				t.Errorf("containerOf (-want +got):\n%s", d)
			}
		})
	}
}
