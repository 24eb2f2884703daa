package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/e2e/contract"
)

const document = `{
  "openapi": "3.1.0", "info": {"title": "t", "version": "v1"},
  "components": {"schemas": {"Tick": {"type": "object", "properties": {"number": {"type": "integer"}}, "additionalProperties": false}}},
  "paths": {
    "/api/v1/openapi.json": {"get": {"responses": {"200": {"description": "this"}}}},
    "/api/v1/nodes/{node}": {
      "parameters": [{"name": "node", "in": "path", "required": true, "schema": {"type": "string"}}],
      "get": {
        "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
        "responses": {
          "200": {"description": "one", "headers": {"ETag": {"required": true, "schema": {"type": "string"}}}, "content": {"application/json": {"schema":
            {"type": "object", "required": ["name"], "allOf": [{"properties": {"name": {"type": "string"}}}], "unevaluatedProperties": false}}}},
          "404": {"description": "none"}}}}}}`

// TestWhatIsNotDocumentedIsAnError answers in ways that the document has, and
// in ways that it has not.
func TestWhatIsNotDocumentedIsAnError(t *testing.T) {
	tests := []struct {
		name, target string
		status       int
		etag, body   string
		want         string // of the error
	}{
		{"good", "/api/v1/nodes/a?limit=1", 200, `"1"`, `{"name":"a"}`, ""},
		{"documented error", "/api/v1/nodes/b", 404, "", "", ""},
		{"unknown name", "/api/v1/nodes/a", 200, `"1"`, `{"name":"a","colour":"red"}`, "not what is documented"},
		{"missing name", "/api/v1/nodes/a", 200, `"1"`, `{}`, "not what is documented"},
		{"wrong type", "/api/v1/nodes/a", 200, `"1"`, `{"name":1}`, "not what is documented"},
		{"missing header", "/api/v1/nodes/a", 200, "", `{"name":"a"}`, "ETag"},
		{"unknown status", "/api/v1/nodes/a", 500, "", "", "500"},
		{"unknown path", "/api/v1/pods", 200, "", "", "/api/v1/pods is not documented"},
		{"wrong parameter is answered", "/api/v1/nodes/a?limit=x", 200, `"1"`, `{"name":"a"}`, "is answered and not documented"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path == "/api/v1/openapi.json" {
					fmt.Fprint(w, document)
					return
				}
				if tt.etag != "" {
					w.Header().Set("ETag", tt.etag)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			}))
			defer hub.Close()
			c, err := contract.Load(t.Context(), hub.URL, hub.Client())
			if err != nil {
				t.Fatal(err)
			}
			answer, err := c.Get(t.Context(), tt.target, nil)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("GET %s: %v, want %q", tt.target, err, tt.want)
			}
			if answer == nil || answer.Status != tt.status || string(answer.Body) != tt.body {
				t.Errorf("GET %s = %+v", tt.target, answer)
			}
			if diff := cmp.Diff([]string{"/api/v1/nodes/{node}", "/api/v1/openapi.json"}, c.Paths()); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
			for data, good := range map[string]bool{`{"number":1}`: true, `{"number":"1"}`: false, `{"n":1}`: false, `{`: false} {
				if err := c.Is("Tick", []byte(data)); (err == nil) != good {
					t.Errorf("Is Tick %s: %v", data, err)
				}
			}
			if err := c.Is("Tock", []byte("{}")); err == nil {
				t.Error("a schema that there is not is taken")
			}
			if !c.Takes("/api/v1/nodes/{node}", "limit") || c.Takes("/api/v1/nodes/{node}", "node") || c.Takes("/api/v1/openapi.json", "limit") {
				t.Error("Takes does not see which path has which parameter")
			}
		})
	}
}

// TestAHubThatRefusesHasNoDocument says what the hub said.
func TestAHubThatRefusesHasNoDocument(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you", http.StatusUnauthorized)
	}))
	defer hub.Close()
	if _, err := contract.Load(t.Context(), hub.URL, http.DefaultClient); err == nil || !strings.Contains(err.Error(), "401: who are you") {
		t.Errorf("a hub that knows nobody: %v", err)
	}
}
