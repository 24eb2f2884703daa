package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	hubAudience = "kubemon-hub"
	apiAudience = "https://kubernetes.default.svc"
)

// An api answers reviews as an API server does that knows some tokens.
type api struct {
	mu sync.Mutex
	// audiences are those that a token is good for, user whose every token is.
	audiences map[string][]string
	user      authnv1.UserInfo
	// unaware is an API server that knows no audiences.
	unaware bool
	// may are what the user may list: "nodes", "pods", "pods shop".
	may map[string]bool
	// admins are those who may list everything.
	admins map[string]bool
	// err is the answer to every review, after delay.
	err   error
	delay time.Duration

	tokenReviews, accessReviews int
	asked                       []authnv1.TokenReviewSpec
	rights                      []authzv1.SubjectAccessReviewSpec
	underWay, most              int // of reviews of access
}

func newAPI() *api {
	return &api{
		audiences: map[string][]string{},
		user:      authnv1.UserInfo{Username: "ann", UID: "7", Groups: []string{"dev"}, Extra: map[string]authnv1.ExtraValue{"scope": {"a"}}},
		may:       map[string]bool{},
	}
}

// set changes the API server under its lock.
func (a *api) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *api) counts() (tokens, access int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tokenReviews, a.accessReviews
}

func (a *api) wait(ctx context.Context) error {
	a.mu.Lock()
	delay, err := a.delay, a.err
	a.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return err
	}
}

// A tokenAPI is the api as a TokenReviewer, an accessAPI as an AccessReviewer.
type (
	tokenAPI  struct{ *api }
	accessAPI struct{ *api }
)

func (a tokenAPI) Create(ctx context.Context, review *authnv1.TokenReview, _ metav1.CreateOptions) (*authnv1.TokenReview, error) {
	a.set(func() { a.tokenReviews++; a.asked = append(a.asked, review.Spec) })
	if err := a.wait(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := review.Spec.Audiences
	if len(wanted) == 0 || a.unaware {
		wanted = []string{apiAudience}
	}
	for _, audience := range a.audiences[review.Spec.Token] {
		if slices.Contains(wanted, audience) {
			review.Status = authnv1.TokenReviewStatus{Authenticated: true, User: a.user, Audiences: []string{audience}}
			if a.unaware {
				review.Status.Audiences = nil
			}
			return review, nil
		}
	}
	review.Status.Error = "invalid bearer token"
	return review, nil
}

func (a accessAPI) Create(ctx context.Context, review *authzv1.SubjectAccessReview, _ metav1.CreateOptions) (*authzv1.SubjectAccessReview, error) {
	a.set(func() {
		a.accessReviews++
		a.rights = append(a.rights, review.Spec)
		a.underWay++
		a.most = max(a.most, a.underWay)
	})
	defer a.set(func() { a.underWay-- })
	if err := a.wait(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	right := review.Spec.ResourceAttributes.Resource
	if namespace := review.Spec.ResourceAttributes.Namespace; namespace != "" {
		right += " " + namespace
	}
	review.Status.Allowed = a.may[right] && review.Spec.User == a.user.Username || a.admins[review.Spec.User]
	return review, nil
}

// Errors of an API server.
func statusError(code int32) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Message: http.StatusText(int(code))}}
}

func forbiddenError() error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "authentication.k8s.io", Resource: "tokenreviews"}, "", nil)
}

// A tally counts what a Gate says of itself.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (c *tally) Authenticated(result string)  { c.add("auth " + result) }
func (c *tally) Reviewed(kind, result string) { c.add(kind + " " + result) }

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what]++
}

func (c *tally) count(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[what]
}

// jwt makes a token with those claims, as an API server would that signs badly.
func jwt(t testing.TB, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return part(map[string]string{"alg": "RS256", "kid": "k"}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("signature"))
}

// hubToken makes a JWT for the hub that the API server knows.
func (a *api) hubToken(t testing.TB, life time.Duration) string {
	t.Helper()
	token := jwt(t, map[string]any{"aud": []string{hubAudience}, "exp": time.Now().Add(life).Unix(), "sub": "system:serviceaccount:x:y"})
	a.set(func() { a.audiences[token] = []string{hubAudience} })
	return token
}

func testTokens(a *api) (*tokens, *tally) {
	counts := newTally()
	return newTokens(tokenAPI{a}, hubAudience, counts, newAudit(slog.New(slog.DiscardHandler))), counts
}

func testRights(a *api) (*rights, *tally) {
	counts := newTally()
	return newRights(accessAPI{a}, counts, newAudit(slog.New(slog.DiscardHandler))), counts
}
