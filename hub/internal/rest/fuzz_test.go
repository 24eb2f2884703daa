package rest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

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
