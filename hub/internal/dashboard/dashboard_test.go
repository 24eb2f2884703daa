package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/hub/internal/dashboard"
)

func ask(method, path string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	dashboard.Handler(http.HandlerFunc(next)).ServeHTTP(w, req)
	return w
}

// next is who answers for what is not the page.
func next(w http.ResponseWriter, r *http.Request) {
	http.Error(w, r.Method+" "+r.URL.Path, http.StatusTeapot)
}

func TestFiles(t *testing.T) {
	for path, contentType := range map[string]string{
		"/":                 "text/html; charset=utf-8",
		"/assets/app.js":    "text/javascript; charset=utf-8",
		"/assets/style.css": "text/css; charset=utf-8",
		"/assets/icon.svg":  "image/svg+xml",
	} {
		w := ask(http.MethodGet, path)
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("GET %s: status %d with %d bytes", path, w.Code, w.Body.Len())
		}
		for name, want := range map[string]string{
			"Content-Type": contentType, "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want)
			}
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("GET %s: Content-Security-Policy = %q", path, csp)
		}
		again := ask(http.MethodGet, path, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("GET %s again: status %d with %d bytes, want 304 and none", path, again.Code, again.Body.Len())
		}
	}
}

// TestTheRestIsNotThePages wants what is not the page handed on as it came.
func TestTheRestIsNotThePages(t *testing.T) {
	tests := []struct{ method, path, names string }{
		{http.MethodGet, "/page/index.html", "GET /page/index.html"},
		{http.MethodGet, "/assets/", "GET /assets/"},
		{http.MethodGet, "/assets/..%2f..%2fdashboard.go", "dashboard.go"},
		{http.MethodGet, "//", "GET //"},
		{http.MethodGet, "/assets/../", "GET /assets/../"},
		{http.MethodPost, "/", "POST /"},
	}
	for _, tt := range tests {
		w := ask(tt.method, tt.path)
		if w.Code != http.StatusTeapot || !strings.Contains(w.Body.String(), tt.names) || w.Header().Get("ETag") != "" {
			t.Errorf("%s %s: status %d and %q, want it handed on as %s", tt.method, tt.path, w.Code, w.Body, tt.names)
		}
	}
}

// TestPageNeedsNothingElse finds what the policy would block, or what would
// make the page depend on another host, on its path, or on what names say.
func TestPageNeedsNothingElse(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"another host":   regexp.MustCompile(`(src|href|url|fetch)\s*[=(]\s*["'(]?\s*(https?:)?//`),
		"absolute path":  regexp.MustCompile(`(src|href)="/|fetch\("/`),
		"inline script":  regexp.MustCompile(`<script[^>]*>[^<]|\son\w+="|javascript:`),
		"inline style":   regexp.MustCompile(`<style|\sstyle="|\.style\b`),
		"text as markup": regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(`),
	}
	for _, path := range []string{"/", "/assets/app.js", "/assets/style.css"} {
		body := ask(http.MethodGet, path).Body.String()
		for what, pattern := range forbidden {
			if found := pattern.FindString(body); found != "" {
				t.Errorf("%s has %s: %s", path, what, found)
			}
		}
	}
}

// TestPageAsksForItsParts wants every part that the page names to be served,
// and every id that the script uses to be in the page.
func TestPageAsksForItsParts(t *testing.T) {
	index := ask(http.MethodGet, "/").Body.String()
	parts := regexp.MustCompile(`"(assets/[^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(parts) != 3 {
		t.Errorf("the page names %d parts, want 3", len(parts))
	}
	for _, part := range parts {
		if w := ask(http.MethodGet, "/"+part[1]); w.Code != http.StatusOK {
			t.Errorf("GET /%s: status %d", part[1], w.Code)
		}
	}
	script := ask(http.MethodGet, "/assets/app.js").Body.String()
	ids := regexp.MustCompile(`byId\("([^"]+)"\)`).FindAllStringSubmatch(script, -1)
	if len(ids) == 0 {
		t.Error("the script uses no id of the page")
	}
	for _, id := range ids {
		if !strings.Contains(index, `id="`+id[1]+`"`) {
			t.Errorf("the page has no id %q, which the script uses", id[1])
		}
	}
}
