package scrape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// pastConcurrency is how many agents are asked for their past at a time. Nobody
// waits for it, so it leaves room for the rounds.
const pastConcurrency = 8

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
	return past
}

// fetchPast gets one history from the base address.
func (s *Scraper) fetchPast(ctx context.Context, q hub.PastQuery, base string) hub.Past {
	address, err := url.JoinPath(base, "snapshots")
	if err != nil {
		return hub.Past{Err: unreachable(base, err)}
	}
	period := url.Values{"since": {millis(q.Since.UnixMilli())}, "until": {millis(q.Until.UnixMilli())}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+period.Encode(), nil)
	if err != nil {
		return hub.Past{Err: unreachable(base, err)}
	}
	request.Header.Set("Accept", snapshot.ContentTypeHistory)
	request.Header.Set("User-Agent", s.userAgent)
	response, err := s.client.Do(request)
	if err != nil {
		return hub.Past{Err: fmt.Errorf("get %s: %w", address, s.plain(err))}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		drain(response.Body)
		return hub.Past{}
	}
	if err := checkPastHead(response); err != nil {
		return hub.Past{Err: fmt.Errorf("get %s: %w", address, err)}
	}
	body, err := readPast(response)
	if err != nil {
		return hub.Past{Err: fmt.Errorf("read %s: %w", address, s.plain(err)), Bytes: len(body)}
	}
	history, err := snapshot.DecodeHistory(body)
	if err != nil {
		return hub.Past{Err: failure{hub.FailureDecode, fmt.Errorf("read %s: %w", address, err)}, Bytes: len(body)}
	}
	return hub.Past{History: history, Bytes: len(body)}
}

func millis(n int64) string { return strconv.FormatInt(n, 10) }

// checkPastHead returns an error unless a history can follow.
func checkPastHead(r *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	status := strings.TrimSpace(fmt.Sprintf("%d %s", r.StatusCode, http.StatusText(r.StatusCode)))
	switch {
	case r.StatusCode != http.StatusOK:
		return failuref(hub.FailureStatus, "answers %s%s, expected 200 with a history", status, problemDetail(mediaType, r.Body))
	case mediaType != snapshot.ContentTypeHistory:
		drain(r.Body)
		return failuref(hub.FailureContentType, "answers %s with %q, expected %s", status, cut(mediaType), snapshot.ContentTypeHistory)
	case r.Header.Get("Content-Encoding") != "":
		drain(r.Body)
		return failuref(hub.FailureContentType, "answers with encoding %q, which was not asked for", cut(r.Header.Get("Content-Encoding")))
	}
	return nil
}

// readPast reads the whole body unless it is too large. Memory is spent on what
// has come.
func readPast(r *http.Response) ([]byte, error) {
	if r.ContentLength > snapshot.MaxHistoryBytes {
		return nil, failuref(hub.FailureTooLarge, "answer is too large: %d bytes, at most %d are read", r.ContentLength, snapshot.MaxHistoryBytes)
	}
	var body bytes.Buffer // its memory is the history's as long as that is used
	body.Grow(int(min(max(r.ContentLength, 0), maxGrownBytes)) + bytes.MinRead)
	n, err := body.ReadFrom(io.LimitReader(r.Body, snapshot.MaxHistoryBytes+1))
	if err != nil {
		return body.Bytes(), err
	}
	if n > snapshot.MaxHistoryBytes {
		return nil, failuref(hub.FailureTooLarge, "answer is too large: at most %d bytes are read", snapshot.MaxHistoryBytes)
	}
	return body.Bytes(), nil
}
