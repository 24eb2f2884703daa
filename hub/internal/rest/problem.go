package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// A problem is an error as the client reads it, by RFC 9457. Its type is
// always about:blank, so the title is the status's own text.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	// Parameter is the query parameter that is wrong.
	Parameter string `json:"parameter,omitempty"`
}

func (p *problem) Error() string { return p.Detail }

func newProblem(status int, format string, args ...any) *problem {
	return &problem{
		Type:   "about:blank",
		Title:  http.StatusText(status),
		Status: status,
		Detail: fmt.Sprintf(format, args...),
	}
}

// badParameter says what is wrong with a query parameter, and what it takes.
func badParameter(name, format string, args ...any) *problem {
	p := newProblem(http.StatusBadRequest, "%s: %s", name, fmt.Sprintf(format, args...))
	p.Parameter = name
	return p
}

func unavailable(detail string) *problem {
	return newProblem(http.StatusServiceUnavailable, "%s", detail)
}

// problemOf maps an error to what the client may know of it. The text of an
// error that rest did not expect stays in the log.
func problemOf(err error, path string) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, hub.ErrNotReady):
		return unavailable("the hub has not finished its first round yet; ask again in a few seconds")
	case errors.Is(err, echo.ErrNotFound):
		return newProblem(http.StatusNotFound, "there is no path %q; /api/v1/openapi.json says which there are", path)
	}
	return newProblem(http.StatusInternalServerError, "the hub could not answer; its log says why")
}

// fail is where every error of a handler ends.
func (s *server) fail(err error, c echo.Context) {
	r := c.Request()
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // The client has gone; nobody is left to tell.
	}
	p := *problemOf(err, r.URL.Path)
	p.Instance = r.URL.EscapedPath()
	if p.Status == http.StatusInternalServerError {
		s.Log.Error("request failed", "path", r.URL.Path, "err", err)
	}
	if c.Response().Committed {
		return
	}
	if p.Status == http.StatusServiceUnavailable {
		c.Response().Header().Set(echo.HeaderRetryAfter, "5")
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(p.Status, "application/problem+json", append(body, '\n'))
	}
	if err != nil {
		s.Log.Debug("write problem", "path", r.URL.Path, "err", err)
	}
}
