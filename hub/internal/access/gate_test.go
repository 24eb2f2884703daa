package access

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
)

// A house is a Gate with an API server before it, and behind it somebody who
// says whom he sees.
type house struct {
	*Gate
	api     *api
	counts  *tally
	handler http.Handler
	log     *bytes.Buffer
	mu      sync.Mutex
	inside  []*http.Request // those that passed
}

const proxySecret = "a secret of twenty or more bytes"

func newHouse() *house {
	h := &house{api: newAPI(), counts: newTally(), log: new(bytes.Buffer)}
	h.api.may, h.api.admins = may("nodes", "pods"), may("eve")
	h.Gate = New(Config{
		Tokens: tokenAPI{h.api}, Rights: accessAPI{h.api}, Audience: hubAudience,
		Namespaces:  func() []string { return []string{"bank", "shop"} },
		ProxySecret: func() (string, error) { return proxySecret, nil },
		Meter:       h.counts,
		Log:         slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	h.handler = h.Around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.inside = append(h.inside, r)
		h.mu.Unlock()
		if r.URL.Path == "/readyz" {
			w.Header().Set("X-Fact", "a fact")
			http.Error(w, "a fact", http.StatusServiceUnavailable)
			return
		}
		reader, _ := h.ReaderOf(r)
		fmt.Fprintf(w, "for %s", reader)
	}))
	return h
}

// ask sends a request with those headers, by name and value.
func (h *house) ask(r *http.Request, headers ...string) *httptest.ResponseRecorder {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	return w
}

func (h *house) get(target string, headers ...string) *httptest.ResponseRecorder {
	return h.ask(httptest.NewRequest(http.MethodGet, target, nil), headers...)
}

func TestWhoPasses(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	secret := []string{secretHeader, proxySecret}
	tests := []struct {
		name    string
		headers []string
		status  int
		reader  string
		result  string
	}{
		{"nobody", nil, 401, "", "none"},
		{"a token", []string{"Authorization", "Bearer " + token}, 200, "ann", "ok"},
		{"a foreign token", []string{"Authorization", "Bearer other"}, 401, "", "rejected"},
		{"an expired token", []string{"Authorization", "Bearer " + jwt(t, map[string]any{"exp": 5})}, 401, "", "expired"},
		{"basic", []string{"Authorization", "Basic YTpi"}, 401, "", "malformed"},
		{"two tokens", []string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, 401, "", "malformed"},
		{"a cookie of no session", []string{"Cookie", "kubemon=" + strings.Repeat("A", 43)}, 401, "", "session"},
		{"a cookie of another form", []string{"Cookie", "kubemon=x"}, 401, "", "none"},
		{"names without proof", []string{userHeader, "root"}, 401, "", "none"},
		{"names with a wrong proof", []string{userHeader, "root", secretHeader, "a guess of twenty or more bytes!"}, 401, "", "none"},
		{"names with two proofs", []string{userHeader, "root", secretHeader, "x", secretHeader, proxySecret}, 401, "", "none"},
		{"names from loopback", []string{userHeader, "root", "X-Forwarded-For", "127.0.0.1"}, 401, "", "none"},
		{"names with proof", append([]string{userHeader, "eve", groupHeader, "dev"}, secret...), 200, "eve", "ok"},
		{"names before a token", append([]string{userHeader, "eve", "Authorization", "Bearer other"}, secret...), 200, "eve", "ok"},
		{"two names", append([]string{userHeader, "eve", userHeader, "root"}, secret...), 401, "", "malformed"},
		{"no name", append([]string{userHeader, ""}, secret...), 401, "", "malformed"},
		{"proof without names", secret, 401, "", "none"},
		{"names of a token without proof", []string{userHeader, "root", groupHeader, "system:masters", "Authorization", "Bearer " + token}, 200, "ann", "ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := h.counts.count("auth " + tt.result)
			w := h.get("/api/v1/pods", tt.headers...)
			if w.Code != tt.status || tt.reader != "" && w.Body.String() != "for "+tt.reader {
				t.Errorf("status %d: %s; want %d for %q", w.Code, w.Body, tt.status, tt.reader)
			}
			if h.counts.count("auth "+tt.result) != before+1 {
				t.Errorf("not counted as %q: %v", tt.result, h.counts.counts)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (challenge != "") != (w.Code == 401) || w.Code == 401 && !strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("status %d with WWW-Authenticate %q", w.Code, challenge)
			}
			if w.Code == 401 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("refused with %q", w.Header().Get("Content-Type"))
			}
		})
	}
	for _, r := range h.inside {
		for name := range r.Header {
			if isCredential(name) {
				t.Errorf("%s went on with the request", name)
			}
		}
	}
}

// TestNothingSecretIsLogged looks for what was shown in the log and in the
// answers.
func TestNothingSecretIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		good := h.api.hubToken(t, time.Hour)
		secrets := []string{good, "opaque-stranger", jwt(t, map[string]any{"exp": 1}), "two words", proxySecret + "x"}
		for _, err := range []error{nil, statusError(500), forbiddenError()} {
			h.api.set(func() { h.api.err = err })
			for _, secret := range secrets {
				h.showEverywhere(t, secret)
			}
		}
		for _, secret := range secrets {
			for part := range strings.SplitSeq(secret, ".") {
				if strings.Contains(h.log.String(), part) {
					t.Errorf("the log has %q", part)
				}
			}
		}
		for _, want := range []string{"reader refused", "reason=rejected", "reason=malformed", "reason=session", "remote=192.0.2.1", "token not reviewed"} {
			if !strings.Contains(h.log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, h.log)
			}
		}
		if strings.Contains(h.log.String(), "unsaid") {
			t.Error("the log left something out, which was not looked at")
		}
	})
}

// showEverywhere sends a secret in every place where one can be, slowly enough
// for the log to take all of it, and looks for it in the answers.
func (h *house) showEverywhere(t *testing.T, secret string) {
	for _, show := range []func() *httptest.ResponseRecorder{
		func() *httptest.ResponseRecorder { return h.get("/?token=" + url.QueryEscape(secret)) },
		func() *httptest.ResponseRecorder { return h.get("/", "Authorization", "Bearer "+secret) },
		func() *httptest.ResponseRecorder { return h.get("/", "Authorization", secret) },
		func() *httptest.ResponseRecorder { return h.get("/", "Cookie", "kubemon="+secret) },
		func() *httptest.ResponseRecorder {
			return h.get("/", "Cookie", "kubemon="+strings.Repeat("B", 42)+"A")
		},
		func() *httptest.ResponseRecorder { return h.get("/", userHeader, "root", secretHeader, secret) },
		func() *httptest.ResponseRecorder { return h.logInWith(secret) },
	} {
		if w := show(); strings.Contains(w.Body.String(), secret) {
			t.Errorf("an answer has the token: %s", w.Body)
		}
		time.Sleep(2 * time.Second)
	}
}

func TestAFloodDoesNotFillTheLog(t *testing.T) {
	h := newHouse()
	for range 1000 {
		h.get("/", "Authorization", "Basic x")
	}
	if lines := strings.Count(h.log.String(), "\n"); lines < logsBurst || lines > logsBurst+5 {
		t.Errorf("%d lines of a thousand refusals, want %d", lines, logsBurst)
	}
}

func TestHealthHasNoFactsForStrangers(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	tests := []struct {
		path    string
		headers []string
		status  int
		body    string
	}{
		{"/healthz", nil, 200, "ok\n"}, {"/livez", nil, 200, "ok\n"},
		{"/readyz", nil, 503, "not ready\n"}, {"/readyz?verbose", nil, 503, "not ready\n"},
		{"/readyz", []string{"Authorization", "Bearer other"}, 503, "not ready\n"},
		{"/readyz", []string{"Authorization", "Bearer " + token}, 503, "a fact\n"},
	}
	for _, tt := range tests {
		w := h.get(tt.path, tt.headers...)
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("GET %s: %d %q, want %d %q", tt.path, w.Code, w.Body, tt.status, tt.body)
		}
		if tt.body == "not ready\n" && w.Header().Get("X-Fact") != "" {
			t.Errorf("GET %s: a stranger gets %v", tt.path, w.Header())
		}
	}
}

// TestHealthHasNoFactsForReadersWithoutNodes wants the cluster's troubles kept
// from who may list some pods.
func TestHealthHasNoFactsForReadersWithoutNodes(t *testing.T) {
	h := newHouse()
	h.api.may = may("pods shop")
	w := h.get("/readyz", "Authorization", "Bearer "+h.api.hubToken(t, time.Hour))
	if w.Code != 503 || w.Body.String() != "not ready\n" {
		t.Errorf("GET /readyz: %d %q", w.Code, w.Body)
	}
}

// TestWhoMaySeeNothing has a reader come who is known, and has no right.
func TestWhoMaySeeNothing(t *testing.T) {
	h := newHouse()
	h.api.may = may("pods gone")
	token := h.api.hubToken(t, time.Hour)
	for _, path := range []string{"/", "/assets/app.js", "/api/v1/pods", "/api/v1/cluster", "/api/v1/events", "/api/v1/openapi.json", "/nothing", "/metrics"} {
		w := h.get(path, "Authorization", "Bearer "+token)
		if w.Code != http.StatusForbidden || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), "ann may list neither nodes nor the pods of any namespace") {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
	if len(h.inside) != 0 || h.counts.count("auth rightless") != 8 {
		t.Errorf("%d requests got inside, counted %v", len(h.inside), h.counts.counts)
	}
	if w := h.get("/readyz", "Authorization", "Bearer "+token); w.Body.String() != "not ready\n" {
		t.Errorf("GET /readyz: %q", w.Body)
	}
	if w := h.logInWith(token); w.Code != http.StatusForbidden || h.Sessions() != 0 || !strings.Contains(w.Body.String(), "ann may list neither") {
		t.Errorf("login: %d with %d sessions: %s", w.Code, h.Sessions(), w.Body)
	}
}

// TestWhoMaySeeNothingAnyMore takes the rights from who is logged in: he is led
// to the login page, which tells him, and may log out.
func TestWhoMaySeeNothingAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		c := cookie(t, h.logInWith(h.api.hubToken(t, time.Hour)))
		session := []string{"Cookie", "kubemon=" + c.Value, "Accept", "text/html"}
		h.api.set(func() { h.api.may = may() })
		time.Sleep(allowRights)
		if w := h.get("/nodes", session...); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "login?next=%2Fnodes" {
			t.Errorf("GET /nodes: %d to %q", w.Code, w.Header().Get("Location"))
		}
		if w := h.get("/login?next=%2Fnodes", session...); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "ann may list neither") || !strings.Contains(w.Body.String(), "<form") {
			t.Errorf("GET /login: %d %s", w.Code, w.Body)
		}
		if w := h.ask(httptest.NewRequest(http.MethodPost, "/logout", nil), session...); w.Code != http.StatusSeeOther || h.Sessions() != 0 {
			t.Errorf("POST /logout: %d with %d sessions", w.Code, h.Sessions())
		}
	})
}

// TestALongVisitEndsWithItsRights has events go on after the reader's rights are
// taken away.
func TestALongVisitEndsWithItsRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.get("/api/v1/events", "Authorization", "Bearer "+h.api.hubToken(t, time.Hour))
		h.api.set(func() { h.api.may = may() })
		time.Sleep(allowRights)
		if scope, err := h.Scope(h.inside[0]); !errors.Is(err, hub.ErrUnavailable) || scope.Nodes {
			t.Errorf("scope of a long request without rights: %+v, %v", scope, err)
		}
	})
}

func TestEveryAnswerIsProtected(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	open, err := NewOpen("127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewRecorder()
	open.Around(h.handler).ServeHTTP(elsewhere, httptest.NewRequest(http.MethodGet, "http://elsewhere/", nil))
	for name, w := range map[string]*httptest.ResponseRecorder{
		"401": h.get("/"), "303": h.get("/", "Accept", "text/html"), "200": h.get("/", "Authorization", "Bearer "+token),
		"health": h.get("/readyz"), "login": h.get("/login"), "no login": h.logInWith("x"), "no logout": h.ask(httptest.NewRequest(http.MethodPost, "/logout", nil), "Sec-Fetch-Site", "cross-site"),
		"elsewhere": elsewhere,
	} {
		for header, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "",
		} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy = %q", name, policy)
		}
	}
}

func TestScopeOfARequest(t *testing.T) {
	h := newHouse()
	token := h.api.hubToken(t, time.Hour)
	h.api.may = may("pods shop")
	h.get("/", "Authorization", "Bearer "+token)
	scope, err := h.Scope(h.inside[0])
	if diff := cmp.Diff(hub.Scope{Namespaces: []string{"shop"}}, scope); err != nil || diff != "" {
		t.Errorf("scope: %v (-want +got):\n%s", err, diff)
	}
	scope, err = h.Scope(httptest.NewRequest(http.MethodGet, "/", nil))
	if diff := cmp.Diff(hub.Scope{}, scope); err != nil || diff != "" {
		t.Errorf("scope of what did not pass: %v (-want +got):\n%s", err, diff)
	}
}

func TestReaderOfARequest(t *testing.T) {
	h := newHouse()
	h.api.may = may("pods")
	h.get("/", "Authorization", "Bearer "+h.api.hubToken(t, time.Hour))
	h.get("/", "Authorization", "Bearer "+h.api.hubToken(t, 2*time.Hour))
	for _, r := range h.inside {
		if key, known := h.ReaderOf(r); key != "ann" || !known {
			t.Errorf("reader of a request: %q, %t", key, known)
		}
	}
	if key, known := h.ReaderOf(httptest.NewRequest(http.MethodGet, "/", nil)); key != "" || known || len(h.inside) != 2 {
		t.Errorf("reader of what did not pass: %q, %t, after %d", key, known, len(h.inside))
	}
}

// TestALongVisitEnds has a request go on after its reader has logged out, as one
// for events does.
func TestALongVisitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.api.may = may("nodes", "pods")
		c := cookie(t, h.logInWith(h.api.hubToken(t, time.Hour)))
		h.get("/api/v1/events", "Cookie", "kubemon="+c.Value)
		events := h.inside[0]
		time.Sleep(time.Minute)
		if scope, err := h.Scope(events); err != nil || !scope.IsEverything() {
			t.Errorf("scope of a long request: %+v, %v", scope, err)
		}
		h.ask(httptest.NewRequest(http.MethodPost, "/logout", nil), "Cookie", "kubemon="+c.Value)
		if scope, err := h.Scope(events); !errors.Is(err, hub.ErrUnavailable) || scope.Nodes {
			t.Errorf("scope of a long request after the logout: %+v, %v", scope, err)
		}
	})
}

func TestNeedNodes(t *testing.T) {
	tests := []struct {
		scope  hub.Scope
		err    error
		status int
	}{
		{hub.Scope{Nodes: true}, nil, 200}, {hub.Scope{AllNamespaces: true}, nil, 403}, {hub.Scope{}, errAway, 503}, {hub.Everything(), errUnasked, 503},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		NeedNodes(func(*http.Request) (hub.Scope, error) { return tt.scope, tt.err }, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if w.Code != tt.status || (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%+v, %v: status %d, %v; want %d", tt.scope, tt.err, w.Code, w.Header(), tt.status)
		}
	}
}
