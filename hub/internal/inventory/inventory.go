// Package inventory knows what the API server says exists: pods, nodes,
// namespaces and the controllers that own pods.
//
// A [Watcher] keeps informers on them and hands out an immutable
// hub.Inventory. Each object is cut down to what the hub needs before it is
// kept, see convert.go; who owns a pod is worked out when an inventory is
// built, see owner.go.
//
// Contract:
//   - Inventory never blocks on the API server. While that is away, at the
//     start or later, it holds what was known last, and its Connection says
//     since when and why.
//   - Before an object has been seen it is not in the inventory; before all of
//     a kind have been, Synced is false and owners of that kind are unknown.
//   - It takes the rights to list and watch pods, nodes, namespaces,
//     deployments, replicasets, statefulsets, daemonsets, jobs and cronjobs,
//     and no others. Of the controllers only metadata is asked for.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/kubemon/kubemon/hub"
)

// A Watcher keeps the inventory up to date while it runs.
type Watcher struct {
	client kubernetes.Interface
	log    *slog.Logger

	typed       informers.SharedInformerFactory
	controllers metadatainformer.SharedInformerFactory

	pods, nodes, namespaces *watch
	byKind                  map[string]*watch // of controllers
	all                     []*watch

	connection *connection
	changed    atomic.Bool // since last was built

	mu       sync.Mutex
	last     *hub.Inventory
	complete bool // last was built after everything had been seen
}

// A watch is the informer of one resource.
type watch struct {
	resource string
	cache.SharedIndexInformer
	failure atomic.Pointer[error] // of the last attempt to list or watch
}

// controllerResources are the controllers that are watched, by kind.
func controllerResources() map[string]schema.GroupVersionResource {
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	batch := schema.GroupVersion{Group: "batch", Version: "v1"}
	return map[string]schema.GroupVersionResource{
		"Deployment":  apps.WithResource("deployments"),
		"ReplicaSet":  apps.WithResource("replicasets"),
		"StatefulSet": apps.WithResource("statefulsets"),
		"DaemonSet":   apps.WithResource("daemonsets"),
		"Job":         batch.WithResource("jobs"),
		"CronJob":     batch.WithResource("cronjobs"),
	}
}

// New returns a Watcher that knows nothing until it runs.
func New(client kubernetes.Interface, meta metadata.Interface, log *slog.Logger) *Watcher {
	w := &Watcher{
		client:      client,
		log:         log,
		typed:       informers.NewSharedInformerFactory(client, 0),
		controllers: metadatainformer.NewSharedInformerFactory(meta, 0),
		byKind:      make(map[string]*watch),
		connection:  newConnection(),
	}
	core := w.typed.Core().V1()
	w.pods = w.watch("pods", core.Pods().Informer(), keepPod)
	w.nodes = w.watch("nodes", core.Nodes().Informer(), keepNode)
	w.namespaces = w.watch("namespaces", core.Namespaces().Informer(), keepNamespace)
	for kind, resource := range controllerResources() {
		informer := w.controllers.ForResource(resource).Informer()
		w.byKind[kind] = w.watch(resource.Resource, informer, keepController(kind))
	}
	return w
}

// watch sets an informer up: objects are cut down on entry, and any change is
// remembered. No event carries data; the inventory reads the informer's store.
func (w *Watcher) watch(resource string, informer cache.SharedIndexInformer, keep cache.TransformFunc) *watch {
	k := &watch{resource: resource, SharedIndexInformer: informer}
	changed := func() { w.changed.Store(true) }
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(any, any) { changed() },
		DeleteFunc: func(any) { changed() },
	})
	err = errors.Join(err, informer.SetTransform(keep))
	err = errors.Join(err, informer.SetWatchErrorHandlerWithContext(
		func(_ context.Context, _ *cache.Reflector, err error) {
			k.failure.Store(&err)
			w.log.Debug("watch ended", "resource", resource, "err", err)
			w.connection.doubt()
		}))
	if err != nil { // only after the informer was started
		panic(fmt.Sprintf("set up informer of %s: %v", resource, err))
	}
	w.all = append(w.all, k)
	return k
}

// endTime is how long Run waits for the informers to end. One that has lost the
// API server sleeps between its attempts, for up to a minute, and does not hear
// that it should end; the program does not wait for it.
const endTime = 2 * time.Second

// Run watches until ctx is done.
func (w *Watcher) Run(ctx context.Context) error {
	w.typed.StartWithContext(ctx)
	w.controllers.Start(ctx.Done())
	w.checkConnection(ctx)
	ended := make(chan struct{})
	go func() {
		w.typed.Shutdown()
		w.controllers.Shutdown()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(endTime):
	}
	return nil
}

// Synced reports whether everything has been seen once.
func (w *Watcher) Synced() bool { return w.unsynced() == nil }

// unsynced returns a watch that has not seen everything yet, nil if all have;
// one that failed is named first.
func (w *Watcher) unsynced() *watch {
	var waiting *watch
	for _, k := range w.all {
		if k.HasSynced() {
			continue
		}
		if k.failure.Load() != nil {
			return k
		}
		waiting = k
	}
	return waiting
}

// Inventory returns what is known now. It is built when something has changed
// since the last call, and as long as not everything has been seen; else the
// last one is returned. It is safe for concurrent use.
func (w *Watcher) Inventory() *hub.Inventory {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.connection.get()
	switch {
	case w.changed.Swap(false) || !w.complete:
		w.complete = w.Synced() // first: what comes in between is built in
		w.last = w.build(now)
	case w.last.Connection != now:
		same := *w.last
		same.Connection = now
		w.last = &same
	}
	return w.last
}

// Namespaces are the names of those that are known now, sorted. It builds no
// inventory and waits for none, so that any request may ask. It is safe for
// concurrent use.
func (w *Watcher) Namespaces() []string {
	names := w.namespaces.GetStore().ListKeys() // what is in no namespace has its name for a key
	slices.Sort(names)
	return names
}

func (w *Watcher) build(c hub.Connection) *hub.Inventory {
	owners := w.owners()
	var pods []*hub.Pod
	for _, obj := range w.pods.GetStore().List() {
		kept := obj.(*kept[hub.Pod])
		pods = append(pods, shownAs(kept, owners.of(kept)))
	}
	return hub.NewInventory(pods, values[hub.Node](w.nodes), values[hub.Namespace](w.namespaces), w.workloads(), c)
}

func values[T any](k *watch) []*T {
	var list []*T
	for _, obj := range k.GetStore().List() {
		list = append(list, &obj.(*kept[T]).value)
	}
	return list
}

// None is the inventory of a hub that runs without a cluster.
func None() *hub.Inventory {
	return hub.NewInventory(nil, nil, nil, nil, hub.Connection{})
}

// Selector parses a Kubernetes label selector, "app=web,tier!=db"; the empty
// one selects everything.
func Selector(s string) (func(map[string]string) bool, error) {
	selector, err := labels.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("parse label selector %q: %w", s, err)
	}
	return func(m map[string]string) bool { return selector.Matches(labels.Set(m)) }, nil
}
