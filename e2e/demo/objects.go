package demo

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// apiVersions are those of the kinds that own pods.
func apiVersions() map[string]string {
	return map[string]string{
		"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
		"Job": "batch/v1", "CronJob": "batch/v1", "Rollout": "rollouts.example.com/v1",
	}
}

// objects are the cluster's, by the path that lists them.
func objects(nodes []*node) map[string]runtime.Object {
	list := metav1.ListMeta{ResourceVersion: "1"}
	created := metav1.NewTime(nodes[0].booted)
	pods, machines, namespaces := &corev1.PodList{ListMeta: list}, &corev1.NodeList{ListMeta: list}, &corev1.NamespaceList{ListMeta: list}
	owners := newOwners(created)
	seen := make(map[string]bool)
	for _, n := range nodes {
		machines.Items = append(machines.Items, nodeObject(n, created))
		for _, p := range n.pods {
			pods.Items = append(pods.Items, podObject(p, n, created))
			owners.add(p.of)
			if name := p.of.namespace; !seen[name] {
				seen[name] = true
				namespaces.Items = append(namespaces.Items, corev1.Namespace{ObjectMeta: meta("", "Namespace", name, created)})
			}
		}
	}
	all := map[string]runtime.Object{"/api/v1/pods": pods, "/api/v1/nodes": machines, "/api/v1/namespaces": namespaces}
	for path, kind := range map[string]string{
		"/apis/apps/v1/deployments": "Deployment", "/apis/apps/v1/replicasets": "ReplicaSet", "/apis/apps/v1/statefulsets": "StatefulSet",
		"/apis/apps/v1/daemonsets": "DaemonSet", "/apis/batch/v1/jobs": "Job", "/apis/batch/v1/cronjobs": "CronJob",
	} {
		all[path] = &metav1.PartialObjectMetadataList{ListMeta: list, Items: owners.byKind[kind]}
	}
	return all
}

// owners are the controllers, each once.
type owners struct {
	created metav1.Time
	seen    map[types.UID]bool
	byKind  map[string][]metav1.PartialObjectMetadata
}

func newOwners(created metav1.Time) *owners {
	return &owners{created, make(map[types.UID]bool), make(map[string][]metav1.PartialObjectMetadata)}
}

// add has a workload, and what stands between it and its pods.
func (o *owners) add(w *workload) {
	if w.kind != "Pod" {
		o.put(w.namespace, w.kind, w.name, nil)
	}
	if kind, name := between(w); kind != "" {
		o.put(w.namespace, kind, name, ownedBy(w.namespace, w.kind, w.name))
	}
}

func (o *owners) put(namespace, kind, name string, by []metav1.OwnerReference) {
	m := meta(namespace, kind, name, o.created)
	if o.seen[m.UID] {
		return
	}
	o.seen[m.UID] = true
	m.OwnerReferences = by
	o.byKind[kind] = append(o.byKind[kind], metav1.PartialObjectMetadata{ObjectMeta: m})
}

// between is what owns the pods of a workload and is owned by it.
func between(w *workload) (kind, name string) {
	switch w.kind {
	case "Deployment":
		return "ReplicaSet", replicaSet(w)
	case "CronJob":
		return "Job", w.name + "-29384760"
	}
	return "", ""
}

func meta(namespace, kind, name string, created metav1.Time) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: uidOf(namespace, kind, name), ResourceVersion: "1", CreationTimestamp: created,
	}
}

func uidOf(namespace, kind, name string) types.UID {
	return types.UID(namespace + "/" + kind + "/" + name)
}

func ownedBy(namespace, kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: apiVersions()[kind], Kind: kind, Name: name, UID: uidOf(namespace, kind, name), Controller: new(true)}}
}

func nodeObject(n *node, created metav1.Time) corev1.Node {
	o := corev1.Node{ObjectMeta: meta("", "Node", n.name, created)}
	o.Status.Capacity = resources(int64(n.cores)*1000, int64(n.memory/mebibyte))
	o.Status.Allocatable = resources(int64(n.cores)*1000-80, int64(n.memory/mebibyte)-600)
	o.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: created}}
	return o
}

// resources takes millicores and MiB; 0 is none.
func resources(millicores, mebibytes int64) corev1.ResourceList {
	list := corev1.ResourceList{}
	if millicores > 0 {
		list[corev1.ResourceCPU] = *resource.NewMilliQuantity(millicores, resource.DecimalSI)
	}
	if mebibytes > 0 {
		list[corev1.ResourceMemory] = *resource.NewQuantity(mebibytes*mebibyte, resource.BinarySI)
	}
	return list
}

func podObject(p *pod, on *node, created metav1.Time) corev1.Pod {
	o := corev1.Pod{ObjectMeta: meta(p.of.namespace, "Pod", p.name, created)}
	o.UID = types.UID(p.uid)
	o.Labels = map[string]string{"app": p.of.name}
	if kind, name := between(p.of); kind != "" {
		o.OwnerReferences = ownedBy(p.of.namespace, kind, name)
	} else if p.of.kind != "Pod" {
		o.OwnerReferences = ownedBy(p.of.namespace, p.of.kind, p.of.name)
	}
	o.Spec.NodeName, o.Spec.HostNetwork = on.name, p.of.hostNetwork
	o.Status.Phase, o.Status.StartTime = corev1.PodRunning, &created
	for _, c := range p.running {
		life := c.life(time.Now(), on.since)
		o.Spec.Containers = append(o.Spec.Containers, corev1.Container{Name: c.name, Image: fmt.Sprintf("%s:1", c.name), Resources: corev1.ResourceRequirements{
			Requests: resources(c.requestCPU, c.requestMemory), Limits: resources(c.limitCPU, c.limitMemory),
		}})
		o.Status.ContainerStatuses = append(o.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.name, ContainerID: "containerd://" + c.id(life), Ready: true, RestartCount: int32(life.kills),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: created}},
		})
	}
	return o
}
