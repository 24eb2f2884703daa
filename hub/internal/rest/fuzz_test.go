package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// FuzzTarget asks for anything: the answer is documented JSON, or a refusal
// that says something, and never the hub's own fault.
func FuzzTarget(f *testing.F) {
	for _, requests := range append([][]string{goodRequests()}, badRequests()[http.StatusBadRequest], badRequests()[http.StatusNotFound]) {
		for _, target := range requests {
			f.Add(target)
		}
	}
	h, err := rest.New(config(testReader(), io.Discard))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server refuses it before the handler sees it
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
		contentType := w.Header().Get("Content-Type")
		switch w.Code {
		case http.StatusOK:
			if contentType == "application/json" && !json.Valid(w.Body.Bytes()) {
				t.Errorf("GET %q answers what is not JSON: %s", target, w.Body)
			}
		case http.StatusBadRequest, http.StatusNotFound:
			if p := decode[problem](t, w, w.Code); contentType != "application/problem+json" || p.Detail == "" {
				t.Errorf("GET %q is refused with %s %s", target, contentType, w.Body)
			}
		default:
			t.Errorf("GET %q: status %d %s", target, w.Code, w.Body)
		}
	})
}

// FuzzTargetOfAReader asks for anything as who may see two namespaces: no answer
// has the name of another one, or what is only a node's, unless the request had
// it.
func FuzzTargetOfAReader(f *testing.F) {
	for _, a := range asks() {
		f.Add(a.target)
	}
	cfg := config(quarterReader(), io.Discard)
	cfg.Scope = func(*http.Request) (hub.Scope, error) { return allScopes()["two"], nil }
	h, err := rest.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	hidden := []string{"birch", "delta", "secret"}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(v1 + target)
		if err != nil || u.Path == v1+"/openapi.json" {
			return
		}
		plain, _ := url.QueryUnescape(target)
		asked := strings.ToLower(target + " " + plain + " " + u.String()) // in each way that an answer may repeat it
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("GET %q: status %d %s", target, w.Code, w.Body)
		}
		for _, name := range hidden {
			if strings.Contains(strings.ToLower(w.Body.String()), name) && !strings.Contains(asked, name) {
				t.Errorf("GET %q tells of %s: %d %s", target, name, w.Code, w.Body)
			}
		}
	})
}
