package rest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// plainTargets returns one good request without a query for each documented
// path.
func plainTargets(t *testing.T, c checker) map[string]string {
	t.Helper()
	targets := make(map[string]string)
	for _, target := range goodRequests() {
		if strings.Contains(target, "?") {
			continue
		}
		route, _, err := c.router.FindRoute(httptest.NewRequest(http.MethodGet, target, nil))
		if err != nil {
			t.Fatalf("GET %s: %v", target, err)
		}
		targets[route.Path] = target
	}
	targets[v1+"/top"] = v1 + "/top"
	return targets
}

// parametersOf are the documented query parameters of a path.
func parametersOf(document *openapi3.T, path string) []string {
	item := document.Paths.Value(path)
	var names []string
	for _, p := range append(slices.Clone(item.Parameters), item.Get.Parameters...) {
		if p.Value.In == "query" {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

// TestEveryParameterRefusesNonsense gives every parameter of every path what it
// cannot take, and wants a documented 400 that names it.
func TestEveryParameterRefusesNonsense(t *testing.T) {
	h := handler(t, testReader())
	document := loadDocument(t, h)
	c := newChecker(t, document)
	values := map[string][]string{
		"window": {"", "0", "2h", "soon"}, "step": {"0&window=60", "61&window=60", "10s"}, "maxPoints": {"0&window=60", "x&window=60", "5"},
		"sort": {"beauty", "--cpu"}, "limit": {"0", "-1", "1001", "many", ""}, "continue": {"xyz", "e30", "%21"},
		"labelSelector": {"broken"}, "namespace": {"%00"}, "node": {"%ff"}, "of": {"planets", ""}, "by": {"beauty", "name", ""},
		"fields": {"colour", "name,colour", "usage.colour", "name.x", ",", "usage."},
	}
	for path, target := range plainTargets(t, c) {
		for _, name := range parametersOf(document, path) {
			if values[name] == nil {
				t.Errorf("this test has no values for %s", name)
			}
			for _, value := range append(values[name], "a&"+name+"=b", "%0A", "%C3%28") {
				w := get(h, target+"?"+name+"="+value)
				p := decode[problem](t, w, http.StatusBadRequest)
				if p.Parameter != name {
					t.Errorf("GET %s?%s=%s blames %q: %s", target, name, value, p.Parameter, p.Detail)
				}
				if _, err := c.check(t.Context(), httptest.NewRequest(http.MethodGet, target, nil), w); err != nil {
					t.Errorf("GET %s?%s=%s: %v", target, name, value, err)
				}
			}
		}
	}
}

// TestEveryPathOnlyReads sends every path what changes things.
func TestEveryPathOnlyReads(t *testing.T) {
	h := handler(t, testReader())
	c := newChecker(t, loadDocument(t, h))
	for _, target := range plainTargets(t, c) {
		for _, method := range []string{http.MethodPost, http.MethodDelete, "TRACE", "BREW"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader("x")))
			if w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: status %d", method, target, w.Code)
			}
			if _, err := c.check(t.Context(), httptest.NewRequest(http.MethodGet, target, nil), w); err != nil {
				t.Errorf("%s %s: %v", method, target, err)
			}
		}
	}
}

// TestEveryHeadIsItsGet wants of a HEAD what a GET would have, but for the body
// and how long it took.
func TestEveryHeadIsItsGet(t *testing.T) {
	h := handler(t, testReader())
	targets := slices.Concat(goodRequests(), badRequests()[http.StatusBadRequest], badRequests()[http.StatusNotFound])
	server := httptest.NewServer(h)
	defer server.Close()
	for _, target := range targets {
		for _, accepts := range []string{"identity", "gzip", "zstd"} {
			var headers []http.Header
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				req, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, nil)
				if err != nil {
					continue // TestProblems asks for what cannot be written
				}
				req.Header.Set("Accept-Encoding", accepts)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				for _, own := range []string{"Date", "Server-Timing"} {
					resp.Header.Del(own)
				}
				if target == v1+"/events" {
					resp.Header.Del("Content-Length") // a HEAD has none to come
				}
				headers = append(headers, resp.Header)
			}
			if len(headers) == 2 && fmt.Sprint(headers[0]) != fmt.Sprint(headers[1]) {
				t.Errorf("%s %s: GET has %v,\nHEAD %v", target, accepts, headers[0], headers[1])
			}
		}
	}
}

// relax takes out of a document's schemas what is required: with fields an
// answer has only what was asked for.
func relax(document *openapi3.T) {
	seen := make(map[*openapi3.Schema]bool)
	var visit func(refs ...*openapi3.SchemaRef)
	visit = func(refs ...*openapi3.SchemaRef) {
		for _, ref := range refs {
			if ref == nil || ref.Value == nil || seen[ref.Value] {
				continue
			}
			s := ref.Value
			seen[s] = true
			s.Required = nil
			visit(s.Items)
			visit(s.AllOf...)
			visit(s.OneOf...)
			visit(slices.Collect(maps.Values(s.Properties))...)
		}
	}
	for name, ref := range document.Components.Schemas {
		if name != "Answer" && name != "List" {
			visit(ref)
		}
	}
	document.Components.Schemas["Answer"].Value.Required = []string{"apiVersion", "time"}
}

// TestFieldsAndDocumentAgree asks for single names on every path that takes
// fields, and wants an answer with those alone.
func TestFieldsAndDocumentAgree(t *testing.T) {
	h := handler(t, testReader())
	document := loadDocument(t, h)
	relax(document)
	c := newChecker(t, document)
	for path, target := range plainTargets(t, c) {
		if !slices.Contains(parametersOf(document, path), "fields") {
			continue
		}
		for _, names := range []string{"name", "usage.cpuMillicores,status.state", "usage,usage.pids", "usage.pressure.ioSome", "unavailable"} {
			w := get(h, target+"?fields="+names)
			if _, err := c.check(t.Context(), httptest.NewRequest(http.MethodGet, target+"?fields="+names, nil), w); err != nil {
				t.Errorf("GET %s?fields=%s: %v", target, names, err)
			}
			answer := decode[map[string]any](t, w, http.StatusOK)
			items, isList := answer["items"].([]any)
			if !isList {
				for _, name := range []string{"apiVersion", "kind", "time"} {
					if answer[name] == nil {
						t.Errorf("GET %s?fields=%s lacks %s", target, names, name)
					}
					delete(answer, name)
				}
				items = []any{answer}
			}
			for _, item := range items {
				if extra := without(item, strings.Split(names, ",")); len(extra) > 0 {
					t.Errorf("GET %s?fields=%s also has %v", target, names, extra)
				}
			}
		}
	}
}

// without returns which names of the item nobody asked for.
func without(item any, names []string) []string {
	var extra []string
	for name := range flatten("", item) {
		if !slices.ContainsFunc(names, func(n string) bool {
			return name == n || strings.HasPrefix(name, n+".") || strings.HasPrefix(n, name+".")
		}) {
			extra = append(extra, name)
		}
	}
	return extra
}

// flatten returns the dotted names of all that a JSON value has, with the value
// of each that has no names in it.
func flatten(prefix string, value any) map[string]any {
	flat := make(map[string]any)
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			maps.Copy(flat, flatten(strings.TrimPrefix(prefix+"."+name, "."), inner))
		}
		return flat
	case []any:
		for _, inner := range value {
			maps.Copy(flat, flatten(prefix, inner))
		}
		if len(flat) > 0 {
			return flat
		}
	}
	flat[prefix] = value
	return flat
}

// TestFieldsKeepTheirValues wants what is left to be what it was.
func TestFieldsKeepTheirValues(t *testing.T) {
	h := handler(t, testReader())
	for target, names := range map[string]string{
		"/pods?window=60":        "name,owner.kind,usage.pids,series.times,series.pressure.cpuSome,containers.name",
		"/nodes/node1?window=60": "disks.device,disks.busyRatio,agent,processes,series.cpuMillicores,summary.pids.p95",
		"/top?of=containers":     "pod,owner,usage.diskReadBytes", "/cluster?": "nodes.count,capacity,usage.pressure",
	} {
		whole := decode[map[string]any](t, get(h, v1+target), http.StatusOK)
		cut := decode[map[string]any](t, get(h, v1+target+"&fields="+names), http.StatusOK)
		if len(flatten("", cut)) < 3+strings.Count(names, ",") {
			t.Errorf("GET %s with fields %s has only %v", target, names, flatten("", cut))
		}
		for name, value := range flatten("", cut) {
			if want, _ := json.Marshal(flatten("", whole)[name]); mustJSON(t, value) != string(want) {
				t.Errorf("GET %s: %s is %s, was %s", target, name, mustJSON(t, value), want)
			}
		}
	}
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestPathTricks sends paths that some routers clean, redirect or decode.
func TestPathTricks(t *testing.T) {
	h := handler(t, testReader())
	for target, names := range map[string]string{
		"//api/v1/pods": "//api/v1/pods", v1 + "//pods": v1 + "//pods", v1 + "/nodes/../pods": "..", v1 + "/nodes/..": "..", v1 + "/nodes/.": `"."`,
		v1 + "/nodes/%2e%2e%2fpods": "../pods", v1 + "/nodes/node1%2Fpods": "node1/pods", v1 + "/nodes/%00": `\x00`,
		v1 + "/namespaces//pods": "", v1 + "/nodes/node1/": "", "/API/V1/pods": "/API/V1/pods", v1 + "/pods;x=1": "pods;x=1",
		v1 + "/nodes/%ff": `\xff`, v1 + "/nodes/%3Cscript%3E": "<script>", v1 + "/nodes/a%0d%0aSet-Cookie:x": `\r\n`,
	} {
		w := get(h, target)
		p := decode[problem](t, w, http.StatusNotFound)
		if !strings.Contains(p.Detail, names) || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Location") != "" {
			t.Errorf("GET %s: %v %s", target, w.Header(), w.Body)
		}
	}
	long := get(h, v1+"/pods?labelSelector=app%3D"+strings.Repeat("x", 5000))
	if p := decode[problem](t, long, http.StatusBadRequest); !strings.Contains(p.Detail, "at most 4096") {
		t.Errorf("a long query: %s", p.Detail)
	}
}
