package dashboard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// built is a page as the build leaves it.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":             "not the page's",
		"index.html":            `<base href="./"><script src="./assets/index-1.js"></script>`,
		"icon.svg":              "<svg/>",
		"licenses.md":           "# Licenses",
		"packages.json":         "[]",
		"assets/index-1.js":     "script",
		"assets/index-1.js.br":  "br of it",
		"assets/index-1.js.gz":  "gz of it",
		"assets/style-2.css":    "style",
		"assets/style-2.css.gz": "gz of style",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// next is who answers for what is not the page.
func next(w http.ResponseWriter, r *http.Request) {
	http.Error(w, r.Method+" "+r.URL.Path, http.StatusTeapot)
}

func ask(t *testing.T, dist fstest.MapFS, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler(dist, http.HandlerFunc(next)).ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestFiles(t *testing.T) {
	const forGood, asked = "public, max-age=31536000, immutable", "no-cache"
	tests := []struct{ path, contentType, cacheControl string }{
		{"/", "text/html; charset=utf-8", asked},
		{"/pods/shop/web-1", "text/html; charset=utf-8", asked},
		{"/assets/index-1.js", "text/javascript; charset=utf-8", forGood},
		{"/assets/style-2.css", "text/css; charset=utf-8", forGood},
		{"/icon.svg", "image/svg+xml", asked},
		{"/licenses.md", "text/plain; charset=utf-8", asked},
		{"/packages.json", "application/json", asked},
	}
	for _, tt := range tests {
		first := ask(t, built(), http.MethodGet, tt.path)
		if first.StatusCode != http.StatusOK || text(t, first) == "" {
			t.Errorf("GET %s: status %d, or nothing", tt.path, first.StatusCode)
		}
		for name, want := range map[string]string{
			"Content-Type": tt.contentType, "Cache-Control": tt.cacheControl, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := first.Header.Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", tt.path, name, got, want)
			}
		}
		policy := first.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("GET %s: Content-Security-Policy = %q", tt.path, policy)
		}
		again := ask(t, built(), http.MethodGet, tt.path, "If-None-Match", first.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
			t.Errorf("GET %s again: status %d, want 304 and nothing", tt.path, again.StatusCode)
		}
	}
}

// TestBase wants each of the page's paths to lead to the root that the files
// are relative to.
func TestBase(t *testing.T) {
	for path, base := range map[string]string{
		"/": "./", "/pods": "./", "/pods/": "../", "/pods/shop/web-1": "../../", "/nodes/a": "../",
		"/workloads/shop/Deployment/web": "../../../", "/pods/a%2Fb": "../", "/status?x=/a/b/c/d/e": "./",
	} {
		if got := text(t, ask(t, built(), http.MethodGet, path)); !strings.Contains(got, `<base href="`+base+`">`) {
			t.Errorf("GET %s: %s, want the base %s", path, got, base)
		}
	}
}

// TestTheRestIsNotThePages wants what is not the page handed on as it came.
func TestTheRestIsNotThePages(t *testing.T) {
	tests := []struct{ method, path, names string }{
		{http.MethodGet, "/index.html", "GET /index.html"},
		{http.MethodGet, "/README.md", "GET /README.md"},
		{http.MethodGet, "/assets/", "GET /assets/"},
		{http.MethodGet, "/assets/index-0.js", "GET /assets/index-0.js"},
		{http.MethodGet, "/assets/index-1.js.gz", "GET /assets/index-1.js.gz"},
		{http.MethodGet, "/assets/../index.html", "GET /assets/../index.html"},
		{http.MethodGet, "//", "GET //"},
		{http.MethodGet, "//pods", "GET //pods"},
		{http.MethodGet, "http:pods", "GET "},
		{http.MethodGet, "/%70ods", "GET /pods"},
		{http.MethodGet, "/assets/index%2D1.js", "GET /assets/index-1.js"},
		{http.MethodGet, "/%2e/", "GET /./"},
		{http.MethodGet, "/assets%2findex-1.js", "GET /assets/index-1.js"},
		{http.MethodGet, "/podsx", "GET /podsx"},
		{http.MethodGet, "/workloads/a/b/c/d", "GET /workloads/a/b/c/d"},
		{http.MethodGet, "/api/v1/pods", "GET /api/v1/pods"},
		{http.MethodPost, "/", "POST /"},
	}
	for _, tt := range tests {
		r := ask(t, built(), tt.method, tt.path)
		if body := text(t, r); r.StatusCode != http.StatusTeapot || !strings.Contains(body, tt.names) || r.Header.Get("ETag") != "" {
			t.Errorf("%s %s: status %d and %q, want it handed on as %s", tt.method, tt.path, r.StatusCode, body, tt.names)
		}
	}
}

func TestCodings(t *testing.T) {
	etags := make(map[string]bool)
	for accept, want := range map[string]struct{ coding, body string }{
		"":                      {"", "script"},
		"identity":              {"", "script"},
		"gzip":                  {"gzip", "gz of it"},
		"gzip, deflate, br":     {"br", "br of it"},
		"GZIP;q=0.5, zstd":      {"gzip", "gz of it"},
		"br;q=0, gzip":          {"gzip", "gz of it"},
		"br; q=0.000, gzip;q=0": {"", "script"},
		"brotli":                {"", "script"},
		"br;q=0.0, gzip;Q=0":    {"", "script"},
		"br;q=0.001":            {"br", "br of it"},
		"br;q=much, gzip":       {"gzip", "gz of it"},
		"*":                     {"br", "br of it"},
		"br;q=0, *":             {"gzip", "gz of it"},
		"*;q=0, gzip":           {"gzip", "gz of it"},
		"*;q=0":                 {"", "script"},
	} {
		r := ask(t, built(), http.MethodGet, "/assets/index-1.js", "Accept-Encoding", accept)
		if body := text(t, r); body != want.body || r.Header.Get("Content-Encoding") != want.coding || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %q as %q, want %q as %q", accept, body, r.Header.Get("Content-Encoding"), want.body, want.coding)
		}
		etags[r.Header.Get("ETag")] = true
	}
	if len(etags) != 3 {
		t.Errorf("three codings have %d ETags, want one each", len(etags))
	}
	if r := ask(t, built(), http.MethodGet, "/assets/style-2.css", "Accept-Encoding", "br, gzip"); text(t, r) != "gz of style" {
		t.Errorf("a file without br is served as %q", r.Header.Get("Content-Encoding"))
	}
}

// TestCodingsInSeveralLines wants all lines of a header read, which a proxy may
// add one to.
func TestCodingsInSeveralLines(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/assets/index-1.js", nil)
	r.Header["Accept-Encoding"] = []string{"gzip", "br"}
	w := httptest.NewRecorder()
	handler(built(), http.HandlerFunc(next)).ServeHTTP(w, r)
	if got := w.Header().Get("Content-Encoding"); got != "br" {
		t.Errorf("gzip and br in two lines are answered with %q", got)
	}
}

// TestPartsOfAFile wants what HTTP has for it: each is of one coding, whose ETag
// says which.
func TestPartsOfAFile(t *testing.T) {
	const path = "/assets/index-1.js"
	whole := ask(t, built(), http.MethodGet, path, "Accept-Encoding", "gzip")
	etag := whole.Header.Get("ETag")
	tests := []struct {
		name    string
		method  string
		headers []string
		status  int
		body    string
	}{
		{"head", http.MethodHead, nil, 200, ""},
		{"a range", http.MethodGet, []string{"Range", "bytes=0-1"}, 206, "gz"},
		{"a range of the same", http.MethodGet, []string{"Range", "bytes=3-", "If-Range", etag}, 206, "of it"},
		{"a range of another", http.MethodGet, []string{"Range", "bytes=3-", "If-Range", `"other"`}, 200, "gz of it"},
		{"a range beyond", http.MethodGet, []string{"Range", "bytes=99-"}, 416, "invalid range: failed to overlap\n"},
		{"the same, weakly", http.MethodGet, []string{"If-None-Match", `"other", W/` + etag}, 304, ""},
		{"any", http.MethodHead, []string{"If-None-Match", "*"}, 304, ""},
		{"another", http.MethodGet, []string{"If-None-Match", `"other"`}, 200, "gz of it"},
	}
	for _, tt := range tests {
		r := ask(t, built(), tt.method, path, append(tt.headers, "Accept-Encoding", "gzip")...)
		if body := text(t, r); r.StatusCode != tt.status || body != tt.body {
			t.Errorf("%s: status %d and %q, want %d and %q", tt.name, r.StatusCode, body, tt.status, tt.body)
		}
		if r.StatusCode != 416 && (r.Header.Get("ETag") != etag || r.Header.Get("Vary") != "Accept-Encoding" || r.Header.Get("Cache-Control") == "") {
			t.Errorf("%s: %v, want ETag, Vary and Cache-Control as of the whole", tt.name, r.Header)
		}
		if r.StatusCode == 416 && (r.Header.Get("Content-Encoding") != "" || strings.Contains(r.Header.Get("Cache-Control"), "immutable")) {
			t.Errorf("%s: %v, want none of what the file has", tt.name, r.Header)
		}
	}
	plain := ask(t, built(), http.MethodGet, path, "If-None-Match", etag)
	if plain.StatusCode != http.StatusOK || text(t, plain) != "script" {
		t.Errorf("the ETag of gzip is taken for the plain file's: status %d", plain.StatusCode)
	}
}

// TestNotBuilt wants a hub without its page to say so, and to do all else.
func TestNotBuilt(t *testing.T) {
	alone := fstest.MapFS{"README.md": &fstest.MapFile{Data: []byte("a place")}}
	for _, path := range []string{"/", "/pods/shop/web-1"} {
		if r := ask(t, alone, http.MethodGet, path); r.StatusCode != http.StatusNotFound || !strings.Contains(text(t, r), "make page") {
			t.Errorf("GET %s: status %d, want 404 that says how to get the page", path, r.StatusCode)
		}
	}
	if r := ask(t, alone, http.MethodGet, "/api/v1/pods"); r.StatusCode != http.StatusTeapot {
		t.Errorf("GET /api/v1/pods: status %d, want it handed on", r.StatusCode)
	}
}

// TestEmbedded reads what this very binary has: the built page, or the place
// for it.
func TestEmbedded(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(http.HandlerFunc(next)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	switch body := w.Body.String(); w.Code {
	case http.StatusOK:
		if !strings.Contains(body, base) || !strings.Contains(body, "./assets/index-") {
			t.Errorf("the built index has no base or no script: %s", body)
		}
	case http.StatusNotFound:
		if body != notBuilt+"\n" { // http.Error ends the line
			t.Errorf("a hub without its page says %q", body)
		}
	default:
		t.Errorf("GET /: status %d", w.Code)
	}
}
