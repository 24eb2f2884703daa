package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"
	authnv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
)

const (
	// allowTokens and denyTokens are for how long the API server's word about a
	// token counts.
	allowTokens = 2 * time.Minute
	denyTokens  = 10 * time.Second
	// opaqueOutage and longestOutage bound for how long a token is taken while
	// the API server cannot be asked: one that does not say when it ends, and
	// any.
	opaqueOutage  = time.Hour
	longestOutage = 24 * time.Hour
	// retryAfterOutage is how long an API server that did not answer is left
	// alone with what is known.
	retryAfterOutage = 30 * time.Second
	// reviewTimeout bounds one question to the API server.
	reviewTimeout = 3 * time.Second
	// clockLeeway is how far the hub's clock may be ahead of the API server's
	// before it refuses tokens on its own.
	clockLeeway = time.Minute

	// maxAllowed and maxDenied bound what is kept.
	maxAllowed = 1024
	maxDenied  = 4096
	// strangersPerSecond and strangersBurst bound how many tokens are reviewed that
	// the API server has not accepted before, each at most twice.
	strangersPerSecond = 20
	strangersBurst     = 40
)

// tokens knows whose tokens are, by asking the API server.
type tokens struct {
	reviewer TokenReviewer
	audience string
	// secret is of this process: what tokens are kept under tells nothing of them.
	secret  [sha256.Size]byte
	allowed *cache.LRUExpireCache // a known by its token's fingerprint, while it may be of use
	denied  *cache.LRUExpireCache // fingerprints
	asking  singleflight.Group
	limiter *strangers
	meter   Meter
	log     *audit
}

// A known is a token that the API server has accepted. It is not changed.
type known struct {
	reader Reader
	// fresh is until when the API server's word counts, usable until when it
	// does while the API server cannot be asked.
	fresh, usable time.Time
	// retry is when to ask again, after the API server did not answer.
	retry time.Time
}

func newTokens(reviewer TokenReviewer, audience string, meter Meter, log *audit) *tokens {
	t := &tokens{
		reviewer: reviewer, audience: audience,
		allowed: cache.NewLRUExpireCache(maxAllowed),
		denied:  cache.NewLRUExpireCache(maxDenied),
		limiter: newStrangers(),
		meter:   meter, log: log,
	}
	_, _ = rand.Read(t.secret[:]) // never returns an error
	return t
}

// reader returns whose the token is, that came from there. stale is true if that is from before an
// outage of the API server. The error is a refusal.
func (t *tokens) reader(ctx context.Context, token, from string) (reader Reader, stale bool, err error) {
	claims, err := peek(token)
	if err != nil {
		return Reader{}, false, err
	}
	now := time.Now()
	if !claims.expires.IsZero() && now.After(claims.expires.Add(clockLeeway)) {
		return Reader{}, false, errExpired
	}
	key := t.fingerprint(token)
	if _, denied := t.denied.Get(key); denied {
		return Reader{}, false, errRejected
	}
	if k, ok := t.lookup(key); ok && now.Before(later(k.fresh, k.retry)) {
		return k.reader, !now.Before(k.fresh), nil
	}
	select {
	case <-ctx.Done():
		return Reader{}, false, errAway
	case result := <-t.asking.DoChan(key, func() (any, error) {
		return t.ask(context.WithoutCancel(ctx), key, token, from, claims)
	}):
		if result.Err != nil {
			return Reader{}, false, result.Err
		}
		k := result.Val.(known)
		return k.reader, !time.Now().Before(k.fresh), nil
	}
}

// fingerprint is what a token is kept under.
func (t *tokens) fingerprint(token string) string {
	mac := hmac.New(sha256.New, t.secret[:])
	mac.Write([]byte(token))
	return string(mac.Sum(nil))
}

func (t *tokens) lookup(key string) (known, bool) {
	value, ok := t.allowed.Get(key)
	if !ok {
		return known{}, false
	}
	k, ok := value.(known)
	return k, ok
}

// ask has the token reviewed and keeps what comes of it.
func (t *tokens) ask(ctx context.Context, key, token, from string, claims claims) (known, error) {
	before, renewal := t.lookup(key)
	if !renewal && !t.limiter.admit(from) { // of renewals there are no more than tokens are kept
		t.meter.Reviewed("token", "limited")
		return known{}, errBusy
	}
	reader, err := t.review(ctx, token, claims)
	now := time.Now()
	switch {
	case err == nil:
		k := newKnown(reader, claims, now)
		t.allowed.Add(key, k, k.usable.Sub(now))
		return k, nil
	case errors.Is(err, errRejected):
		t.allowed.Remove(key)
		t.denied.Add(key, struct{}{}, denyTokens)
	case errors.Is(err, errAway) && renewal && now.Before(before.usable):
		before.retry = now.Add(retryAfterOutage)
		t.allowed.Add(key, before, before.usable.Sub(now))
		return before, nil
	}
	return known{}, err
}

func newKnown(reader Reader, claims claims, now time.Time) known {
	k := known{reader: reader, fresh: now.Add(allowTokens), usable: now.Add(longestOutage)}
	switch {
	case claims.expires.IsZero():
		k.usable = now.Add(opaqueOutage)
	case claims.expires.Before(k.usable):
		k.usable = claims.expires
	}
	if k.usable.Before(k.fresh) {
		k.fresh = k.usable
	}
	return k
}

// review asks for each audience that the token can be of, until one fits.
func (t *tokens) review(ctx context.Context, token string, claims claims) (Reader, error) {
	for _, audiences := range t.audiences(claims) {
		status, err := t.reviewFor(ctx, token, audiences)
		switch {
		case err != nil:
			t.meter.Reviewed("token", "away")
			t.log.write(ctx, slog.LevelWarn, "token not reviewed", "err", err)
			return Reader{}, refusalOf(err)
		case accepted(status, audiences):
			t.meter.Reviewed("token", "yes")
			return readerOf(status.User), nil
		}
		t.meter.Reviewed("token", "no")
	}
	return Reader{}, errRejected
}

// audiences are what to ask a token for: the hub's own, and none, which is the
// API server's. A JWT says itself if the hub's is out of the question.
func (t *tokens) audiences(c claims) [][]string {
	if !c.opaque && !c.names(t.audience) {
		return [][]string{nil}
	}
	return [][]string{{t.audience}, nil}
}

func (t *tokens) reviewFor(ctx context.Context, token string, audiences []string) (authnv1.TokenReviewStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	review := &authnv1.TokenReview{Spec: authnv1.TokenReviewSpec{Token: token, Audiences: audiences}}
	review, err := t.reviewer.Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return authnv1.TokenReviewStatus{}, fmt.Errorf("create TokenReview: %w", err)
	}
	return review.Status, nil
}

// accepted reports whether the API server took the token for what was asked. If
// an audience was asked for, the answer has to name it: an API server that knows
// no audiences answers for its own.
func accepted(status authnv1.TokenReviewStatus, audiences []string) bool {
	if !status.Authenticated || status.User.Username == "" {
		return false
	}
	return len(audiences) == 0 || slices.Contains(status.Audiences, audiences[0])
}

func readerOf(user authnv1.UserInfo) Reader {
	reader := Reader{Name: user.Username, UID: user.UID, Groups: user.Groups}
	if len(user.Extra) > 0 {
		reader.Extra = make(map[string][]string, len(user.Extra))
	}
	for key, values := range user.Extra {
		reader.Extra[key] = values
	}
	return reader
}

// refusalOf tells an API server that is away from one that will not have the
// hub ask. The latter is for people to mend: nobody passes meanwhile.
func refusalOf(err error) error {
	status, answered := errors.AsType[*apierrors.StatusError](err)
	if answered && status.Status().Code < http.StatusInternalServerError && status.Status().Code != http.StatusTooManyRequests {
		return errUnasked
	}
	return errAway
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
