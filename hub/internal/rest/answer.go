package rest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

const apiVersion = "kubemon.io/v1"

// A request is one question to one round, of which the view has what the reader
// may see.
type request struct {
	http  *http.Request
	view  *hub.View
	items *items
	query query
	// param returns a name from the path.
	param func(name string) string
}

// answer makes a handler of build. It is the one way to a round: readiness, what
// the reader may see of it, ETag, the checking of parameters and what is kept of
// answers are here.
func (s *server) answer(r rules, build func(*request) (*body, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		view, err := s.Reader.View()
		if err != nil {
			return fmt.Errorf("take the latest round: %w", err)
		}
		scope, err := s.scope(c.Request())
		if err != nil {
			return err
		}
		d := delivery{
			tag: answerTag(view.Round, c.Request().URL) + scope.key, began: time.Now(),
			round: view.Round.Number, readTime: readTimeOf(view.Round),
		}
		if d.isHeld(c.Request().Header, false) {
			return d.notModified(c)
		}
		share := s.rounds.of(view).share(scope, s.Restrict)
		question := scope.key + c.Request().URL.EscapedPath() + "?" + c.Request().URL.RawQuery
		answer, built, err := share.answer(c.Request().Context(), question, share.kept, func() (*body, error) {
			return s.build(c, r, share, build)
		})
		if err != nil {
			return err
		}
		d.body, d.built = answer.value, built
		d.tag += d.body.tag
		if d.isHeld(c.Request().Header, true) {
			return d.notModified(c)
		}
		return s.deliver(c, &d, func(more int) bool { return share.grow(question, answer, more) })
	}
}

// buildTime bounds the work for one answer. It goes on when the client leaves,
// as others may wait for the same.
const buildTime = 10 * time.Second

func (s *server) build(c echo.Context, r rules, of *share, build func(*request) (*body, error)) (*body, error) {
	r.window, r.selector = of.view.Round.Window, s.Selector
	q, err := r.parse(c.Request().URL.RawQuery)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), buildTime)
	defer cancel()
	work := s.work
	if q.window > 0 {
		work = s.histories
	}
	leave, err := work.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	b, err := build(&request{
		http: c.Request().WithContext(ctx), view: of.cut(), items: of.items, query: q,
		param: func(name string) string { return param(c, name) },
	})
	if err == nil && q.window > 0 {
		b.addTag()
	}
	return b, err
}

// fixed serves a document that changes with the program only.
func (s *server) fixed(document []byte) echo.HandlerFunc {
	answer := newBody(0, document)
	tag := hashOf(string(document))
	return func(c echo.Context) error {
		if _, err := (rules{}).parse(c.Request().URL.RawQuery); err != nil {
			return err
		}
		d := delivery{tag: tag, body: answer}
		if d.isHeld(c.Request().Header, true) {
			return d.notModified(c)
		}
		return s.deliver(c, &d, func(int) bool { return true })
	}
}
