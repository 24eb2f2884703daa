// Package events tells the cluster what becomes of its agents, by Kubernetes
// Events on the Nodes: a new node's agent attached, an agent went silent, a
// silent one returned. `kubectl describe node` shows them.
//
// A [Recorder] looks at the latest round now and then and compares it with what
// it saw before. Nobody waits for it, and it waits for the API server only:
// a round that it did not look at is one whose changes it finds in the next.
//
// Contract:
//   - AgentAttached is for agents that are newer than the hub. One that starts
//     anew, or is installed together with its agents, tells nothing of those
//     that are there already.
//   - AgentSilent is for nodes that are down and of which this hub has had a
//     sample; AgentReturned follows only after it.
//   - Events like earlier ones of the same node are counted up in those, by
//     client-go's rules. At most burst are sent at once and perSecond a second
//     after that, for all nodes together; the rest are dropped.
//   - While the API server is away, events are dropped. What is dropped is
//     counted, and is in the hub's own log.
//   - It takes the rights to create and patch events in the namespace "default",
//     where Events of Nodes lie, and no others.
package events

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/kubemon/kubemon/hub"
)

const (
	// lookEvery is how often the latest round is looked at.
	lookEvery = time.Second
	// sendTimeout bounds one event's way to the API server.
	sendTimeout = 5 * time.Second
	// burst and perSecond bound what a whole cluster that flaps may cost the API
	// server.
	burst     = 50
	perSecond = 1
	// component is who reports.
	component = "kubemon-hub"
)

// Why events are dropped, for counting.
const (
	droppedByLimit     = "limit"      // too many, of all nodes or of this one
	droppedByAPIServer = "api_server" // it is away, or refuses them
)

// A Meter counts events; metricsapi's does.
type Meter interface {
	EventSent()
	EventDropped(reason string)
}

// Config is what New needs; every field must be set.
type Config struct {
	Client kubernetes.Interface
	// View returns the latest round, or an error before the first.
	View  func() (*hub.View, error)
	Meter Meter
	Log   *slog.Logger
}

// A Recorder sends events while it runs.
type Recorder struct {
	Config
	agents     agents
	looked     uint64 // the number of the round that was looked at last
	limiter    flowcontrol.PassiveRateLimiter
	correlator *record.EventCorrelator
	lastErr    string
}

// New returns a Recorder that has seen nothing.
func New(c Config) *Recorder {
	return &Recorder{
		Config:     c,
		agents:     make(agents),
		limiter:    flowcontrol.NewTokenBucketPassiveRateLimiter(perSecond, burst),
		correlator: record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{}),
	}
}

// Run sends events until ctx is done.
func (r *Recorder) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.look(ctx)
		}
	}
}

// look sends what has changed since the last look. The first event that the API
// server does not take ends the sending: the others would fare no better.
func (r *Recorder) look(ctx context.Context) {
	view, err := r.View()
	if err != nil || view.Round.Number == r.looked {
		return // There was no round yet, or no other one.
	}
	r.looked = view.Round.Number
	away := false
	for _, c := range r.agents.changes(view.Round) {
		switch {
		case away:
			r.Meter.EventDropped(droppedByAPIServer)
		case !r.limiter.TryAccept():
			r.Meter.EventDropped(droppedByLimit)
		default:
			away = !r.record(ctx, c)
		}
	}
}

// record sends one event, or counts up an earlier one like it, and reports
// whether the API server is of use.
func (r *Recorder) record(ctx context.Context, c change) bool {
	result, err := r.correlator.EventCorrelate(eventOf(c, time.Now()))
	if err == nil && result.Skip {
		r.Meter.EventDropped(droppedByLimit)
		return true
	}
	var sent *corev1.Event
	if err == nil {
		sent, err = r.send(ctx, result)
	}
	if err != nil {
		r.Meter.EventDropped(droppedByAPIServer)
		if text := err.Error(); text != r.lastErr {
			r.lastErr = text
			r.Log.Warn("event not sent", "node", c.node, "reason", c.reason, "err", err)
		}
		return false
	}
	r.lastErr = ""
	r.correlator.UpdateState(sent)
	r.Meter.EventSent()
	return true
}

func (r *Recorder) send(ctx context.Context, result *record.EventCorrelateResult) (*corev1.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	events := r.Client.CoreV1().Events(metav1.NamespaceDefault)
	if result.Event.Count > 1 {
		sent, err := events.Patch(ctx, result.Event.Name, types.StrategicMergePatchType, result.Patch, metav1.PatchOptions{})
		if !apierrors.IsNotFound(err) { // the API server forgets events after an hour
			return sent, err
		}
	}
	result.Event.ResourceVersion = ""
	return events.Create(ctx, result.Event, metav1.CreateOptions{})
}

// eventOf is a change as the API has it. A Node has no namespace, so its events
// lie in "default".
func eventOf(c change, now time.Time) *corev1.Event {
	at := metav1.NewTime(now)
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s.%x", c.node, now.UnixNano()), Namespace: metav1.NamespaceDefault,
		},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: c.node, UID: types.UID(c.uid)},
		Type:           c.kind, Reason: c.reason, Message: c.message,
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
		Source: corev1.EventSource{Component: component}, ReportingController: component,
	}
}
