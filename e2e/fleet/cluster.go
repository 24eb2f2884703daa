package fleet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

// An APIServer has the objects that it is given and never another: lists answer
// with them, watches say nothing.
type APIServer struct {
	URL string

	stop   func()
	bodies map[string][]byte // by path
	empty  []byte            // an empty list
}

const protobufType = "application/vnd.kubernetes.protobuf"

// ServeObjects listens on a loopback address. The objects are lists, by the
// path that lists them.
func ServeObjects(ctx context.Context, objects map[string]runtime.Object) (*APIServer, error) {
	s := &APIServer{bodies: make(map[string][]byte)}
	var err error
	for path, list := range objects {
		if s.bodies[path], err = encode(list); err != nil {
			return nil, fmt.Errorf("encode %s: %w", path, err)
		}
	}
	if s.empty, err = encode(&metav1.PartialObjectMetadataList{ListMeta: listMeta()}); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	server := &http.Server{Handler: s, BaseContext: func(net.Listener) context.Context { return ctx }}
	s.URL = "http://" + listener.Addr().String()
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) })
	s.stop = func() { cancel(); _ = server.Close(); served.Wait() }
	return s, nil
}

// Close ends it, and the watches.
func (s *APIServer) Close() { s.stop() }

// Kubeconfig is the file that leads to it.
func (s *APIServer) Kubeconfig() []byte { return fmt.Appendf(nil, kubeconfigText, s.URL) }

const kubeconfigText = `apiVersion: v1
kind: Config
current-context: fleet
contexts: [{name: fleet, context: {cluster: fleet, user: fleet}}]
clusters: [{name: fleet, cluster: {server: "%s"}}]
users: [{name: fleet, user: {}}]
`

// ServeHTTP answers lists and watches. A watch that asks for a list as its
// first events is refused, and the client then lists.
func (s *APIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("sendInitialEvents") != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422,"message":"sendInitialEvents is not supported"}`)
		return
	}
	if query.Get("watch") != "" {
		w.Header().Set("Content-Type", protobufType+";stream=watch")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	body, ok := s.bodies[r.URL.Path]
	if !ok {
		body = s.empty // a kind of which there are none
	}
	w.Header().Set("Content-Type", protobufType)
	_, _ = w.Write(body)
}

func encode(list runtime.Object) ([]byte, error) {
	known := runtime.NewScheme()
	if err := scheme.AddToScheme(known); err != nil {
		return nil, err
	}
	if err := metav1.AddMetaToScheme(known); err != nil {
		return nil, err
	}
	kinds, _, err := known.ObjectKinds(list)
	if err != nil {
		return nil, err
	}
	list.GetObjectKind().SetGroupVersionKind(kinds[0])
	var b bytes.Buffer
	err = protobuf.NewSerializer(known, known).Encode(list, &b)
	return b.Bytes(), err
}

func listMeta() metav1.ListMeta { return metav1.ListMeta{ResourceVersion: "1"} }

// objects are the cluster's, by the path that lists them.
func objects(nodes []Node) map[string]runtime.Object {
	now := metav1.NewTime(time.Now().Add(-2 * time.Hour))
	pods := &corev1.PodList{ListMeta: listMeta()}
	list := &corev1.NodeList{ListMeta: listMeta()}
	namespaces := &corev1.NamespaceList{ListMeta: listMeta()}
	deployments := &metav1.PartialObjectMetadataList{ListMeta: listMeta()}
	replicaSets := &metav1.PartialObjectMetadataList{ListMeta: listMeta()}
	seen := make(map[string]bool)
	for _, n := range nodes {
		list.Items = append(list.Items, nodeObject(n, now))
		for _, p := range n.pods() {
			pods.Items = append(pods.Items, podObject(p, now))
			if !seen[p.namespace()] {
				seen[p.namespace()] = true
				namespaces.Items = append(namespaces.Items, corev1.Namespace{ObjectMeta: meta("", p.namespace(), now)})
			}
			if !seen[p.deployment()] {
				seen[p.deployment()] = true
				deployments.Items = append(deployments.Items, metav1.PartialObjectMetadata{ObjectMeta: meta(p.namespace(), p.deployment(), now)})
				set := metav1.PartialObjectMetadata{ObjectMeta: meta(p.namespace(), p.replicaSet(), now)}
				set.OwnerReferences = ownedBy("Deployment", p.deployment())
				replicaSets.Items = append(replicaSets.Items, set)
			}
		}
	}
	return map[string]runtime.Object{
		"/api/v1/pods": pods, "/api/v1/nodes": list, "/api/v1/namespaces": namespaces,
		"/apis/apps/v1/deployments": deployments, "/apis/apps/v1/replicasets": replicaSets,
	}
}

func meta(namespace, name string, created metav1.Time) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name), ResourceVersion: "1",
		CreationTimestamp: created, Labels: map[string]string{"app": strings.TrimSuffix(name, "-5d8f7c9b4")},
	}
}

func ownedBy(kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: kind, Name: name, Controller: new(true)}}
}

func nodeObject(n Node, created metav1.Time) corev1.Node {
	o := corev1.Node{ObjectMeta: meta("", n.Name(), created)}
	o.Status.Capacity = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi")}
	o.Status.Allocatable = o.Status.Capacity
	o.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastTransitionTime: created}}
	return o
}

func podObject(p pod, created metav1.Time) corev1.Pod {
	o := corev1.Pod{ObjectMeta: meta(p.namespace(), p.name(), created)}
	o.UID = types.UID(p.uid())
	o.Labels = map[string]string{"app": p.deployment(), "pod-template-hash": "5d8f7c9b4"}
	o.OwnerReferences = ownedBy("ReplicaSet", p.replicaSet())
	o.OwnerReferences[0].UID = types.UID(p.namespace() + "/" + p.replicaSet())
	o.Spec.NodeName = p.node
	o.Status.Phase = corev1.PodRunning
	o.Status.StartTime = &created
	for i := range ContainersPerPod {
		name := fmt.Sprintf("c%d", i)
		o.Spec.Containers = append(o.Spec.Containers, corev1.Container{Name: name, Image: "app:1", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
		}})
		o.Status.ContainerStatuses = append(o.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: name, ContainerID: "containerd://" + p.containerID(i), Ready: true,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: created}},
		})
	}
	return o
}
