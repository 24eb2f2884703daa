package access

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// tricks are spellings of a path that a router may take for it.
func tricks(path string) []string {
	inner := strings.TrimPrefix(path, "/")
	return []string{
		path, "/" + path, path + "/", path + "//", "/./" + inner, "/x/.." + path, "/healthz/.." + path, "/login/.." + path, "/assets/../.." + path,
		"/%2e" + path, "/%2e%2e" + path, "/healthz%2f..%2f" + inner, "/login%2F.." + path, "/%2F" + inner, strings.ReplaceAll(path, "/", "%2F"), strings.ReplaceAll(path, "/", "%5C"),
		"/healthz;" + path, path + ";/healthz", path + "%00", "/healthz%00" + path, path + "%00/healthz", strings.ToUpper(path), path + ".", path + "%20", path + "#/healthz", path + "?/healthz",
		"/\\" + inner, "\\" + inner, "/healthz\\.." + path, "http://hub" + path, "http://hub/healthz/.." + path, "//hub" + path, "*", "hub:80", "/login" + path, "/logout" + path, "/HEALTHZ", "/healthz/", "/healthz.", "/login/", "/login%00", "/%6cogin/../" + inner, inner,
	}
}

// TestNoSpellingPasses sends every route in every spelling, with every method,
// over a real connection and without a token: nobody inside hears of it.
func TestNoSpellingPasses(t *testing.T) {
	h := newHouse()
	server := httptest.NewServer(h.handler)
	defer server.Close()
	sent := 0
	for _, path := range []string{"/", "/assets/app.js", "/metrics", "/api/v1/pods", "/api/v1/nodes/node1", "/api/v1/namespaces/shop/pods/web", "/api/v1/events", "/api/v1/openapi.json", "/nothing"} {
		for _, trick := range tricks(path) {
			for _, method := range []string{"GET", "HEAD", "POST", "CONNECT", "OPTIONS", "TRACE", "get"} {
				h.mu.Lock()
				h.inside = nil
				h.mu.Unlock()
				status, body := raw(t, server.Listener.Addr().String(), method+" "+trick+" HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
				sent++
				h.mu.Lock()
				inside := h.inside
				h.mu.Unlock()
				for _, r := range inside {
					if !slices.Contains([]string{"/healthz", "/livez", "/readyz"}, r.RequestURI) || method != "GET" && method != "HEAD" {
						t.Errorf("%s %s got inside as %s: %d %s", method, trick, r.URL.Path, status, body)
					}
				}
				if status == http.StatusOK && strings.Contains(body, "for ") {
					t.Errorf("%s %s: %d %s", method, trick, status, body)
				}
			}
		}
	}
	if sent < 2000 {
		t.Errorf("only %d requests were sent", sent)
	}
}

// TestWhatIsOpenIsSpelledSo wants nothing else open than what is, in no other
// spelling and by no other method.
func TestWhatIsOpenIsSpelledSo(t *testing.T) {
	h := newHouse()
	server := httptest.NewUnstartedServer(h.handler)
	server.Config.DisableGeneralOptionsHandler = true // as in package daemon
	server.Start()
	defer server.Close()
	for line, want := range map[string]int{
		"GET /healthz": 200, "HEAD /livez": 200, "GET /readyz?x": 503, "GET /login": 200, "HEAD /login?next=/": 200,
		"POST /healthz": 401, "PUT /readyz": 401, "OPTIONS /livez": 401, "PUT /login": 401, "GET /logout": 401, "CONNECT /healthz": 401, "get /healthz": 401,
		"GET /%68ealthz": 401, "GET /health%7A": 401, "GET http://hub/healthz": 401, "GET /healthz/": 401, "GET //healthz": 401, "GET /healthz%3f": 401, "GET /healthz;": 401,
		"GET /%6cogin": 401, "GET http://hub/login": 401, "POST /login/": 401, "POST /%6Cogout": 401, "POST /LOGIN": 401, "OPTIONS *": 401,
	} {
		if status, body := raw(t, server.Listener.Addr().String(), line+" HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"); status != want {
			t.Errorf("%s: %d %s, want %d", line, status, body, want)
		}
	}
}

// raw sends bytes and returns the answer's status and body.
func raw(t *testing.T, address, request string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer response.Body.Close()
	data, _ := io.ReadAll(response.Body) // an answer to HEAD ends early
	return response.StatusCode, string(data)
}
