package access

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// Around returns next for readers who are known. What is open is answered for
// everybody.
func (g *Gate) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch path := target(r); {
		case path == "/login" && reads:
			g.showLogin(w, r)
		case path == "/login" && r.Method == http.MethodPost:
			g.logIn(w, r)
		case path == "/logout" && r.Method == http.MethodPost:
			g.logOut(w, r)
		case isHealth(path) && reads:
			g.health(w, r, next)
		default:
			g.pass(w, r, next)
		}
	})
}

// target is the path that a request asks for as the client spelled it. It is
// empty for what is no plain path: then nothing open is meant.
func target(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path != r.URL.Path {
		return ""
	}
	return path
}

func isHealth(path string) bool {
	return path == "/healthz" || path == "/livez" || path == "/readyz"
}

// pass lets a known reader through and answers everybody else.
func (g *Gate) pass(w http.ResponseWriter, r *http.Request, next http.Handler) {
	v, stale, err := g.admit(r)
	switch {
	case err != nil:
		g.refuse(w, r, err)
		return
	case stale:
		g.meter.Authenticated("stale")
	default:
		g.meter.Authenticated("ok")
	}
	next.ServeHTTP(w, v.request())
}

// admit returns the visit of a request whose reader may see something. The error
// is a refusal.
func (g *Gate) admit(r *http.Request) (v visit, stale bool, err error) {
	reader, stale, err := g.identify(r)
	if err != nil {
		return visit{}, false, err
	}
	scope, err := g.scopeOf(r.Context(), reader)
	return visit{reader, scope, time.Now(), r}, stale, err
}

// scopeOf is what a reader may see. Who may see nothing is refused.
func (g *Gate) scopeOf(ctx context.Context, reader Reader) (hub.Scope, error) {
	scope, err := g.rights.scope(ctx, reader, g.names)
	if err == nil && !scope.Nodes && !scope.AllNamespaces && len(scope.Namespaces) == 0 {
		err = withoutRights(reader)
	}
	return scope, err
}

// health answers who may list nodes in full, as the cluster's troubles are for
// him, and everybody else with whether all is well.
func (g *Gate) health(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if v, _, err := g.admit(r); err == nil && v.scope.Nodes {
		next.ServeHTTP(w, v.request())
		return
	}
	q := quiet{header: make(http.Header), status: http.StatusOK}
	next.ServeHTTP(&q, withoutCredentials(r))
	text := "ok\n"
	if q.status != http.StatusOK {
		text = "not ready\n"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(q.status)
	_, _ = w.Write([]byte(text)) // a client that left needs no answer
}

// A quiet takes an answer and keeps only its status.
type quiet struct {
	header http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }
func (q *quiet) WriteHeader(status int)      { q.status = status }

// identify returns who asks. A proxy that proves itself is believed before what
// it passes on, and a token before a cookie. The error is a refusal.
func (g *Gate) identify(r *http.Request) (reader Reader, stale bool, err error) {
	if reader, named, err := g.proxy.reader(r); named {
		return reader, false, err
	}
	token, given, err := bearer(r.Header.Values("Authorization"))
	if err != nil {
		return Reader{}, false, err
	}
	if given {
		return g.tokens.reader(r.Context(), token, r.RemoteAddr)
	}
	return g.bySession(r)
}

// bySession returns who has logged in, whose token is as good as it ever is.
func (g *Gate) bySession(r *http.Request) (reader Reader, stale bool, err error) {
	token, named := g.sessions.token(r)
	if !named {
		return Reader{}, false, errNobody
	}
	if token == "" {
		return Reader{}, false, errSession
	}
	reader, stale, err = g.tokens.reader(r.Context(), token, r.RemoteAddr)
	if errors.Is(err, errRejected) || errors.Is(err, errExpired) {
		g.sessions.end(r)
		return Reader{}, false, errSession
	}
	return reader, stale, err
}

// refuse answers who may not pass: a browser with the way to the login page, or
// with that page itself if nobody can be let in just now, and any other client
// with what is wrong.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused := g.account(r, err)
	to, ok := wayFrom(r)
	switch {
	case !ok || !wantsPage(r):
		refused.write(w, r)
	case refused.status == http.StatusUnauthorized || refused.result == rightless:
		lead(w, to.login())
	case refused.status == http.StatusServiceUnavailable:
		g.login.writeLater(w, refused, to)
	default:
		refused.write(w, r)
	}
}

// account counts a refusal and logs it, if something was shown that is no good.
func (g *Gate) account(r *http.Request, err error) *refusal {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = errAway // every error here is a refusal
	}
	g.meter.Authenticated(refused.result)
	if refused != errNobody {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		g.log.write(r.Context(), slog.LevelInfo, "reader refused", "reason", refused.result, "remote", host)
	}
	return refused
}

// request is that of the visit, without what its reader was known by.
func (v visit) request() *http.Request {
	return withoutCredentials(v.shown.WithContext(context.WithValue(v.shown.Context(), visitKey{}, v)))
}

// withoutCredentials is a request without credentials: what is behind cannot give away
// what it does not have.
func withoutCredentials(r *http.Request) *http.Request {
	stripped := r.WithContext(r.Context())
	stripped.Header = make(http.Header, len(r.Header))
	for name, values := range r.Header {
		if !isCredential(name) {
			stripped.Header[name] = values
		}
	}
	return stripped
}

// NeedNodes returns next for readers who may list nodes, by their scope.
func NeedNodes(scope func(*http.Request) (hub.Scope, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := scope(r)
		switch {
		case err != nil:
			refused, ok := errors.AsType[*refusal](err)
			if !ok {
				refused = errAway
			}
			refused.write(w, r)
		case !s.Nodes:
			forbidden("this is for who may list the nodes of the cluster").write(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
