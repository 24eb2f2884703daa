// Package contract asks a running hub and holds what it answers against the
// OpenAPI document that it serves: paths, parameters, statuses, headers and
// every name of every answer. The document closes its schemas, so that a name
// it does not know is an error.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// A Contract is a hub's document, and where the hub is.
type Contract struct {
	base     string
	document *openapi3.T
	router   routers.Router
	client   *http.Client
}

// An Answer is what came of a request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Load reads the document of the hub at base, "http://127.0.0.1:8080", and
// checks that it is one. All requests are the client's, who says who asks.
func Load(ctx context.Context, base string, client *http.Client) (*Contract, error) {
	c := &Contract{base: base, client: client}
	answer, err := c.ask(ctx, http.MethodGet, "/api/v1/openapi.json", nil)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, fmt.Errorf("the document of %s: status %d: %s", base, answer.Status, answer.Body)
	}
	return c, c.use(ctx, answer.Body)
}

func (c *Contract) use(ctx context.Context, document []byte) (err error) {
	if c.document, err = openapi3.NewLoader().LoadFromData(document); err != nil {
		return fmt.Errorf("load the document of %s: %w", c.base, err)
	}
	if err := c.document.Validate(ctx); err != nil {
		return fmt.Errorf("the document of %s: %w", c.base, err)
	}
	if c.router, err = gorillamux.NewRouter(c.document); err != nil {
		return fmt.Errorf("route by the document of %s: %w", c.base, err)
	}
	return nil
}

// Paths returns the documented paths, in order.
func (c *Contract) Paths() []string { return slices.Sorted(maps.Keys(c.document.Paths.Map())) }

// Takes reports whether a documented path has the query parameter.
func (c *Contract) Takes(path, parameter string) bool {
	item := c.document.Paths.Value(path)
	return item.Get.Parameters.GetByInAndName("query", parameter) != nil || item.Parameters.GetByInAndName("query", parameter) != nil
}

// Get asks for a target, a path with its query, and returns the answer. The
// error says how the answer is not what the document says. A request that is
// answered by 200 must be documented as well.
func (c *Contract) Get(ctx context.Context, target string, header http.Header) (*Answer, error) {
	answer, err := c.ask(ctx, http.MethodGet, target, header)
	if err != nil {
		return nil, err
	}
	return answer, c.check(ctx, target, header, answer)
}

// Is reports how data, as JSON, is not what a schema of the document says.
func (c *Contract) Is(schema string, data []byte) error {
	ref := c.document.Components.Schemas[schema]
	if ref == nil {
		return fmt.Errorf("the document has no schema %s", schema)
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("parse %s: %w", schema, err)
	}
	if err := ref.Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		return fmt.Errorf("%s is not what is documented: %w", data, err)
	}
	return nil
}

func (c *Contract) ask(ctx context.Context, method, target string, header http.Header) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := c.request(ctx, method, target, header)
	if err != nil {
		return nil, err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the hub: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s: %w", target, err)
	}
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

func (c *Contract) request(ctx context.Context, method, target string, header http.Header) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+target, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", target, err)
	}
	if header != nil {
		req.Header = header.Clone()
	}
	return req, nil
}

func (c *Contract) check(ctx context.Context, target string, header http.Header, answer *Answer) error {
	req, err := c.request(ctx, http.MethodGet, target, header)
	if err != nil {
		return err
	}
	path, _, _ := strings.Cut(target, "?")
	req.URL.Scheme, req.URL.Host = "", "" // the document names no server
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return fmt.Errorf("%s is not documented: %w", path, err)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	input := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if answer.Status == http.StatusOK {
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("GET %s is answered and not documented: %w", target, err)
		}
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.Status, Header: answer.Header, Options: options,
	}
	if err := openapi3filter.ValidateResponse(ctx, response.SetBodyBytes(bytes.Clone(answer.Body))); err != nil {
		return fmt.Errorf("GET %s: the answer of status %d is not what is documented: %w", target, answer.Status, err)
	}
	return nil
}
