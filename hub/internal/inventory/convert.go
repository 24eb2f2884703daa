package inventory

import (
	"cmp"
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
}

func keep[T any](meta *metav1.ObjectMeta, value T) *kept[T] {
	k := &kept[T]{value: value}
	k.Namespace, k.Name = meta.Namespace, meta.Name
	k.UID, k.ResourceVersion = meta.UID, meta.ResourceVersion
	if ref := metav1.GetControllerOfNoCopy(meta); ref != nil {
		k.controller = &metav1.OwnerReference{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name, UID: ref.UID}
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
	return keep(&p.ObjectMeta, podOf(p)), nil
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
	return keep(&n.ObjectMeta, hub.Namespace{Name: n.Name, Labels: n.Labels}), nil
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

// podOf takes what the hub needs of a pod, all but its owner. Requests and
// limits are the effective ones: of containers, sidecars, init containers,
// overhead and the pod itself, as they are in force after a resize.
func podOf(p *corev1.Pod) hub.Pod {
	inForce := resource.PodResourcesOptions{
		UseStatusResources: true,
		InPlacePodLevelResourcesVerticalScalingEnabled: true,
	}
	pod := hub.Pod{
		UID: string(p.UID), Namespace: p.Namespace, Name: p.Name,
		Node:  p.Spec.NodeName,
		Phase: string(p.Status.Phase), Reason: reasonOf(p),
		HostNetwork: p.Spec.HostNetwork,
		Labels:      p.Labels,
		Created:     p.CreationTimestamp.Time,
		Requests:    resourcesOf(resource.PodRequests(p, inForce)),
		Limits:      resourcesOf(resource.PodLimits(p, inForce)),
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
		c := &p.Spec.Containers[i]
		list = append(list, containerOf(c.Name, c.Resources, p.Status.ContainerStatuses))
	}
	for i := range p.Spec.InitContainers {
		c := &p.Spec.InitContainers[i]
		container := containerOf(c.Name, c.Resources, p.Status.InitContainerStatuses)
		container.Init = true
		list = append(list, container)
	}
	for i := range p.Spec.EphemeralContainers {
		c := &p.Spec.EphemeralContainers[i]
		container := containerOf(c.Name, c.Resources, p.Status.EphemeralContainerStatuses)
		container.Ephemeral = true
		list = append(list, container)
	}
	return list
}

func containerOf(name string, r corev1.ResourceRequirements, statuses []corev1.ContainerStatus) hub.Container {
	c := hub.Container{Name: name}
	i := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == name })
	if i >= 0 {
		status := &statuses[i]
		c.ID = containerID(status.ContainerID)
		c.Running = status.State.Running != nil
		c.Restarts = int(status.RestartCount)
		r = *cmp.Or(status.Resources, &r) // in force, after a resize
	}
	c.Requests, c.Limits = resourcesOf(r.Requests), resourcesOf(r.Limits)
	return c
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
