package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

const v1 = "/api/v1"

// goodRequests has at least one request for each documented path.
func goodRequests() []string {
	const shop = v1 + "/namespaces/shop"
	paths := []string{
		v1 + "/nodes", v1 + "/nodes/node1", v1 + "/nodes/node2", v1 + "/nodes/node1/pods",
		v1 + "/pods", v1 + "/pods?namespace=&node=", v1 + "/pods?namespace=shop&node=node1",
		v1 + "/namespaces", shop, shop + "/pods", shop + "/pods/web-1", shop + "/pods/db-0",
		shop + "/deployments", shop + "/deployments/web", shop + "/deployments/web/pods",
		shop + "/workloads", shop + "/workloads/Deployment/web", shop + "/workloads/statefulset/db", shop + "/workloads/deployment/web/pods",
		v1 + "/workloads", v1 + "/cluster", v1 + "/status", v1 + "/events", v1 + "/openapi.json", "/healthz", "/livez", "/readyz",
		v1 + "/pods?sort=-memory&limit=2&labelSelector=app%3Dweb",
		v1 + "/top?namespace=shop&node=node1&labelSelector=app%3Dweb",
		v1 + "/pods?window=5m&maxPoints=10", v1 + "/nodes?window=300", v1 + "/workloads?window=60&limit=1",
		v1 + "/nodes/node1?window=300&step=30s", v1 + "/cluster?window=60", shop + "?window=60", shop + "/deployments/web?window=1m",
		shop + "/pods/web-gone?window=60", shop + "/pods/bare-gone?window=60", shop + "/workloads/Job/job-gone?window=60", v1 + "/namespaces/space-gone?window=60",
	}
	for _, of := range []string{"pods", "containers", "nodes", "namespaces", "workloads"} {
		paths = append(paths, v1+"/top?by=memory&limit=3&of="+of)
	}
	return paths
}

// badRequests are refused, by the status they are refused with.
func badRequests() map[int][]string {
	return map[int][]string{
		http.StatusBadRequest: {
			v1 + "/nodes?windw=5m", v1 + "/pods?window=0", v1 + "/pods?window=2h", v1 + "/top?of=cars", v1 + "/status?limit=1",
			v1 + "/pods?limit=1001", v1 + "/openapi.json?x=1", v1 + "/pods?limit=%zz", v1 + "/cluster?step=10s",
		},
		http.StatusNotFound: {
			v1 + "/nodes/no-such", v1 + "/nodes/no-such/pods", v1 + "/namespaces/no-such", v1 + "/namespaces/no-such/pods",
			v1 + "/namespaces/shop/pods/no-such", v1 + "/namespaces/shop/pods/no-such?window=60", v1 + "/namespaces/no-such/pods/web-1",
			v1 + "/namespaces/shop/deployments/no-such", v1 + "/namespaces/shop/deployments/db", v1 + "/pods?namespace=no-such", v1 + "/pods?node=no-such",
			v1 + "/namespaces/shop/workloads/Deployment/no-such/pods", v1 + "/workloads?namespace=no-such",
		},
	}
}

func testReader() *reader {
	return &reader{view: testView(), gone: map[string]hub.Series{
		"web-gone": {Kind: hub.KindPod, Namespace: "shop", Pod: "web-gone", PodUID: "uid-gone", Node: "node1", OwnerKind: "Deployment", OwnerName: "web"},
	}}
}

// loadDocument reads the document as the handler serves it.
func loadDocument(t *testing.T, h http.Handler) *openapi3.T {
	t.Helper()
	w := get(h, v1+"/openapi.json")
	document, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatalf("load openapi.json: %v", err)
	}
	return document
}

// A checker holds answers against a document.
type checker struct{ router routers.Router }

func newChecker(t *testing.T, document *openapi3.T) checker {
	t.Helper()
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.RegisteredBodyDecoder("text/plain"))
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatalf("route by openapi.json: %v", err)
	}
	return checker{router}
}

// check returns how a request and its answer differ from the document, and
// which documented path it was. A request that was refused is not checked.
func (c checker) check(ctx context.Context, req *http.Request, w *httptest.ResponseRecorder) (path string, err error) {
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return "", fmt.Errorf("find route: %w", err)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if w.Code == http.StatusOK {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return route.Path, err
		}
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: w.Code, Header: w.Result().Header, Options: options,
	}
	return route.Path, openapi3filter.ValidateResponse(ctx, answer.SetBodyBytes(bytes.Clone(w.Body.Bytes())))
}

func (c checker) get(ctx context.Context, h http.Handler, target string, status int) (string, error) {
	w := get(h, target)
	if w.Code != status {
		return "", fmt.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	return c.check(ctx, httptest.NewRequest(http.MethodGet, target, nil), w)
}

func TestRoutesAndDocumentAgree(t *testing.T) {
	document := loadDocument(t, handler(t, testReader()))
	if err := document.Validate(t.Context()); err != nil {
		t.Errorf("openapi.json is not valid: %v", err)
	}
	got, want := rest.Paths(), slices.Sorted(maps.Keys(document.Paths.Map()))
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes differ from the document (-document +routes):\n%s", diff)
	}
}

func TestAnswersAndDocumentAgree(t *testing.T) {
	h := handler(t, testReader())
	document := loadDocument(t, h)
	c := newChecker(t, document)
	seen := make(map[string]bool)
	for _, target := range goodRequests() {
		path, err := c.get(t.Context(), h, target, http.StatusOK)
		if err != nil {
			t.Errorf("GET %s: %v", target, err)
		}
		seen[path] = true
	}
	for path := range document.Paths.Map() {
		if !seen[path] {
			t.Errorf("no good request for %s", path)
		}
	}
	for status, targets := range badRequests() {
		for _, target := range targets {
			if strings.Contains(target, "%zz") {
				continue // the checker itself cannot read it; see TestProblems
			}
			if _, err := c.get(t.Context(), h, target, status); err != nil {
				t.Errorf("GET %s: %v", target, err)
			}
		}
	}
}

func TestUnreadyAndBrokenAnswersAgree(t *testing.T) {
	c := newChecker(t, loadDocument(t, handler(t, testReader())))
	unready := handler(t, &reader{err: hub.ErrNotReady})
	broken := handler(t, &reader{view: testView(), broken: errors.New("disk on fire")})
	for _, target := range goodRequests() {
		if !strings.HasPrefix(target, v1) && target != "/readyz" || target == v1+"/openapi.json" || target == v1+"/events" {
			continue
		}
		if _, err := c.get(t.Context(), unready, target, http.StatusServiceUnavailable); err != nil {
			t.Errorf("GET %s before the first round: %v", target, err)
		}
		if !strings.Contains(target, "window") {
			continue
		}
		if _, err := c.get(t.Context(), broken, target, http.StatusInternalServerError); err != nil {
			t.Errorf("GET %s with a broken window: %v", target, err)
		}
	}
}

// TestCheckCanFail changes the document, one thing at a time, and wants the
// check to notice.
func TestCheckCanFail(t *testing.T) {
	h := handler(t, testReader())
	unchanged := newChecker(t, loadDocument(t, h))
	schema := func(d *openapi3.T, name string) *openapi3.Schema { return d.Components.Schemas[name].Value }
	tests := []struct {
		name, target string
		change       func(d *openapi3.T)
	}{
		{"a field of an item", v1 + "/pods", func(d *openapi3.T) { delete(schema(d, "Pod").Properties, "phase") }},
		{"a field of all items", v1 + "/nodes/node1", func(d *openapi3.T) { delete(schema(d, "Item").Properties, "limits") }},
		{"a metric", v1 + "/cluster", func(d *openapi3.T) { delete(schema(d, "Usage").Properties, "pids") }},
		{"a metric's null", v1 + "/pods", func(d *openapi3.T) { schema(d, "Value").Type = &openapi3.Types{"number"} }},
		{"a device's field", v1 + "/nodes/node1", func(d *openapi3.T) {
			delete(schema(d, "Devices").Properties["disks"].Value.Items.Value.Properties, "busyRatio")
		}},
		{"an agent's field", v1 + "/status", func(d *openapi3.T) { delete(schema(d, "Agent").Properties, "bytes") }},
		{"a series' column", v1 + "/cluster?window=60", func(d *openapi3.T) { delete(schema(d, "Series").Properties, "reporting") }},
		{"a required field", v1 + "/pods", func(d *openapi3.T) {
			s := schema(d, "Item")
			s.Required = append(s.Required, "colour")
		}},
		{"the kind of a list", v1 + "/top?of=containers", func(d *openapi3.T) {
			s := schema(d, "Top")
			s.OneOf = s.OneOf[:len(s.OneOf)-1]
		}},
		{"a problem's field", v1 + "/nodes?x=1", func(d *openapi3.T) { delete(schema(d, "Problem").Properties, "parameter") }},
		{"a header", v1 + "/pods", func(d *openapi3.T) {
			d.Components.Responses["PodList"].Value.Headers["Vary"].Value.Schema.Value.Const = "Cookie"
		}},
		{"a missing header", v1 + "/nodes?x=1", func(d *openapi3.T) {
			r := d.Components.Responses["BadRequest"].Value
			r.Headers["Etag"] = d.Components.Responses["PodList"].Value.Headers["ETag"]
		}},
		{"a status", v1 + "/nodes/no-such", func(d *openapi3.T) { d.Paths.Value("/api/v1/nodes/{node}").Get.Responses.Delete("404") }},
		{"a path", v1 + "/top", func(d *openapi3.T) { d.Paths.Delete("/api/v1/top") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status := get(h, tt.target).Code
			if _, err := unchanged.get(t.Context(), h, tt.target, status); err != nil {
				t.Fatalf("fails unchanged: %v", err)
			}
			document := loadDocument(t, h)
			tt.change(document)
			if _, err := newChecker(t, document).get(t.Context(), h, tt.target, status); err == nil {
				t.Error("the check did not notice the change")
			}
		})
	}
}

// TestParametersAndDocumentAgree asks every path with every parameter: it is
// taken exactly where it is documented.
func TestParametersAndDocumentAgree(t *testing.T) {
	h := handler(t, testReader())
	document := loadDocument(t, h)
	c := newChecker(t, document)
	values := map[string]string{
		"window": "60", "step": "10&window=60", "maxPoints": "5&window=60", "sort": "-cpu", "limit": "5", "continue": "",
		"labelSelector": "app%3Dweb", "namespace": "shop", "node": "node1", "of": "pods", "by": "cpu", "fields": "name",
	}
	for _, target := range goodRequests() {
		if strings.Contains(target, "?") || !strings.HasPrefix(target, v1) {
			continue
		}
		path, err := c.get(t.Context(), h, target, http.StatusOK)
		if err != nil {
			t.Fatal(err)
		}
		documented := make(map[string]bool)
		item := document.Paths.Value(path)
		for _, p := range append(item.Parameters, item.Get.Parameters...) {
			if p.Value.In == "query" {
				documented[p.Value.Name] = true
				if values[p.Value.Name] == "" && p.Value.Name != "continue" {
					t.Errorf("%s: this test has no value for %s", path, p.Value.Name)
				}
			}
		}
		for name, value := range values {
			w := get(h, target+"?"+name+"="+value)
			if taken := w.Code == http.StatusOK; taken != documented[name] {
				t.Errorf("GET %s with %s: status %d, documented: %v", target, name, w.Code, documented[name])
			}
		}
	}
}
