package auth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/identity"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

const audience = "kubemon-agent"

var hub = identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-hub", Pod: "hub", PodUID: "1", Node: "node1"}

// next is the agent behind the guard.
var next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "secret of "+r.URL.Path)
})

func newGuard(log *slog.Logger, issuer *identitytest.Issuer) *Guard {
	return New(next, Config{
		Log:      log,
		Verifier: identity.NewVerifier(identity.Config{Issuer: identitytest.URL, Fetch: issuer.Fetch, Log: log}),
		Audience: audience, Subjects: []string{"system:serviceaccount:kubemon:kubemon-hub", "system:serviceaccount:kubemon:kubemon-viewer"},
		Open: "/healthz", Known: func(context.Context) {},
	})
}

func ask(h http.Handler, method, target string, authorization ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "/", nil)
	request.URL.Path = target
	request.Header["Authorization"] = authorization
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

func TestWhoMayAsk(t *testing.T) {
	issuer, elsewhere := identitytest.New(t), identitytest.New(t)
	elsewhere.Rotate() // to a key that has another name, too
	claims := identitytest.Claims(hub, audience, time.Hour)
	delete(claims, "sub")
	viewer, stranger := hub, hub
	viewer.ServiceAccount, stranger.ServiceAccount = "kubemon-viewer", "default"
	good := issuer.Token(hub, audience, time.Hour)
	tests := []struct {
		name          string
		authorization []string
		status        int
		result        string
	}{
		{"hub", []string{"Bearer " + good}, 200, "ok"},
		{"viewer", []string{"bearer  " + issuer.Token(viewer, audience, time.Hour)}, 200, "ok"},
		{"nobody", nil, 401, "no_token"},
		{"nothing", []string{""}, 401, "malformed"},
		{"no token", []string{"Bearer"}, 401, "malformed"},
		{"password", []string{"Basic aHViOmh1Yg=="}, 401, "malformed"},
		{"token alone", []string{good}, 401, "malformed"},
		{"two tokens", []string{"Bearer " + good, "Bearer " + good}, 401, "malformed"},
		{"more behind it", []string{"Bearer " + good + " x"}, 401, "malformed"},
		{"for the API server", []string{"Bearer " + issuer.Token(hub, "https://kubernetes.default.svc", time.Hour)}, 401, "audience"},
		{"expired", []string{"Bearer " + issuer.Token(hub, audience, -time.Hour)}, 401, "expired"},
		{"another cluster's", []string{"Bearer " + elsewhere.Token(hub, audience, time.Hour)}, 401, "unknown_key"},
		{"another cluster's of the same key name", []string{"Bearer " + identitytest.New(t).Token(hub, audience, time.Hour)}, 401, "signature"},
		{"another account", []string{"Bearer " + issuer.Token(stranger, audience, time.Hour)}, 403, "subject"},
		{"no account", []string{"Bearer " + issuer.Sign(claims)}, 403, "subject"},
		{"another account's of another cluster", []string{"Bearer " + identitytest.New(t).Token(stranger, audience, time.Hour)}, 401, "signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			guard := newGuard(slog.New(slog.DiscardHandler), issuer)
			response := ask(guard, "GET", "/snapshot", tt.authorization...)
			if response.Code != tt.status || guard.Results()[tt.result] != 1 {
				t.Fatalf("status %d, results %v; want %d, %s: %s", response.Code, guard.Results(), tt.status, tt.result, response.Body)
			}
			if tt.status == 200 {
				return
			}
			header := response.Header()
			if header.Get("Content-Type") != "application/problem+json" || !json.Valid(response.Body.Bytes()) || strings.Contains(response.Body.String(), "secret") {
				t.Errorf("answer is %v %s", header, response.Body)
			}
			if challenge := header.Get("WWW-Authenticate"); (tt.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
		})
	}
}

// TestNothingIsOpenButHealth asks for everything in every way without a token,
// with tricks that a router may undo.
func TestNothingIsOpenButHealth(t *testing.T) {
	guard := newGuard(slog.New(slog.DiscardHandler), identitytest.New(t))
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "CONNECT", "TRACE", "X"} {
		for _, path := range []string{
			"/", "", "*", "/snapshot", "/snapshots", "/metrics", "/nothing", "//healthz", "/healthz/", "/healthz/..", "/healthz/../snapshot",
			"/healthz//../snapshot", "/./healthz", "/HEALTHZ", "/healthz\x00", "/healthz%00", "/healthz;/snapshot", "/healthz?/snapshot", "healthz",
		} {
			if response := ask(guard, method, path); response.Code != 401 || strings.Contains(response.Body.String(), "secret") {
				t.Errorf("%s %q without a token: %d %s", method, path, response.Code, response.Body)
			}
		}
		if response := ask(guard, method, "/healthz"); response.Code != 200 {
			t.Errorf("%s /healthz: %d", method, response.Code)
		}
	}
}

func TestKeysThatNeverCame(t *testing.T) {
	issuer := identitytest.New(t)
	issuer.Fail(errors.New("the API server is away"))
	guard := newGuard(slog.New(slog.DiscardHandler), issuer)
	response := ask(guard, "GET", "/snapshot", "Bearer "+issuer.Token(hub, audience, time.Hour))
	if response.Code != 503 || response.Header().Get("Retry-After") == "" || guard.Results()["keys_unavailable"] != 1 {
		t.Errorf("%d %v", response.Code, response.Header())
	}
	if response := ask(guard, "GET", "/healthz"); response.Code != 200 {
		t.Errorf("healthz: %d", response.Code)
	}
}

// TestOnlyKnownConnectionsAreKept counts for whom the server is told that it
// knows the sender.
func TestOnlyKnownConnectionsAreKept(t *testing.T) {
	issuer := identitytest.New(t)
	guard := newGuard(slog.New(slog.DiscardHandler), issuer)
	known := 0
	guard.c.Known = func(context.Context) { known++ }
	stranger := hub
	stranger.ServiceAccount = "default"
	ask(guard, "GET", "/healthz")
	ask(guard, "GET", "/snapshot")
	ask(guard, "GET", "/snapshot", "Bearer "+issuer.Token(stranger, audience, time.Hour))
	if known != 0 {
		t.Errorf("%d senders pass for known, want none", known)
	}
	ask(guard, "GET", "/nothing", "Bearer "+issuer.Token(hub, audience, time.Hour))
	if known != 1 {
		t.Errorf("%d senders pass for known, want the hub", known)
	}
}

// TestLogSaysLittleAndNoToken refuses thousands of requests of three kinds.
func TestLogSaysLittleAndNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		var log strings.Builder
		guard := newGuard(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), issuer)
		stranger := hub
		stranger.ServiceAccount = "default"
		tokens := []string{
			issuer.Token(stranger, audience, 48*time.Hour),
			identitytest.New(t).Token(hub, audience, 48*time.Hour),
			"eyJhbGciOiJub25lIn0.e30.",
		}
		for range 3 {
			for range 1000 {
				for _, token := range tokens {
					ask(guard, "GET", "/snapshot/"+token, "Bearer "+token)
				}
			}
			time.Sleep(sayAgain)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 9 {
			t.Errorf("the log has %d lines, want one a minute and kind:\n%s", lines, &log)
		}
		if !strings.Contains(log.String(), "alike=999") {
			t.Errorf("the log does not say how many there were:\n%s", &log)
		}
		for _, token := range tokens {
			for _, part := range strings.Split(token, ".") {
				if len(part) > 2 && strings.Contains(log.String(), part) {
					t.Errorf("there is %s of a token in the log:\n%s", part, &log)
				}
			}
		}
	})
}

func TestResultsAreAllThere(t *testing.T) {
	want := map[string]uint64{
		"ok": 0, "no_token": 0, "malformed": 0, "issuer": 0, "audience": 0, "expired": 0, "not_yet": 0,
		"unknown_key": 0, "signature": 0, "keys_unavailable": 0, "subject": 0,
	}
	if diff := cmp.Diff(want, newGuard(slog.New(slog.DiscardHandler), identitytest.New(t)).Results()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// BenchmarkGuard is what a request costs, with the token of a hub in the form
// that most clusters give (RS256), and with one that somebody made up.
func BenchmarkGuard(b *testing.B) {
	issuer := identitytest.NewRSA(b)
	forged := identitytest.NewRSA(b).Token(hub, audience, time.Hour)
	for name, token := range map[string]string{
		"ok": issuer.Token(hub, audience, time.Hour), "forged": forged,
		"audience": issuer.Token(hub, "api", time.Hour), "random": strings.Repeat("x", 400) + "." + strings.Repeat("y", 700) + ".z",
	} {
		guard := newGuard(slog.New(slog.DiscardHandler), issuer)
		request := httptest.NewRequest("GET", "/snapshot", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				guard.check(request)
			}
		})
	}
}
