// Package access decides who may read the hub, and what of it.
//
// A [Gate] stands before everything that the hub serves, and looks at a request
// before anybody routes it:
//
//	request ─▶ proxy's headers, bearer token or session ─▶ tokens: TokenReview ─▶ Reader
//	Reader  ─▶ rights: SubjectAccessReview ─▶ hub.Scope
//
// Contract:
//   - Nobody passes who is not known, or who may see nothing. Open are only /healthz, /livez and /readyz,
//     which then say ok or not and nothing else, /login and /logout; and only
//     when the request's target is spelled exactly so.
//   - The API server says who a token is of and what a reader may list; a path of
//     the hub has no rights of its own. Its word counts for minutes, and longer
//     only while it cannot be asked: for a token until that ends. A "no" is never
//     outlived.
//   - What strangers send makes no load on the API server: shape, expiry and size
//     are looked at first, a "no" is kept, and reviews of tokens that are not
//     known are limited. Everything that is kept is bounded.
//   - A token is in memory only for as long as its session lives, in no log and no
//     answer, and is taken off the request before that goes on.
//   - [Open] is for a hub that asks nobody.
package access

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	authzv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubemon/kubemon/hub"
)

// A TokenReviewer asks the API server whose a token is.
type TokenReviewer interface {
	Create(ctx context.Context, review *authnv1.TokenReview, opts metav1.CreateOptions) (*authnv1.TokenReview, error)
}

// An AccessReviewer asks the API server what somebody may do.
type AccessReviewer interface {
	Create(ctx context.Context, review *authzv1.SubjectAccessReview, opts metav1.CreateOptions) (*authzv1.SubjectAccessReview, error)
}

// A Meter counts; metricsapi's does.
type Meter interface {
	// Authenticated counts a request by what came of it: ok, stale, or why not.
	Authenticated(result string)
	// Reviewed counts what the API server was asked, token or access, and the
	// result: yes, no, away, or limited when it was spared.
	Reviewed(kind, result string)
}

// A Config is what New needs. Every field but ProxySecret must be set.
type Config struct {
	Tokens TokenReviewer
	Rights AccessReviewer
	// Audience is the one that tokens made for the hub are bound to.
	Audience string
	// Namespaces are those that there are now. Only who may not list the pods of
	// all has them asked for.
	Namespaces func() []string
	// ProxySecret returns what an authenticating proxy proves itself with; nil if
	// there is none. A verified client certificate is the other proof.
	ProxySecret func() (string, error)
	Meter       Meter
	Log         *slog.Logger
}

// A Gate lets known readers pass.
type Gate struct {
	proxy    proxy
	tokens   *tokens
	rights   *rights
	sessions *sessions
	names    func() []string
	login    *loginPage
	origin   *http.CrossOriginProtection
	meter    Meter
	log      *audit
}

// New returns a Gate that knows nobody yet. It asks the API server nothing
// before somebody comes.
func New(c Config) *Gate {
	trouble := newAudit(c.Log) // apart from refusals, so that no flood of those hides it
	return &Gate{
		proxy:    proxy{secret: c.ProxySecret, log: trouble},
		tokens:   newTokens(c.Tokens, c.Audience, c.Meter, trouble),
		rights:   newRights(c.Rights, c.Meter, trouble),
		sessions: newSessions(),
		names:    c.Namespaces,
		login:    newLoginPage(c.Audience),
		origin:   http.NewCrossOriginProtection(),
		meter:    c.Meter,
		log:      newAudit(c.Log),
	}
}

// Sessions is how many readers are logged in.
func (g *Gate) Sessions() int { return g.sessions.count() }

// Scope is what the reader of a request that passed Around may see. An error
// wraps hub.ErrUnavailable: the API server cannot be asked and never said, or
// the request is an old one, such as one for events, whose reader is no longer
// known.
func (g *Gate) Scope(r *http.Request) (hub.Scope, error) {
	v, ok := r.Context().Value(visitKey{}).(visit)
	if !ok {
		return hub.Scope{}, nil // what did not pass may see nothing
	}
	if time.Since(v.began) <= longVisit {
		return v.scope, nil
	}
	again, _, err := g.admit(v.shown.WithContext(r.Context()))
	if err != nil && !errors.Is(err, hub.ErrUnavailable) {
		err = errOver
	}
	return again.scope, err
}

// ReaderOf returns the key of a request's reader, by which what one reader has of
// the hub is counted: it is the same for each of his tokens and requests, and of
// no other meaning. known is false of a request that did not pass Around.
func (g *Gate) ReaderOf(r *http.Request) (key string, known bool) {
	v, known := r.Context().Value(visitKey{}).(visit)
	return v.reader.Name, known
}

// A Reader is somebody whom the API server, or a proxy with proof, has named.
type Reader struct {
	Name, UID string
	Groups    []string
	Extra     map[string][]string
}

// longVisit is after how long a request's reader has to be known anew.
const longVisit = 10 * time.Second

// A visit is a request that passed. It is the value of its context's visitKey.
type visit struct {
	reader Reader
	scope  hub.Scope // which is not empty
	began  time.Time
	shown  *http.Request // as it came, with what it was known by
}

type visitKey struct{}
