package access

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	authzv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/kubemon/kubemon/hub"
)

const (
	// allowRights and denyRights are for how long the API server's word about a
	// right counts.
	allowRights = 5 * time.Minute
	denyRights  = 30 * time.Second
	// denyEach is how much longer a "no" of a namespace counts where there are many
	// namespaces, for each of them, so that asking for all comes to an end.
	denyEach = 100 * time.Millisecond
	// maxReaders bounds of how many readers rights are kept: of as many as tokens.
	maxReaders = maxAllowed
	// maxQuestions bounds how many are asked for one reader at once, maxSweeps for
	// how many readers all namespaces are asked for at once.
	maxQuestions = 8
	maxSweeps    = 4
	// sweptPerSecond and sweptBurst bound the questions about namespaces, for all
	// readers together. Who may list all pods waits for none of them.
	sweptPerSecond = 300
	sweptBurst     = 600
	// sweepPatience bounds how long one request waits for those bounds.
	sweepPatience = 10 * time.Second
)

// credentialID is the part of a reader that differs for each of his tokens, and
// that no right depends on.
const credentialID = "authentication.kubernetes.io/credential-id"

// rights knows what readers may list, by asking the API server.
type rights struct {
	reviewer AccessReviewer
	mu       sync.Mutex            // readers: what is missing is made once
	readers  *cache.LRUExpireCache // a *verdicts by its reader's fingerprint
	sweeps   chan struct{}         // as many as there are sweeps
	swept    flowcontrol.RateLimiter
	meter    Meter
	log      *audit
}

// A question is whether a reader may list a resource; in every namespace, or
// of no namespace, if that is empty.
type question struct{ resource, namespace string }

// A verdict is the API server's answer, and when it gave it.
type verdict struct {
	allowed bool
	at      time.Time
}

// fresh reports whether the verdict counts, as one of so many.
func (v verdict) fresh(now time.Time, among int) bool {
	if v.allowed {
		return now.Sub(v.at) < allowRights
	}
	return now.Sub(v.at) < max(denyRights, time.Duration(among)*denyEach)
}

// usable reports whether it counts while the API server cannot be asked.
func (v verdict) usable(now time.Time) bool {
	return now.Sub(v.at) < longestOutage
}

// verdicts are those of one reader.
type verdicts struct {
	turn  chan struct{} // holds one token: who has it asks, and changes the rest
	given map[question]verdict
	retry time.Time // when to ask again, after the API server did not answer
}

func newRights(reviewer AccessReviewer, meter Meter, log *audit) *rights {
	return &rights{
		reviewer: reviewer, readers: cache.NewLRUExpireCache(maxReaders),
		sweeps: make(chan struct{}, maxSweeps), swept: flowcontrol.NewTokenBucketRateLimiter(sweptPerSecond, sweptBurst),
		meter: meter, log: log,
	}
}

// scope is what the reader may see. Only if he may not list the pods of all
// namespaces, it asks which there are, and for each of them.
func (r *rights) scope(ctx context.Context, reader Reader, namespaces func() []string) (hub.Scope, error) {
	v := r.verdictsOf(reader)
	select {
	case <-ctx.Done():
		return hub.Scope{}, errAway
	case <-v.turn:
	}
	defer func() { v.turn <- struct{}{} }()
	nodes, pods := question{resource: "nodes"}, question{resource: "pods"}
	if err := r.settle(ctx, v, reader, []question{nodes, pods}); err != nil {
		return hub.Scope{}, err
	}
	scope := hub.Scope{Nodes: v.given[nodes].allowed, AllNamespaces: v.given[pods].allowed}
	if scope.AllNamespaces {
		return scope, nil
	}
	names := namespaces()
	if len(names) == 0 && !scope.Nodes { // a cluster has some
		return hub.Scope{}, errEarly
	}
	var err error
	scope.Namespaces, err = r.among(ctx, v, reader, names)
	return scope, err
}

// among returns those of the namespaces whose pods the reader may list, sorted.
func (r *rights) among(ctx context.Context, v *verdicts, reader Reader, namespaces []string) ([]string, error) {
	questions := make([]question, len(namespaces))
	for i, namespace := range namespaces {
		questions[i] = question{"pods", namespace}
	}
	if err := r.settle(ctx, v, reader, questions); err != nil {
		return nil, err
	}
	v.forget(questions)
	var may []string
	for _, q := range questions {
		if v.given[q].allowed {
			may = append(may, q.namespace)
		}
	}
	slices.Sort(may)
	return may, nil
}

// verdictsOf returns what is known of a reader's rights, by whichever token.
func (r *rights) verdictsOf(reader Reader) *verdicts {
	reader.Extra = maps.Clone(reader.Extra)
	delete(reader.Extra, credentialID)
	identity, err := json.Marshal(reader)
	if err != nil {
		identity = nil // strings always marshal
	}
	key := sha256.Sum256(identity)
	r.mu.Lock()
	defer r.mu.Unlock()
	if value, ok := r.readers.Get(key); ok {
		if v, ok := value.(*verdicts); ok {
			return v
		}
	}
	v := &verdicts{turn: make(chan struct{}, 1), given: make(map[question]verdict)}
	v.turn <- struct{}{}
	r.readers.Add(key, v, longestOutage)
	return v
}

// settle sees to it that every question has a verdict that counts. While the
// API server cannot be asked, that is an earlier one; and an earlier "no" is
// enough while there are too many questions.
func (r *rights) settle(ctx context.Context, v *verdicts, reader Reader, questions []question) error {
	now := time.Now()
	due := v.due(questions, now)
	if len(due) == 0 {
		return nil
	}
	outage := now.Before(v.retry) && v.usable(due, now) // without a verdict there is nothing to wait with
	if !outage {
		err := r.ask(context.WithoutCancel(ctx), v, reader, due)
		switch {
		case errors.Is(err, errAway):
			v.retry = time.Now().Add(retryAfterOutage)
		case errors.Is(err, errMany) && v.denied(v.due(due, now)):
			return nil
		default:
			return err
		}
	}
	if !v.usable(due, now) {
		return errAway
	}
	r.meter.Reviewed("access", "stale")
	return nil
}

// due are the questions without a verdict that is fresh. Those that were
// answered with yes before come first.
func (v *verdicts) due(questions []question, now time.Time) []question {
	var renewed, others []question
	for _, q := range questions {
		switch given, ok := v.given[q]; {
		case ok && given.fresh(now, len(questions)):
		case given.allowed:
			renewed = append(renewed, q)
		default:
			others = append(others, q)
		}
	}
	return append(renewed, others...)
}

// usable reports whether each question has a verdict that counts while the API
// server cannot be asked.
func (v *verdicts) usable(questions []question, now time.Time) bool {
	return !slices.ContainsFunc(questions, func(q question) bool {
		given, ok := v.given[q]
		return !ok || !given.usable(now)
	})
}

// denied reports whether each question was answered with no.
func (v *verdicts) denied(questions []question) bool {
	return !slices.ContainsFunc(questions, func(q question) bool {
		given, ok := v.given[q]
		return !ok || given.allowed
	})
}

// forget drops what is said of namespaces that are no more.
func (v *verdicts) forget(namespaces []question) {
	if len(v.given) <= len(namespaces)+2 { // with those for nodes and for all pods
		return
	}
	keep := map[question]bool{{resource: "nodes"}: true, {resource: "pods"}: true}
	for _, q := range namespaces {
		keep[q] = true
	}
	for q := range v.given {
		if !keep[q] {
			delete(v.given, q)
		}
	}
}

// ask puts the questions to the API server, some at a time, and stops with the
// first that it does not answer. What it did answer is kept. Those about
// namespaces wait for their turn.
func (r *rights) ask(ctx context.Context, v *verdicts, reader Reader, questions []question) error {
	patient, cancel := context.WithTimeout(ctx, sweepPatience)
	defer cancel()
	sweeping := questions[0].namespace != ""
	if sweeping {
		select {
		case r.sweeps <- struct{}{}:
			defer func() { <-r.sweeps }()
		case <-patient.Done():
			return r.tooMany()
		}
	}
	answers := make([]*verdict, len(questions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQuestions)
	for i, q := range questions {
		if ctx.Err() != nil || sweeping && r.swept.Wait(patient) != nil {
			break
		}
		group.Go(func() error {
			allowed, err := r.review(ctx, reader, q)
			if err == nil {
				answers[i] = &verdict{allowed, time.Now()}
			}
			return err
		})
	}
	err := group.Wait()
	for i, answer := range answers {
		if answer != nil {
			v.given[questions[i]] = *answer
		}
	}
	if err != nil {
		r.log.write(ctx, slog.LevelWarn, "access not reviewed", "err", err)
		return refusalOf(err)
	}
	if slices.Contains(answers, nil) { // patience ended
		return r.tooMany()
	}
	return nil
}

func (r *rights) tooMany() error {
	r.meter.Reviewed("access", "limited")
	return errMany
}

// review asks the API server whether the reader may list something.
func (r *rights) review(ctx context.Context, reader Reader, q question) (allowed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	review := &authzv1.SubjectAccessReview{Spec: authzv1.SubjectAccessReviewSpec{
		User: reader.Name, UID: reader.UID, Groups: reader.Groups, Extra: extraOf(reader),
		ResourceAttributes: &authzv1.ResourceAttributes{Verb: "list", Version: "v1", Resource: q.resource, Namespace: q.namespace},
	}}
	review, err = r.reviewer.Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		r.meter.Reviewed("access", "away")
		return false, fmt.Errorf("create SubjectAccessReview: %w", err)
	}
	if !review.Status.Allowed || review.Status.Denied {
		r.meter.Reviewed("access", "no")
		return false, nil
	}
	r.meter.Reviewed("access", "yes")
	return true, nil
}

func extraOf(reader Reader) map[string]authzv1.ExtraValue {
	if len(reader.Extra) == 0 {
		return nil
	}
	extra := make(map[string]authzv1.ExtraValue, len(reader.Extra))
	for key, values := range reader.Extra {
		extra[key] = values
	}
	return extra
}
