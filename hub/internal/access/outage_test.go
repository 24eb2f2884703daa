package access

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnOutageAtTheGate has readers come while the API server is away.
func TestAnOutageAtTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		token := h.api.hubToken(t, time.Hour)
		h.get("/", "Authorization", "Bearer "+token)
		h.api.set(func() { h.api.err = statusError(503) })
		time.Sleep(10 * time.Minute)
		if w := h.get("/", "Authorization", "Bearer "+token); w.Code != 200 || h.counts.count("auth stale") != 1 {
			t.Errorf("who was known: %d, %v", w.Code, h.counts.counts)
		}
		w := h.get("/", "Authorization", "Bearer other", "Accept", "text/html")
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("who was not known: %d %v", w.Code, w.Header())
		}
	})
}

// TestAnOutageInWords has people and programs come while the API server is away:
// people are told so on the login page, from which they can ask again.
func TestAnOutageInWords(t *testing.T) {
	h := newHouse()
	h.api.set(func() { h.api.err = statusError(503) })
	byProxy := []string{userHeader, "ann", secretHeader, proxySecret, "Accept", "text/html,*/*;q=0.8"}
	for target, parts := range map[string][]string{
		"/":                        {`action="login"`, `name="next" value="/"`, `href="login"`},
		"/pods/shop/web?range=15m": {`action="../../login"`, `name="next" value="/pods/shop/web?range=15m"`, `href="../../login?next=%2Fpods%2Fshop%2Fweb%3Frange%3D15m"`},
		"/login?next=/nodes":       {`action="login"`, `name="next" value="/nodes"`, `href="login?next=%2Fnodes"`},
	} {
		w := h.get(target, byProxy...)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Location") != "" {
			t.Errorf("GET %s in a browser: %d, %v", target, w.Code, w.Header())
		}
		for _, part := range append(parts, `role="alert"`, "the API server cannot be asked", "Try again") {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("GET %s in a browser lacks %s: %s", target, part, w.Body)
			}
		}
	}
	if w := h.logInWith("opaque"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), "the API server cannot be asked") {
		t.Errorf("a login: %d, %v", w.Code, w.Header())
	}
	for _, headers := range [][]string{append(byProxy[:4:4], "Accept", "application/json"), byProxy[:4:4]} {
		w := h.get("/api/v1/pods", headers...)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("a program: %d, %v", w.Code, w.Header())
		}
	}
	if w := h.get(strings.Repeat("/x", maxUp+2), byProxy...); w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a path of great depth: %v", w.Header())
	}
}
