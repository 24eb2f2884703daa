package inventory

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/resource"

	"github.com/kubemon/kubemon/hub"
)

// Annotations of static pods, k8s.io/kubernetes/pkg/kubelet/types.
const (
	annotationConfigHash = "kubernetes.io/config.hash"
	// annotationMirror marks the API server's image of a static pod.
	annotationMirror = "kubernetes.io/config.mirror"
)

// A kept is what an informer's store keeps of one object.
type kept[T any] struct {
	metav1.ObjectMeta // name, namespace, UID and resource version only
	value             T
	controller        *metav1.OwnerReference // nil if it has none
	texts             texts
	// shown is what inventories have of it, nil before the first. It belongs to
	// who builds them.
	shown *T
}

func keep[T any](meta *metav1.ObjectMeta, value T) *kept[T] {
	k := &kept[T]{value: value}
	k.Namespace, k.Name = meta.Namespace, meta.Name
	k.UID, k.ResourceVersion = meta.UID, meta.ResourceVersion
	k.texts.share(&k.Namespace)
	if ref := metav1.GetControllerOfNoCopy(meta); ref != nil {
		k.controller = &metav1.OwnerReference{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name, UID: ref.UID}
		k.texts.share(&k.controller.APIVersion, &k.controller.Kind, &k.controller.Name, (*string)(&k.controller.UID))
	}
	return k
}

// The keep functions are transforms of informers. Anything but the object they
// are for, a tombstone of one that was kept before, passes as it is.

func keepPod(obj any) (any, error) {
	p, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	k := keep(&p.ObjectMeta, podOf(p))
	k.texts.sharePod(&k.value)
	return k, nil
}

func keepNode(obj any) (any, error) {
	n, ok := obj.(*corev1.Node)
	if !ok {
		return obj, nil
	}
	return keep(&n.ObjectMeta, nodeOf(n)), nil
}

func keepNamespace(obj any) (any, error) {
	n, ok := obj.(*corev1.Namespace)
	if !ok {
		return obj, nil
	}
	return keep(&n.ObjectMeta, hub.Namespace{Name: n.Name, Labels: n.Labels, Created: n.CreationTimestamp.Time}), nil
}

func keepController(kind string) func(any) (any, error) {
	return func(obj any) (any, error) {
		m, ok := obj.(*metav1.PartialObjectMetadata)
		if !ok {
			return obj, nil
		}
		return keep(&m.ObjectMeta, hub.Workload{
			Kind: kind, Namespace: m.Namespace, Name: m.Name, UID: string(m.UID), Labels: m.Labels,
		}), nil
	}
}

// inForce is how Kubernetes' own helper counts requests and limits: of
// containers, sidecars, init containers, overhead and the pod itself, and while
// a resize is under way the greater of what is wanted and what is applied. What
// the kubelet refuses does not count. It is a function because the helper may
// keep what it is given.
func inForce() resource.PodResourcesOptions {
	return resource.PodResourcesOptions{
		UseStatusResources: true,
		InPlacePodLevelResourcesVerticalScalingEnabled: true,
	}
}

// podOf takes what the hub needs of a pod, all but its owner.
func podOf(p *corev1.Pod) hub.Pod {
	pod := hub.Pod{
		UID: string(p.UID), Namespace: p.Namespace, Name: p.Name,
		Node:  p.Spec.NodeName,
		Phase: string(p.Status.Phase), Reason: reasonOf(p),
		HostNetwork: p.Spec.HostNetwork,
		Labels:      p.Labels,
		Created:     p.CreationTimestamp.Time,
		Requests:    resourcesOf(resource.PodRequests(p, inForce())),
		Limits:      resourcesOf(resource.PodLimits(p, inForce())),
		Unlimited:   hub.Unlimited{CPU: isUnlimited(p, corev1.ResourceCPU), Memory: isUnlimited(p, corev1.ResourceMemory)},
		Containers:  containersOf(p),
	}
	if p.Status.StartTime != nil {
		pod.Started = p.Status.StartTime.Time
	}
	if _, mirror := p.Annotations[annotationMirror]; mirror {
		pod.ConfigHash = p.Annotations[annotationConfigHash]
	}
	return pod
}

// isUnlimited reports whether the pod, once it has begun, may use as much as its
// node has: it has no limit of its own, and a container that runs from then on, a
// sidecar too, has none. A limit of 0 is none. An init container does not count,
// as it has ended by then and the others are held by their own limits. The limit
// of the pod's control group is another matter: the kubelet sets none as long as
// the pod lives if an init container has none, and takes a sidecar for limited if
// one before it is.
func isUnlimited(p *corev1.Pod, name corev1.ResourceName) bool {
	limits := func(r *corev1.ResourceRequirements) bool {
		q, ok := r.Limits[name]
		return ok && !q.IsZero()
	}
	if p.Spec.Resources != nil && limits(p.Spec.Resources) {
		return false
	}
	for i := range p.Spec.Containers {
		if !limits(&p.Spec.Containers[i].Resources) {
			return true
		}
	}
	for i := range p.Spec.InitContainers {
		if c := &p.Spec.InitContainers[i]; isSidecar(c) && !limits(&c.Resources) {
			return true
		}
	}
	return false
}

// isSidecar reports whether an init container goes on while the others run.
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// reasonOf is the pod's own reason, else why a container waits, else why the
// pod is not scheduled.
func reasonOf(p *corev1.Pod) string {
	if p.Status.Reason != "" {
		return p.Status.Reason
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.State.Waiting != nil && s.State.Waiting.Reason != "" {
			return s.State.Waiting.Reason
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return c.Reason
		}
	}
	return ""
}

// containersOf lists the containers of all three kinds: of the spec, with what
// their status says.
func containersOf(p *corev1.Pod) []hub.Container {
	var list []hub.Container
	for i := range p.Spec.Containers {
		list = append(list, containerOf(p, &p.Spec.Containers[i], p.Status.ContainerStatuses))
	}
	for i := range p.Spec.InitContainers {
		container := containerOf(p, &p.Spec.InitContainers[i], p.Status.InitContainerStatuses)
		container.Init = true
		list = append(list, container)
	}
	for i := range p.Spec.EphemeralContainers {
		c := &p.Spec.EphemeralContainers[i]
		container := containerOf(p, &corev1.Container{Name: c.Name}, p.Status.EphemeralContainerStatuses)
		container.Ephemeral = true
		list = append(list, container)
	}
	return list
}

func containerOf(p *corev1.Pod, spec *corev1.Container, statuses []corev1.ContainerStatus) hub.Container {
	c := hub.Container{Name: spec.Name}
	i := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == spec.Name })
	if i < 0 {
		c.Requests, c.Limits = resourcesOf(spec.Resources.Requests), resourcesOf(spec.Resources.Limits)
		return c
	}
	status := &statuses[i]
	c.ID = containerID(status.ContainerID)
	c.Running = status.State.Running != nil
	c.Restarts = int(status.RestartCount)
	alone := podOfOne(p, spec, status)
	c.Requests, c.Limits = resourcesOf(resource.PodRequests(alone, inForce())), resourcesOf(resource.PodLimits(alone, inForce()))
	return c
}

// podOfOne is a pod that has only that container of p, and so what is in force
// of it.
func podOfOne(p *corev1.Pod, spec *corev1.Container, status *corev1.ContainerStatus) *corev1.Pod {
	return &corev1.Pod{
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: spec.Name, Resources: spec.Resources}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{*status}, Conditions: p.Status.Conditions},
	}
}

// containerID cuts the runtime's prefix: "containerd://7c…" is "7c…".
func containerID(s string) string {
	_, id, _ := strings.Cut(s, "://")
	return id
}

func resourcesOf(list corev1.ResourceList) hub.Resources {
	var r hub.Resources
	if cpu, ok := list[corev1.ResourceCPU]; ok {
		r.CPUMillicores = new(float64(cpu.MilliValue()))
	}
	if memory, ok := list[corev1.ResourceMemory]; ok {
		r.MemoryBytes = new(float64(memory.Value()))
	}
	return r
}

func nodeOf(n *corev1.Node) hub.Node {
	node := hub.Node{
		Name: n.Name, UID: string(n.UID), Labels: n.Labels,
		Created:     n.CreationTimestamp.Time,
		Capacity:    resourcesOf(n.Status.Capacity),
		Allocatable: resourcesOf(n.Status.Allocatable),
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			node.Ready = c.Status == corev1.ConditionTrue
			node.ReadySince = c.LastTransitionTime.Time
		}
	}
	return node
}
