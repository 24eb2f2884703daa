package rest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// A thing is the name of one item, as a path says it.
type thing struct {
	kind            hub.Kind
	namespace, name string
	ownerKind       string // a workload's
}

// String names the thing for people.
func (t thing) String() string {
	switch t.kind {
	case hub.KindPod:
		return fmt.Sprintf("pod %q in namespace %q", t.name, t.namespace)
	case hub.KindWorkload:
		return fmt.Sprintf("%s %q in namespace %q", t.ownerKind, t.name, t.namespace)
	}
	return fmt.Sprintf("%s %q", strings.ToLower(string(t.kind)), t.name)
}

func cluster(*request) thing { return thing{kind: hub.KindCluster} }

func node(r *request) thing { return thing{kind: hub.KindNode, name: r.param("node")} }

func namespace(r *request) thing {
	return thing{kind: hub.KindNamespace, name: r.param("namespace")}
}

func pod(r *request) thing {
	return thing{kind: hub.KindPod, namespace: r.param("namespace"), name: r.param("pod")}
}

func deployment(r *request) thing {
	return thing{kind: hub.KindWorkload, namespace: r.param("namespace"), name: r.param("deployment"), ownerKind: "Deployment"}
}

// workload takes the kind in any case, as kubectl does.
func workload(r *request) thing {
	kind := r.param("kind")
	for _, w := range r.view.Workloads {
		if strings.EqualFold(w.Kind, kind) {
			kind = w.Kind
			break
		}
	}
	return thing{kind: hub.KindWorkload, namespace: r.param("namespace"), name: r.param("name"), ownerKind: kind}
}

// thingOf names an item of a list.
func thingOf(kind hub.Kind, item *hub.Item) thing {
	t := thing{kind: kind, namespace: item.Namespace, name: item.Name}
	if kind == hub.KindWorkload {
		t.ownerKind = item.Kind
	}
	return t
}

// compareToThing finds a thing in its list of a View, which is in this order.
func compareToThing(item *hub.Item, t thing) int {
	switch t.kind {
	case hub.KindPod:
		return cmp.Or(cmp.Compare(item.Namespace, t.namespace), cmp.Compare(item.Name, t.name))
	case hub.KindWorkload:
		return cmp.Or(cmp.Compare(item.Namespace, t.namespace), cmp.Compare(item.Kind, t.ownerKind), cmp.Compare(item.Name, t.name))
	}
	return cmp.Compare(item.Name, t.name)
}

// holds reports whether the item is part of the thing.
func (t thing) holds(item *hub.Item) bool {
	switch t.kind {
	case hub.KindNode:
		return item.Node == t.name
	case hub.KindNamespace:
		return item.Namespace == t.name
	case hub.KindWorkload:
		return item.Namespace == t.namespace && item.Owner != nil &&
			item.Owner.Kind == t.ownerKind && item.Owner.Name == t.name
	}
	return false
}

// find returns the item of that name. Where its namespace does not exist, the
// error names that.
func (r *request) find(t thing) (*hub.Item, error) {
	var items []*hub.Item
	switch t.kind {
	case hub.KindCluster:
		return r.view.Cluster, nil
	case hub.KindNode:
		items = r.view.Nodes
	case hub.KindPod:
		items = r.view.Pods
	case hub.KindNamespace:
		items = r.view.Namespaces
	case hub.KindWorkload:
		items = r.view.Workloads
	}
	if i, ok := slices.BinarySearchFunc(items, t, compareToThing); ok {
		return items[i], nil
	}
	if t.namespace != "" {
		if _, err := r.find(thing{kind: hub.KindNamespace, name: t.namespace}); err != nil {
			return nil, err
		}
	}
	return nil, r.notFound(t)
}
