package auth

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

// FuzzGuard holds that nothing but a good token opens anything but health, and
// that others get one of a few answers, which have nothing of what they sent.
func FuzzGuard(f *testing.F) {
	issuer := identitytest.New(f)
	good := issuer.Token(hub, audience, 24*time.Hour)
	guard := newGuard(slog.New(slog.DiscardHandler), issuer)
	refusals := map[string]bool{}
	for _, r := range results[1:] {
		recorder := httptest.NewRecorder()
		guard.refuse(recorder, r.err)
		refusals[recorder.Body.String()] = true
	}
	f.Add("GET", "/snapshot", "Bearer "+good)
	f.Add("GET", "/healthz", "")
	f.Add("OPTIONS", "*", "Bearer eyJhbGciOiJub25lIiwia2lkIjoia2V5MCJ9.e30.")
	f.Add("GET", "/healthz/../snapshot", "Basic YTpi")
	f.Fuzz(func(t *testing.T, method, path, authorization string) {
		request := httptest.NewRequest("GET", "/", nil)
		request.Method, request.URL.Path = method, path
		request.Header.Set("Authorization", authorization)
		recorder := httptest.NewRecorder()
		guard.ServeHTTP(recorder, request)
		scheme, token, _ := strings.Cut(authorization, " ")
		open := path == "/healthz" || strings.EqualFold(scheme, "Bearer") && strings.TrimLeft(token, " ") == good
		if got := recorder.Code == http.StatusOK; got != open {
			t.Fatalf("%s %q with %q: %d", method, path, authorization, recorder.Code)
		}
		if body := recorder.Body.String(); !open && !refusals[body] {
			t.Fatalf("the answer to %q is not one of the fixed ones: %s", authorization, body)
		}
	})
}
