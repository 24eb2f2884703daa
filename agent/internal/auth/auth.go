// Package auth decides who may ask an agent: whoever sends a service account
// token that the cluster has issued for the agent's audience, of a subject on
// the agent's list.
//
//	Authorization: Bearer TOKEN
//
// A [Guard] stands before everything else, also before it is known whether a
// path exists. One path is open to everybody. Who is not known gets 401, a known
// one who is not on the list 403, and everybody 503 while the agent has not
// got the cluster's keys yet. Tokens are checked by a [Verifier], which asks
// nobody about any of them, only for the cluster's keys now and then. Whom a
// token is of is judged after its signature, so that nobody learns who is on the
// list.
//
// Nothing of a token gets into an answer or the log. Verified tokens are not
// remembered: checking one costs a hub, which asks each ten seconds, next to nothing.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubemon/kubemon/agent/internal/problem"
	"github.com/kubemon/kubemon/shared/identity"
)

// A Verifier checks tokens, as identity.Verifier does.
type Verifier interface {
	Verify(ctx context.Context, token, audience string) (identity.Claims, error)
}

// Config is what a [Guard] needs.
type Config struct {
	Log      *slog.Logger
	Verifier Verifier
	Audience string   // that tokens must be for
	Subjects []string // that may ask: system:serviceaccount:NAMESPACE:NAME
	Open     string   // the path for which no token is needed
	// Known is told the context of each request whose sender may ask, before it
	// is answered.
	Known func(context.Context)
}

// A Guard is the handler before an agent's handler.
type Guard struct {
	c      Config
	next   http.Handler
	counts [len(results)]atomic.Uint64 // by the index of the result

	mu   sync.Mutex               // held to look at, or change, said
	said [len(results)]saidResult // what the log has said
}

// New returns a guard before next.
func New(next http.Handler, c Config) *Guard { return &Guard{c: c, next: next} }

// errSubject and errNoToken are beside what identity says of tokens.
var (
	errNoToken = errors.New("there is no token")
	errSubject = errors.New("this service account is not among those that may ask (--auth-subjects)")
)

// A result is what is said of a request's sender; nil says that he may ask.
type result struct {
	err  error
	name string
}

var results = [...]result{
	{nil, "ok"},
	{errNoToken, "no_token"},
	{identity.ErrMalformed, "malformed"},
	{identity.ErrIssuer, "issuer"},
	{identity.ErrAudience, "audience"},
	{identity.ErrExpired, "expired"},
	{identity.ErrNotYet, "not_yet"},
	{identity.ErrUnknownKey, "unknown_key"},
	{identity.ErrSignature, "signature"},
	{identity.ErrKeysUnavailable, "keys_unavailable"},
	{errSubject, "subject"},
}

// Results counts the requests for which a token was needed, by what was said of
// their senders.
func (g *Guard) Results() map[string]uint64 {
	counts := make(map[string]uint64, len(results))
	for i, r := range results {
		counts[r.name] = g.counts[i].Load()
	}
	return counts
}

func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == g.c.Open {
		g.next.ServeHTTP(w, r)
		return
	}
	err := g.check(r)
	g.count(err, r.RemoteAddr)
	if err != nil {
		g.refuse(w, err)
		return
	}
	g.c.Known(r.Context())
	g.next.ServeHTTP(w, r)
}

// check returns nil for who may ask, and else one of the results' errors.
func (g *Guard) check(r *http.Request) error {
	token, err := bearer(r.Header)
	if err != nil {
		return err
	}
	claims, err := g.c.Verifier.Verify(r.Context(), token, g.c.Audience)
	if err != nil {
		return err
	}
	if !slices.Contains(g.c.Subjects, claims.Subject) {
		return errSubject
	}
	return nil
}

// bearer returns the token of the request, see RFC 6750, section 2.1. Its other
// two places for tokens, body and query, end up in logs.
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) == 0 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", identity.ErrMalformed
	}
	return strings.TrimLeft(token, " "), nil
}

func (g *Guard) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, errSubject):
		problem.Write(w, http.StatusForbidden, err.Error())
	case errors.Is(err, identity.ErrKeysUnavailable):
		w.Header().Set("Retry-After", "10")
		problem.Write(w, http.StatusServiceUnavailable, err.Error())
	case errors.Is(err, errNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="kubemon-agent"`)
		problem.Write(w, http.StatusUnauthorized, "send a service account token for the audience "+g.c.Audience+" as Authorization: Bearer TOKEN")
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="kubemon-agent", error="invalid_token"`)
		problem.Write(w, http.StatusUnauthorized, err.Error()+"; wanted is one for the audience "+g.c.Audience)
	}
}

// sayAgain is for how long the log says no more of requests of one result.
const sayAgain = time.Minute

// saidResult is what the log has said of a result, and what it has not.
type saidResult struct {
	at    time.Time
	since uint64 // refused after that
}

// count counts a request, and says in the log that it is refused, if that was
// not said of others a moment ago. It names no path: there may be a token in it.
func (g *Guard) count(err error, peer string) {
	i := slices.IndexFunc(results[:], func(r result) bool { return errors.Is(err, r.err) })
	if i < 0 {
		g.c.Log.Error("a token is refused for no known reason")
		return
	}
	g.counts[i].Add(1)
	if err == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	said := &g.said[i]
	if !said.at.IsZero() && time.Since(said.at) < sayAgain {
		said.since++
		return
	}
	g.c.Log.Warn("request refused", "reason", results[i].err, "peer", peer, "alike", said.since)
	*said = saidResult{at: time.Now()}
}
