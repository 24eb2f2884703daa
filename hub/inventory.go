package hub

import (
	"cmp"
	"slices"
	"time"
)

// An Inventory is what the API server says exists, at one moment. It is never
// changed after NewInventory.
type Inventory struct {
	Pods       []*Pod
	Nodes      []*Node
	Namespaces []*Namespace
	// Workloads are the API's own objects; owners of other kinds are known
	// from their pods only.
	Workloads  []*Workload
	Connection Connection

	byUID       map[podKey]*Pod
	byContainer map[string]*Pod
}

// podKey is a UID on a node: a static pod's hash may repeat on other nodes.
type podKey struct{ node, uid string }

// Connection says how the hub stands with the API server.
type Connection struct {
	// Configured is false when the hub runs without a cluster.
	Configured bool `json:"configured"`
	Connected  bool `json:"connected"`
	// Since is when Connected last changed.
	Since time.Time `json:"since,omitzero"`
	Error string    `json:"error,omitempty"`
}

// A Pod is a pod of the API server, without all that kubemon does not need.
type Pod struct {
	UID string
	// ConfigHash is a static pod's kubernetes.io/config.hash: its control
	// group is named by it and not by the mirror pod's UID.
	ConfigHash      string
	Namespace, Name string
	Node            string
	// Phase is status.phase, Reason status.reason or a waiting container's.
	Phase, Reason string
	HostNetwork   bool
	Labels        map[string]string
	// Owner is the top controller; the pod itself if it has none.
	Owner            Owner
	Created, Started time.Time
	// Requests and Limits are the pod's by Kubernetes' own rules, in force
	// after a resize: what the scheduler counts, and what is declared.
	Requests, Limits Resources
	// Unlimited says of what some container of the pod may use any amount,
	// whatever the limits of the others add up to.
	Unlimited  Unlimited
	Containers []Container
}

// Unlimited says of which resources a thing may use any amount.
type Unlimited struct{ CPU, Memory bool }

// A Container is one container of a pod's spec and status, of any of its
// three kinds.
type Container struct {
	Name string
	// ID is without its runtime's prefix, empty before the container is made.
	ID               string
	Init, Ephemeral  bool
	Running          bool
	Restarts         int
	Requests, Limits Resources
}

// An Owner is the top controller of a pod.
type Owner struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	UID  string `json:"-"`
}

// A Node is a node of the API server.
type Node struct {
	Name   string
	UID    string
	Labels map[string]string
	// Ready is its condition, ReadySince when that last changed.
	Ready                 bool
	ReadySince            time.Time
	Created               time.Time
	Capacity, Allocatable Resources
}

// A Namespace is a namespace of the API server.
type Namespace struct {
	Name   string
	Labels map[string]string
	// Created is zero if it is not known. Another one may have had the name before.
	Created time.Time
}

// A Workload is a controller of the API server: a Deployment, StatefulSet,
// DaemonSet or CronJob, or a ReplicaSet or Job without a controller of its own.
type Workload struct {
	Kind, Namespace, Name string
	UID                   string
	Labels                map[string]string
}

// Resources are an amount of CPU and memory; nil means that none is set.
type Resources struct {
	CPUMillicores *float64 `json:"cpuMillicores"`
	MemoryBytes   *float64 `json:"memoryBytes"`
}

// Add adds what is set in part to r's own numbers. What no part sets stays nil.
func (r *Resources) Add(part Resources) {
	add(&r.CPUMillicores, part.CPUMillicores)
	add(&r.MemoryBytes, part.MemoryBytes)
}

func add(total **float64, part *float64) {
	switch {
	case part == nil:
	case *total == nil:
		*total = new(*part)
	default:
		**total += *part
	}
}

// NewInventory indexes what the API server says. The slices become the
// Inventory's own; pods are put in the order in which they are answered.
func NewInventory(pods []*Pod, nodes []*Node, namespaces []*Namespace, workloads []*Workload, c Connection) *Inventory {
	inv := &Inventory{
		Pods: pods, Nodes: nodes, Namespaces: namespaces, Workloads: workloads, Connection: c,
		byUID:       make(map[podKey]*Pod, len(pods)),
		byContainer: make(map[string]*Pod, len(pods)),
	}
	slices.SortStableFunc(pods, func(a, b *Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, p := range pods {
		if p.ConfigHash != "" {
			inv.byUID[podKey{p.Node, p.ConfigHash}] = p
		}
	}
	for _, p := range pods {
		inv.byUID[podKey{p.Node, p.UID}] = p // after the hashes: a hash must not take another pod's place
		for _, c := range p.Containers {
			if c.ID != "" {
				inv.byContainer[c.ID] = p
			}
		}
	}
	return inv
}

// PodByUID returns the pod whose control group on that node is named by uid:
// its UID, or a static pod's config hash.
func (inv *Inventory) PodByUID(node, uid string) (*Pod, bool) {
	p, ok := inv.byUID[podKey{node, uid}]
	return p, ok
}

// PodByContainer returns the pod that has a container of that ID.
func (inv *Inventory) PodByContainer(id string) (*Pod, bool) {
	p, ok := inv.byContainer[id]
	return p, ok
}
