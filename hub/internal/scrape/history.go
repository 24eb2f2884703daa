package scrape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// pastConcurrency is how many agents are asked for their past at a time. Nobody
// waits for it, so it leaves room for the rounds.
const pastConcurrency = 8

// histories asks for what an agent kept.
func histories() question {
	return question{
		path: "snapshots", what: "a history", accept: snapshot.ContentTypeHistory,
		types: []string{snapshot.ContentTypeHistory}, most: snapshot.MaxHistoryBytes,
	}
}

// Past asks each agent once for the snapshots that it kept, and returns one Past
// for each query, in order. An agent of before there was a history, or that
// keeps none, has none; every other answer that is no history is an error. Of
// its snapshots nothing is known before they are decoded but when they were
// made.
func (s *Scraper) Past(ctx context.Context, queries []hub.PastQuery) []hub.Past {
	all := make([]hub.Past, len(queries))
	var g errgroup.Group // tasks return no error: one agent must not cancel the others
	g.SetLimit(pastConcurrency)
	for i, query := range queries {
		g.Go(func() error {
			all[i] = s.askPast(ctx, query)
			return nil
		})
	}
	_ = g.Wait()
	return all
}

func (s *Scraper) askPast(ctx context.Context, q hub.PastQuery) hub.Past {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	past := s.fetchPast(ctx, q, q.Agent.URL)
	if _, noConnection := errors.AsType[dialError](past.Err); noConnection && q.Agent.Fallback != "" {
		past = s.fetchPast(ctx, q, q.Agent.Fallback)
	}
	past.Err = s.presentable(q.Agent, past.Err)
	return past
}

// fetchPast gets one history from the base address.
func (s *Scraper) fetchPast(ctx context.Context, q hub.PastQuery, base string) hub.Past {
	asked := histories()
	period := url.Values{"since": {millis(q.Since.UnixMilli())}, "until": {millis(q.Until.UnixMilli())}}
	response, address, err := s.get(ctx, q.Agent, base, asked, period)
	if err != nil {
		return hub.Past{Err: err}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		drain(response.Body)
		return hub.Past{}
	}
	if err := asked.checkHead(response); err != nil {
		return hub.Past{Err: fmt.Errorf("get %s: %w", address, err)}
	}
	var body bytes.Buffer // its memory is the history's as long as that is used
	if err := asked.readBody(response, &body); err != nil {
		return hub.Past{Err: fmt.Errorf("read %s: %w", address, s.plain(err)), Bytes: body.Len()}
	}
	history, err := snapshot.DecodeHistory(body.Bytes())
	if err != nil {
		return hub.Past{Err: failuref(hub.FailureDecode, "read %s: %w", address, Unquoted(err)), Bytes: body.Len()}
	}
	return hub.Past{History: history, Bytes: body.Len()}
}

func millis(n int64) string { return strconv.FormatInt(n, 10) }
