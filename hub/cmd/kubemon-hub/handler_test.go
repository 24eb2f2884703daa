package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPathIsAnsweredByOne asks for what is between the page, the metrics
// and REST: all is either there, or refused as a problem, and nothing is
// redirected.
func TestEveryPathIsAnsweredByOne(t *testing.T) {
	hub := start(t, "--agents", agent(t, "node1"))
	until(t, hub+"/api/v1/nodes", func(items []item) bool { return len(items) == 1 })
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	type request struct {
		method, path string
		status       int
	}
	script, built := pageScript(t)
	requests := []request{
		{http.MethodHead, "/metrics", 200},
		{http.MethodGet, "//", 404}, {http.MethodGet, "/assets/", 404}, {http.MethodGet, "/assets/../", 404}, {http.MethodGet, "/assets/no.js", 404},
		{http.MethodGet, "//metrics", 404}, {http.MethodGet, "/metrics/", 404}, {http.MethodGet, "/api/v1/../../metrics", 404}, {http.MethodGet, "/api//v1/pods", 404},
		{http.MethodGet, "/index.html", 404}, {http.MethodGet, "/api/v1", 404}, {http.MethodGet, "/%2e%2e/etc/passwd", 404},
		{http.MethodPost, "/", 405}, {http.MethodPost, script, 405}, {http.MethodDelete, "/metrics", 405}, {http.MethodOptions, "/api/v1/pods", 405},
	}
	if built {
		requests = append(requests, request{http.MethodGet, "/", 200}, request{http.MethodHead, "/", 200},
			request{http.MethodGet, "/pods", 200}, request{http.MethodGet, script, 200})
	}
	for _, tt := range requests {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, hub+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var problem struct{ Status int }
		if tt.status != http.StatusOK {
			if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Status != tt.status || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s: %v, %+v %v; want a problem of %d", tt.method, tt.path, err, problem, resp.Header, tt.status)
			}
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || (tt.status == http.StatusMethodNotAllowed) != (resp.Header.Get("Allow") == "GET, HEAD") {
			t.Errorf("%s %s: status %d, Allow %q; want %d", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Allow"), tt.status)
		}
	}
}

// pageScript is the path of the page's script. A hub that is compiled without
// `make page` before has none, and answers 404 for it and for the page.
func pageScript(t *testing.T) (path string, built bool) {
	t.Helper()
	scripts, err := filepath.Glob("../../internal/dashboard/dist/assets/index-*.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) == 0 {
		return "/assets/index-none.js", false
	}
	return "/assets/" + filepath.Base(scripts[0]), true
}

// TestTheHubStopsWithEventsOpen leaves clients listening for rounds when the
// test ends: start then wants the hub to end well, which it does not if it has
// to cut a request off.
func TestTheHubStopsWithEventsOpen(t *testing.T) {
	var open []io.Closer
	t.Cleanup(func() { // after the hub has ended
		for _, body := range open {
			body.Close()
		}
	})
	hub := start(t, "--agents", agent(t, "node1"))
	for range 3 {
		resp, err := http.Get(hub + "/api/v1/events") // without the test's context, which would end it
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp.Body)
		told := false
		for lines := bufio.NewScanner(resp.Body); !told; told = strings.HasPrefix(lines.Text(), "data: ") {
			if !lines.Scan() {
				t.Fatalf("events end before the first: %v", lines.Err())
			}
		}
	}
}
