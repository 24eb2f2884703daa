package rest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

type problem struct {
	Type, Title, Detail, Instance, Parameter string
	Status                                   int
}

// TestProblems wants each refusal to name what is wrong and what is taken.
func TestProblems(t *testing.T) {
	h := handler(t, testReader())
	tests := []struct {
		target    string
		status    int
		parameter string
		detail    []string
	}{
		{v1 + "/pods?window=2h", 400, "window", []string{"1 to 3600", "5m", `"2h"`}},
		{v1 + "/pods?window=", 400, "window", []string{"1 to 3600", `""`}},
		{v1 + "/pods?window=5m&window=6m", 400, "window", []string{"2 times"}},
		{v1 + "/pods?windw=5m", 400, "windw", []string{"unknown", "window, step, maxPoints, sort"}},
		{v1 + "/nodes?node=node1", 400, "node", []string{"unknown"}},
		{v1 + "/status?limit=1", 400, "limit", []string{"takes none"}},
		{v1 + "/pods?limit=0", 400, "limit", []string{"1 to 1000", `"0"`}},
		{v1 + "/pods?limit=21&window=60", 400, "limit", []string{"1 to 20", "window"}},
		{v1 + "/pods?step=10s", 400, "step", []string{"window"}},
		{v1 + "/pods?step=90s&window=60", 400, "step", []string{"longer", "1m0s"}},
		{v1 + "/pods?maxPoints=10", 400, "maxPoints", []string{"window"}},
		{v1 + "/pods?sort=size", 400, "sort", []string{"cpu, memory", "name", `"size"`}},
		{v1 + "/pods?continue=%21", 400, "continue", []string{"unchanged"}},
		{v1 + "/pods?labelSelector=app", 400, "labelSelector", []string{"app=web", "no = in it"}},
		{v1 + "/top?of=cars", 400, "of", []string{"pods, containers", `"cars"`}},
		{v1 + "/top?by=colour", 400, "by", []string{"memoryRSSBytes", `"colour"`}},
		{v1 + "/pods?limit=%zz", 400, "", []string{"malformed", "%zz"}},
		{v1 + "/pod", 404, "", []string{`"/api/v1/pod"`, "openapi.json"}},
		{v1 + "/nodes/", 404, "", []string{`"/api/v1/nodes/"`}},
		{"/", 404, "", []string{`"/"`}},
		{v1 + "/nodes/no-such", 404, "", []string{`node "no-such"`, "window"}},
		{v1 + "/namespaces/no-such", 404, "", []string{`namespace "no-such"`}},
		{v1 + "/namespaces/no-such/pods/web-1", 404, "", []string{`namespace "no-such"`}},
		{v1 + "/namespaces/shop/pods/no-such", 404, "", []string{`pod "no-such" in namespace "shop"`, "window", "1h0m0s"}},
		{v1 + "/namespaces/shop/pods/no-such?window=60", 404, "", []string{`pod "no-such"`, "none in the last 1m0s"}},
		{v1 + "/namespaces/shop/deployments/db", 404, "", []string{`Deployment "db" in namespace "shop"`}},
		{v1 + "/namespaces/shop/workloads/Car/web", 404, "", []string{`Car "web"`}},
		{v1 + "/pods?namespace=no-such", 404, "", []string{`namespace "no-such"`}},
		{v1 + "/pods?node=no%20such", 404, "", []string{`node "no such"`}},
	}
	for _, tt := range tests {
		w := get(h, tt.target)
		p := decode[problem](t, w, tt.status)
		path, _, _ := strings.Cut(tt.target, "?")
		want := problem{Type: "about:blank", Title: http.StatusText(tt.status), Status: tt.status, Instance: path, Parameter: tt.parameter, Detail: p.Detail}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("GET %s (-want +got):\n%s", tt.target, diff)
		}
		for _, part := range tt.detail {
			if !strings.Contains(p.Detail, part) {
				t.Errorf("GET %s: detail %q lacks %q", tt.target, p.Detail, part)
			}
		}
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("GET %s: Content-Type %q", tt.target, got)
		}
		if got := w.Header().Get("ETag"); got != "" {
			t.Errorf("GET %s: a problem with ETag %s", tt.target, got)
		}
	}
}

func TestOnlyReads(t *testing.T) {
	h := handler(t, testReader())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, "BREW"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, v1+"/pods", nil))
		p := decode[problem](t, w, http.StatusMethodNotAllowed)
		if w.Header().Get("Allow") != "GET, HEAD" || !strings.Contains(p.Detail, method) {
			t.Errorf("%s: Allow %q, detail %q", method, w.Header().Get("Allow"), p.Detail)
		}
	}
}

func TestHead(t *testing.T) {
	server := httptest.NewServer(handler(t, testReader()))
	defer server.Close()
	for target, status := range map[string]int{v1 + "/pods": 200, v1 + "/nodes/no-such": 404, "/healthz": 200} {
		resp, err := http.Head(server.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != status || len(body) != 0 {
			t.Errorf("HEAD %s: status %d with %d bytes, %v; want %d and none", target, resp.StatusCode, len(body), err, status)
		}
	}
}

func TestHeaders(t *testing.T) {
	h := handler(t, testReader())
	for target, kept := range map[string]string{
		v1 + "/pods": "private, no-cache", v1 + "/openapi.json": "private, no-cache",
		v1 + "/no-such": "no-store", v1 + "/pods?limit=0": "no-store", "/healthz": "no-store",
	} {
		w := get(h, target, "Origin", "https://elsewhere.example")
		for name, want := range map[string]string{
			"X-Content-Type-Options":      "nosniff",
			"Referrer-Policy":             "no-referrer",
			"Content-Security-Policy":     "default-src 'none'; frame-ancestors 'none'",
			"Cache-Control":               kept,
			"Access-Control-Allow-Origin": "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestNotModified(t *testing.T) {
	r := testReader()
	h := handler(t, r)
	for _, target := range []string{v1 + "/pods", v1 + "/pods?sort=-cpu", v1 + "/cluster?window=60", v1 + "/openapi.json"} {
		plain := get(h, target).Header().Get("ETag")
		packed := get(h, target, "Accept-Encoding", "gzip").Header().Get("ETag")
		if plain == "" || strings.HasPrefix(plain, "W/") || plain == packed {
			t.Errorf("GET %s: ETag %s, compressed %s; want two strong ones", target, plain, packed)
		}
		for _, have := range []string{plain, packed, "W/" + plain, `"other", ` + plain, "*"} {
			w := get(h, target, "If-None-Match", have)
			if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") == "" {
				t.Errorf("GET %s with %s: status %d, %d bytes, ETag %q", target, have, w.Code, w.Body.Len(), w.Header().Get("ETag"))
			}
		}
	}
	tag := get(h, v1+"/pods").Header().Get("ETag")
	for name, w := range map[string]*httptest.ResponseRecorder{
		"another query": get(h, v1+"/pods?sort=-cpu", "If-None-Match", tag),
		"another tag":   get(h, v1+"/pods", "If-None-Match", `"1-2-3"`),
	} {
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d, want 200", name, w.Code)
		}
	}
	r.next()
	if w := get(h, v1+"/pods", "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("in the next round: status %d, ETag %s as before", w.Code, w.Header().Get("ETag"))
	}
}

// TestNotModifiedWithAWindow changes a history within a round, after what was
// answered before is let go: another answer has another ETag.
func TestNotModifiedWithAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := testReader()
		h := handler(t, r)
		const target = v1 + "/namespaces/shop/pods/web-gone?window=60"
		tag := get(h, target).Header().Get("ETag")
		time.Sleep(time.Minute)
		if w := get(h, target, "If-None-Match", tag); w.Code != http.StatusNotModified || w.Header().Get("ETag") != tag {
			t.Errorf("the same read again: status %d, ETag %s, want %s", w.Code, w.Header().Get("ETag"), tag)
		}
		time.Sleep(time.Minute)
		gone := r.gone["web-gone"]
		gone.Node = "node2"
		r.gone["web-gone"] = gone
		w := get(h, target, "If-None-Match", tag)
		if changed := w.Header().Get("ETag"); w.Code != http.StatusOK || changed == tag || changed == "" || !strings.Contains(w.Body.String(), "node2") {
			t.Errorf("another history: status %d, ETag %s as before: %s", w.Code, changed, w.Body)
		}
		time.Sleep(time.Minute)
	})
}

func TestCompression(t *testing.T) {
	h := handler(t, testReader())
	plain := get(h, v1+"/pods")
	packed := get(h, v1+"/pods", "Accept-Encoding", "gzip")
	if plain.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("encodings %q and %q", plain.Header().Get("Content-Encoding"), packed.Header().Get("Content-Encoding"))
	}
	for _, w := range []*httptest.ResponseRecorder{plain, packed} {
		if got := w.Header().Get("Vary"); got != "Accept-Encoding, Authorization, Cookie" {
			t.Errorf("Vary = %q", got)
		}
	}
	reader, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(unpacked, plain.Body.Bytes()) {
		t.Error("the compressed answer differs from the plain one")
	}
	if got := get(h, v1+"/pods?limit=1&namespace=kube-system", "Accept-Encoding", "gzip"); got.Header().Get("Content-Encoding") != "" {
		t.Errorf("an answer of %d bytes is compressed", got.Body.Len())
	}
}

// TestBytesAreMadeOnce follows one answer through its round by what it says of
// itself, in each coding, and into the next.
func TestBytesAreMadeOnce(t *testing.T) {
	r := testReader()
	h := handler(t, r)
	timing := func(accept, pattern string) []byte {
		t.Helper()
		w := get(h, v1+"/pods", "Accept-Encoding", accept)
		if got := w.Header().Get("Server-Timing"); !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("Accept-Encoding %s: Server-Timing is %s, want %s", accept, got, pattern)
		}
		if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
			t.Errorf("Accept-Encoding %s: Content-Length %s of %d", accept, got, w.Body.Len())
		}
		return w.Body.Bytes()
	}
	const milliseconds = `dur=[0-9.]+`
	plain := timing("identity", `round;desc="360", encode;`+milliseconds)
	timing("identity", `round;desc="360", cached`)
	for _, accept := range []string{"gzip", "zstd"} {
		first := timing(accept, `round;desc="360", cached, compress;`+milliseconds)
		again := timing(accept, `round;desc="360", cached`)
		if !bytes.Equal(first, again) || bytes.Equal(first, plain) {
			t.Errorf("%s: %d bytes, then %d, of %d", accept, len(first), len(again), len(plain))
		}
	}
	r.next()
	timing("zstd", `round;desc="361", encode;`+milliseconds+`, compress;`+milliseconds)
	if w := get(h, v1+"/pods", "If-None-Match", "*"); w.Code != http.StatusNotModified || w.Header().Get("Server-Timing") != `round;desc="361"` {
		t.Errorf("a 304: %d %v", w.Code, w.Header())
	}
	if w := get(h, v1+"/nodes/no-such", "If-None-Match", "*"); w.Code != http.StatusNotFound {
		t.Errorf("If-None-Match: * of what is not there: %d", w.Code)
	}
}

func TestProbes(t *testing.T) {
	missing := errors.New("the API server has not been asked yet")
	tests := []struct {
		name        string
		view        error
		live, ready error
		want        map[string]int
	}{
		{"all well", nil, nil, nil, map[string]int{"/healthz": 200, "/livez": 200, "/readyz": 200}},
		{"before the first round", hub.ErrNotReady, nil, nil, map[string]int{"/healthz": 200, "/livez": 200, "/readyz": 503}},
		{"without the API server", nil, nil, missing, map[string]int{"/healthz": 200, "/livez": 200, "/readyz": 503}},
		{"stuck", nil, missing, nil, map[string]int{"/healthz": 200, "/livez": 503, "/readyz": 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(&reader{view: testView(), err: tt.view}, t.Output())
			cfg.Live = func() error { return tt.live }
			cfg.Ready = func() error { return tt.ready }
			h, err := rest.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range tt.want {
				w := get(h, path)
				if w.Code != want {
					t.Errorf("GET %s: status %d, want %d: %s", path, w.Code, want, w.Body)
				}
				if want == 503 && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "yet")) {
					t.Errorf("GET %s: does not say what is missing: %v %s", path, w.Header(), w.Body)
				}
			}
		})
	}
}

// panicking is a reader that cannot answer.
type panicking struct{ reader }

func (*panicking) View() (*hub.View, error) { panic("secret 42") }

// TestInternalErrors wants what went wrong in the log, once, and nowhere else.
func TestInternalErrors(t *testing.T) {
	for name, r := range map[string]rest.Reader{
		"error": &reader{view: testView(), broken: errors.New("secret 42")},
		"panic": &panicking{},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h, err := rest.New(config(r, &log))
			if err != nil {
				t.Fatal(err)
			}
			w := get(h, v1+"/cluster?window=60")
			p := decode[problem](t, w, http.StatusInternalServerError)
			if strings.Contains(w.Body.String(), "secret") || p.Detail == "" {
				t.Errorf("the client reads %s", w.Body)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "secret 42") {
				t.Errorf("the log has %d lines, want 1 with the cause: %s", lines, log.String())
			}
		})
	}
}

func TestNewRefusesAnIncompleteConfig(t *testing.T) {
	for name, without := range map[string]func(*rest.Config){
		"a selector":    func(c *rest.Config) { c.Selector = nil },
		"a scope":       func(c *rest.Config) { c.Scope = nil },
		"a restriction": func(c *rest.Config) { c.Restrict = nil },
		"auth":          func(c *rest.Config) { c.Auth = "" },
	} {
		cfg := config(testReader(), t.Output())
		without(&cfg)
		if _, err := rest.New(cfg); err == nil {
			t.Errorf("New took a config without %s", name)
		}
	}
}
