package access

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	authzv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"

	"github.com/kubemon/kubemon/hub"
)

const (
	// allowRights and denyRights are for how long the API server's word about a
	// right counts.
	allowRights = 5 * time.Minute
	denyRights  = 30 * time.Second
	// maxReaders bounds of how many readers rights are kept, maxQuestions how
	// many are asked for one reader at once.
	maxReaders   = 256
	maxQuestions = 8
)

// rights knows what readers may list, by asking the API server.
type rights struct {
	reviewer AccessReviewer
	mu       sync.Mutex            // readers: what is missing is made once
	readers  *cache.LRUExpireCache // a *verdicts by its reader's fingerprint
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

// fresh reports whether the verdict counts.
func (v verdict) fresh(now time.Time) bool {
	if v.allowed {
		return now.Sub(v.at) < allowRights
	}
	return now.Sub(v.at) < denyRights
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
	return &rights{reviewer: reviewer, readers: cache.NewLRUExpireCache(maxReaders), meter: meter, log: log}
}

// scope is what the reader may see, with which namespaces there are. It asks
// for each namespace only if the reader may not list the pods of all.
func (r *rights) scope(ctx context.Context, reader Reader, namespaces []string) (hub.Scope, error) {
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
	questions := make([]question, len(namespaces))
	for i, namespace := range namespaces {
		questions[i] = question{"pods", namespace}
	}
	if err := r.settle(ctx, v, reader, questions); err != nil {
		return hub.Scope{}, err
	}
	v.forget(questions)
	for _, q := range questions {
		if v.given[q].allowed {
			scope.Namespaces = append(scope.Namespaces, q.namespace)
		}
	}
	slices.Sort(scope.Namespaces)
	return scope, nil
}

// verdictsOf returns what is known of a reader's rights.
func (r *rights) verdictsOf(reader Reader) *verdicts {
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
// API server cannot be asked, that is an earlier one.
func (r *rights) settle(ctx context.Context, v *verdicts, reader Reader, questions []question) error {
	now := time.Now()
	due := v.due(questions, now)
	if len(due) == 0 {
		return nil
	}
	if !now.Before(v.retry) {
		err := r.ask(context.WithoutCancel(ctx), v, reader, due)
		if err == nil || !errors.Is(err, errAway) {
			return err
		}
		v.retry = time.Now().Add(retryAfterOutage)
	}
	for _, q := range due {
		if given, ok := v.given[q]; !ok || !given.usable(now) {
			return errAway
		}
	}
	r.meter.Reviewed("access", "stale")
	return nil
}

// due are the questions without a verdict that is fresh.
func (v *verdicts) due(questions []question, now time.Time) []question {
	var due []question
	for _, q := range questions {
		if given, ok := v.given[q]; !ok || !given.fresh(now) {
			due = append(due, q)
		}
	}
	return due
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
// first that it does not answer. What it did answer is kept.
func (r *rights) ask(ctx context.Context, v *verdicts, reader Reader, questions []question) error {
	answers := make([]*verdict, len(questions))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxQuestions)
	for i, q := range questions {
		if ctx.Err() != nil {
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
	return nil
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
