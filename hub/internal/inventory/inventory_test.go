package inventory

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	metafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kubemon/kubemon/hub"
)

func pod(name, uid string, refs []metav1.OwnerReference) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid), OwnerReferences: refs},
		Spec:       corev1.PodSpec{NodeName: "n1", Containers: []corev1.Container{{Name: "app"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
			{Name: "app", ContainerID: "containerd://c-" + uid}}},
	}
}

func controller(apiVersion, kind, name, uid string, refs []metav1.OwnerReference) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(uid), OwnerReferences: refs},
	}
}

// A server is a fake API server that can be away.
type server struct {
	typed *fake.Clientset
	meta  *metafake.FakeMetadataClient
	away  atomic.Bool
}

func newServer(t *testing.T, typed []runtime.Object, controllers ...runtime.Object) *server {
	scheme := metafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &server{typed: fake.NewClientset(typed...), meta: metafake.NewSimpleMetadataClient(scheme, controllers...)}
	refuse := func(clienttesting.Action) (bool, runtime.Object, error) {
		return s.away.Load(), nil, errors.New("connection refused")
	}
	s.typed.PrependReactor("list", "*", refuse)
	s.meta.PrependReactor("list", "*", refuse)
	return s
}

// run runs a Watcher of the server until the test is over. It is for a bubble.
func (s *server) run(t *testing.T) *Watcher {
	w := New(s.typed, s.meta, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	settle()
	return w
}

// settle lets everything happen that is under way, and what is due soon.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// opened is when the namespace shop was made.
var opened = time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)

func shop(t *testing.T) *server {
	return newServer(t,
		[]runtime.Object{
			pod("web-1", "u1", ref("ReplicaSet", "web-a", "rs")),
			&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1"}},
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", CreationTimestamp: metav1.NewTime(opened)}},
		},
		controller("apps/v1", "Deployment", "web", "d", ref("Operator", "made it", "o")),
		controller("apps/v1", "ReplicaSet", "web-a", "rs", ref("Deployment", "web", "d")),
		controller("apps/v1", "ReplicaSet", "bare", "rs-bare", nil),
		controller("batch/v1", "CronJob", "nightly", "c", nil),
		controller("batch/v1", "Job", "nightly-1", "j", ref("CronJob", "nightly", "c")),
	)
}

func TestWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		w := s.run(t)
		inv := w.Inventory()
		if !w.Synced() || !inv.Connection.Connected || inv.Connection.Error != "" {
			t.Errorf("synced = %t, connection = %+v, want both fine", w.Synced(), inv.Connection)
		}
		found, ok := inv.PodByUID("n1", "u1")
		if !ok || found.Owner != (hub.Owner{Kind: "Deployment", Name: "web", UID: "d"}) {
			t.Errorf("pod = %+v, want web-1 of Deployment web", found)
		}
		if byContainer, _ := inv.PodByContainer("c-u1"); byContainer != found {
			t.Errorf("pod by container = %+v, want web-1", byContainer)
		}
		if len(inv.Nodes) != 1 || len(inv.Namespaces) != 1 || !inv.Namespaces[0].Created.Equal(opened) {
			t.Errorf("nodes = %v, namespaces = %v, want one each, and the namespace of %s", inv.Nodes, inv.Namespaces, opened)
		}
		var workloads []string
		for _, workload := range inv.Workloads {
			workloads = append(workloads, workload.Kind+"/"+workload.Name)
		}
		slices.Sort(workloads)
		if got, want := strings.Join(workloads, " "), "CronJob/nightly Deployment/web ReplicaSet/bare"; got != want {
			t.Errorf("workloads = %s, want %s", got, want)
		}
	})
}

func TestInventoryIsBuiltOnlyAfterAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		w := s.run(t)
		before := w.Inventory()
		if w.Inventory() != before {
			t.Error("nothing changed, yet the inventory was built again")
		}
		pods := s.typed.CoreV1().Pods("shop")
		if _, err := pods.Create(t.Context(), pod("web-2", "u2", nil), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if _, ok := w.Inventory().PodByUID("n1", "u2"); !ok {
			t.Error("the new pod is not in the inventory")
		}
		if _, ok := before.PodByUID("n1", "u2"); ok {
			t.Error("the new pod came into an inventory that was handed out")
		}
		if err := pods.Delete(t.Context(), "web-1", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if _, ok := w.Inventory().PodByUID("n1", "u1"); ok {
			t.Error("the deleted pod is in the inventory")
		}
	})
}

// TestNamespacesBuildNoInventory asks for the namespaces while pods change: an
// inventory of ten thousand pods takes long to build, and is for who wants pods.
func TestNamespacesBuildNoInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		w := New(s.typed, s.meta, slog.New(slog.DiscardHandler))
		if names := w.Namespaces(); len(names) != 0 {
			t.Errorf("namespaces = %v before any was seen", names)
		}
		w = s.run(t)
		for _, name := range []string{"zoo", "bank"} {
			created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if _, err := s.typed.CoreV1().Namespaces().Create(t.Context(), created, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.typed.CoreV1().Pods("shop").Create(t.Context(), pod("web-2", "u2", nil), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if names := w.Namespaces(); !slices.Equal(names, []string{"bank", "shop", "zoo"}) {
			t.Errorf("namespaces = %v, want bank, shop and zoo", names)
		}
		if w.last != nil {
			t.Error("the inventory was built for the names of namespaces")
		}
	})
}

func TestAPIServerAwayAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		s.away.Store(true)
		started := time.Now()
		w := s.run(t)
		inv := w.Inventory()
		if w.Synced() || len(inv.Pods) != 0 {
			t.Errorf("synced = %t with %d pods, want neither", w.Synced(), len(inv.Pods))
		}
		if c := inv.Connection; !c.Configured || c.Connected || !strings.Contains(c.Error, "connection refused") || !c.Since.Equal(started) {
			t.Errorf("connection = %+v, want lost since the start, with the reason", c)
		}
		s.away.Store(false)
		time.Sleep(2 * time.Minute) // informers back off
		synctest.Wait()
		inv = w.Inventory()
		if !w.Synced() || !inv.Connection.Connected || len(inv.Pods) != 1 {
			t.Errorf("server is back: synced = %t, connection = %+v, %d pods", w.Synced(), inv.Connection, len(inv.Pods))
		}
	})
}

func TestAPIServerAwayLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		w := s.run(t)
		before := w.Inventory()
		s.away.Store(true)
		time.Sleep(checkEvery + checkTimeout)
		synctest.Wait()
		lost := w.Inventory()
		if lost.Connection.Connected || !lost.Connection.Since.After(before.Connection.Since) {
			t.Errorf("connection = %+v, want lost later than %s", lost.Connection, before.Connection.Since)
		}
		if _, ok := lost.PodByUID("n1", "u1"); !ok {
			t.Error("what was known is forgotten")
		}
		if !before.Connection.Connected {
			t.Error("an inventory that was handed out has changed")
		}
		s.away.Store(false)
		time.Sleep(checkEvery + checkTimeout)
		synctest.Wait()
		if c := w.Inventory().Connection; !c.Connected || c.Error != "" {
			t.Errorf("server is back: connection = %+v", c)
		}
	})
}

func TestMissingRightIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		s.meta.PrependReactor("list", "cronjobs", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "cronjobs"}, "", errors.New("no right"))
		})
		w := s.run(t)
		time.Sleep(2 * checkEvery)
		inv := w.Inventory()
		if c := inv.Connection; !c.Connected || !strings.Contains(c.Error, "cronjobs") || w.Synced() {
			t.Errorf("synced = %t, connection = %+v, want connected, but cronjobs named", w.Synced(), c)
		}
		if len(inv.Pods) != 1 {
			t.Errorf("%d pods, want the one that can be read", len(inv.Pods))
		}
	})
}

func TestNone(t *testing.T) {
	inv := None()
	if inv.Connection.Configured {
		t.Error("no cluster passes for one")
	}
	if _, ok := inv.PodByUID("n", "u"); ok {
		t.Error("there is a pod")
	}
}
