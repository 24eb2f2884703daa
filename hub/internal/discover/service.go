package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/kubemon/kubemon/hub"
)

// A Service finds the agents behind a headless service. It takes the rights to
// list and watch EndpointSlices in that namespace.
type Service struct {
	factory   informers.SharedInformerFactory
	informer  cache.SharedIndexInformer
	service   string
	inventory func() *hub.Inventory
	changed   chan struct{}
	hinting   atomic.Bool // a hint is under way
	log       *slog.Logger
	lastErr   atomic.Pointer[string]
	refused   atomic.Pointer[string] // what was last refused
}

// settling is how long a change may be followed by others and still be one
// hint: the slices of a big service are written one after the other.
const settling = 250 * time.Millisecond

// NewService returns a Service that knows no agent until it runs. What slices do
// not say of pods, how old they are and in which container an agent runs, is in
// the inventory, which is taken once for each answer.
func NewService(client kubernetes.Interface, namespace, service string, inventory func() *hub.Inventory, log *slog.Logger) *Service {
	selector := labels.Set{discoveryv1.LabelServiceName: service, discoveryv1.LabelManagedBy: controllerName}.String()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector }),
		informers.WithTransform(strip))
	s := &Service{
		factory:   factory,
		informer:  factory.Discovery().V1().EndpointSlices().Informer(),
		service:   service,
		inventory: inventory,
		changed:   make(chan struct{}, 1),
		log:       log.With("namespace", namespace, "service", service),
	}
	_, err := s.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { s.hint() },
		UpdateFunc: func(any, any) { s.hint() },
		DeleteFunc: func(any) { s.hint() },
	})
	err = errors.Join(err, s.informer.SetWatchErrorHandlerWithContext(s.watchFailed))
	if err != nil { // only after the informer was started
		panic(fmt.Sprintf("set up informer of endpointslices: %v", err))
	}
	return s
}

// endTime is how long Run waits for the informer to end. One that has lost the
// API server sleeps between its attempts, for up to a minute, and does not hear
// that it should end; the program does not wait for it.
const endTime = 2 * time.Second

// Run watches until ctx is done.
func (s *Service) Run(ctx context.Context) error {
	s.factory.StartWithContext(ctx)
	<-ctx.Done()
	ended := make(chan struct{})
	go func() {
		s.factory.Shutdown()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(endTime):
	}
	return nil
}

// Agents returns the agents of this moment, by node.
func (s *Service) Agents() []hub.Agent {
	var owned []*discoveryv1.EndpointSlice
	var foreign []string
	for _, obj := range s.informer.GetStore().List() {
		slice := obj.(*discoveryv1.EndpointSlice)
		if err := checkOwner(slice, s.service); err != nil {
			foreign = append(foreign, err.Error())
			continue
		}
		owned = append(owned, slice)
	}
	slices.Sort(foreign)
	agents, refused := agentsOf(owned, s.inventory().PodByUID)
	s.refuse(slices.Concat(foreign, refused))
	return agents
}

// refuse says once which endpoints are not asked, and again when it is others.
func (s *Service) refuse(reasons []string) {
	const shown = 5
	text := strings.Join(reasons[:min(len(reasons), shown)], "; ")
	last := s.refused.Swap(&text)
	if text != "" && (last == nil || *last != text) {
		s.log.Warn("endpoints are not asked", "count", len(reasons), "reasons", text)
	}
}

// Changed gives a value soon after the set of agents may have changed; several
// changes may give one.
func (s *Service) Changed() <-chan struct{} { return s.changed }

// hint tells of a change after a while, and with it of all that come meanwhile.
func (s *Service) hint() {
	if !s.hinting.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(settling, func() {
		s.hinting.Store(false) // first: what comes now is not in this hint
		select {
		case s.changed <- struct{}{}:
		default:
		}
	})
}

// watchFailed says once why the agents cannot be watched. Watches that end in
// the usual way are begun again and say nothing.
func (s *Service) watchFailed(_ context.Context, _ *cache.Reflector, err error) {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || errors.Is(err, io.EOF) {
		return
	}
	text := err.Error()
	if last := s.lastErr.Swap(&text); last == nil || *last != text {
		s.log.Warn("agents cannot be watched", "err", err)
	}
}

// strip cuts a slice down to what names its agents, before it is kept.
func strip(obj any) (any, error) {
	slice, ok := obj.(*discoveryv1.EndpointSlice)
	if !ok { // a tombstone of one that was stripped before
		return obj, nil
	}
	stripped := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: slice.Namespace, Name: slice.Name, UID: slice.UID, ResourceVersion: slice.ResourceVersion,
			OwnerReferences: slice.OwnerReferences,
		},
		AddressType: slice.AddressType,
		Ports:       slice.Ports,
	}
	for _, e := range slice.Endpoints {
		stripped.Endpoints = append(stripped.Endpoints, discoveryv1.Endpoint{
			Addresses: e.Addresses, Conditions: e.Conditions, NodeName: e.NodeName, TargetRef: e.TargetRef,
		})
	}
	return stripped, nil
}
