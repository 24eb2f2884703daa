package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

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
	// retryAfter is when to ask again, of a 503.
	retryAfter time.Duration
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
	p := newProblem(http.StatusServiceUnavailable, "%s", detail)
	p.retryAfter = 5 * time.Second
	return p
}

// busy says of what there is too much at once.
func busy(format string, args ...any) *problem {
	p := newProblem(http.StatusServiceUnavailable, format, args...)
	p.retryAfter = time.Second
	return p
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
	case errors.Is(err, context.DeadlineExceeded):
		return busy("the answer takes longer than %s; ask for less, or again in a moment", buildTime)
	case errors.Is(err, echo.ErrNotFound):
		return newProblem(http.StatusNotFound, "there is no path %q; /api/v1/openapi.json says which there are", path)
	}
	return newProblem(http.StatusInternalServerError, "the hub could not answer; its log says why")
}

// errGone is the error of a client that does not take its answer.
var errGone = errors.New("the client is gone")

// statusGone is never sent: requests are counted by it whose client left before
// the answer did, as nginx does.
const statusGone = 499

// isGone reports whether err says that the client left.
func isGone(err error, r *http.Request) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled) || errors.Is(err, errGone)
}

// fail is where every error of a handler ends.
func (s *server) fail(err error, c echo.Context) {
	r := c.Request()
	if isGone(err, r) {
		return // Nobody is left to tell.
	}
	p := *problemOf(err, r.URL.Path)
	p.Instance = r.URL.EscapedPath()
	if p.Status == http.StatusInternalServerError {
		s.Log.Error("request failed", "path", r.URL.Path, "err", err)
	}
	if c.Response().Committed {
		return
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	if p.retryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(p.Status, "application/problem+json", append(body, '\n'))
	}
	if err != nil {
		s.Log.Debug("write problem", "path", r.URL.Path, "err", err)
	}
}
