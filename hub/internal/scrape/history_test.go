package scrape_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// past answers as an agent that kept these.
func past(t *testing.T, kept ...*snapshot.Snapshot) http.HandlerFunc {
	body, err := snapshot.EncodeHistory(kept)
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
		_, _ = w.Write(body)
	}
}

func TestPast(t *testing.T) {
	first, second := sample("node1"), sample("node1")
	second.BootNanos, second.Time = 1e10, time.Unix(11, 0).UTC()
	var asked *http.Request
	answer := past(t, first, second)
	agent := hub.Agent{Node: "node1", URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		answer(w, r)
	}))}
	older := hub.Agent{Node: "node2", URL: serve(t, http.NotFoundHandler())}
	since, until := time.Unix(1_700_000_000, 5e6), time.Unix(1_700_000_600, 0)

	all := scraper(t, long).Past(t.Context(), []hub.PastQuery{{Agent: agent, Since: since, Until: until}, {Agent: older, Since: since, Until: until}})
	if err := errors.Join(all[0].Err, all[1].Err); err != nil {
		t.Fatal(err)
	}
	if all[1].History != nil {
		t.Error("an agent without a history has one")
	}
	var got []*snapshot.Snapshot
	for err := error(nil); err == nil; err = all[0].History.Next() {
		s, err := all[0].History.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if diff := cmp.Diff([]*snapshot.Snapshot{first, second}, got); diff != "" || all[0].Bytes == 0 {
		t.Errorf("%d bytes; (-want +got):\n%s", all[0].Bytes, diff)
	}
	if asked.URL.Path != "/snapshots" || asked.URL.RawQuery != "since=1700000000005&until=1700000600000" ||
		asked.Header.Get("Accept") != snapshot.ContentTypeHistory || asked.Header.Get("User-Agent") != "kubemon-hub/test" {
		t.Errorf("asked %s with %v", asked.URL, asked.Header)
	}
}

// TestPastRefuses has a row for each answer that is no history.
func TestPastRefuses(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"error", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"detail":"too many requests"}`)
		}, "answers 503 Service Unavailable with application/problem+json (too many requests), expected 200 with a history"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere", http.StatusFound)
		}, "answers 302 Found"},
		{"another type", text("text/html", "<html>"), "with text/html, expected application/vnd.kubemon.history"},
		{"JSON", text(snapshot.ContentTypeJSON, "[]"), "expected application/vnd.kubemon.history"},
		{"compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
		}, `encoding "gzip", which was not asked for`},
		{"another version", text(snapshot.ContentTypeHistory, "\x02"), "want version 1"},
		{"cut off", text(snapshot.ContentTypeHistory, "\x01\x02\x02\xff\x01"), "announces 255 bytes"},
		{"too long", endless, "answer is too large: at most 16777216 bytes are read"},
		{"announced too long", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99999999")
			w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
		}, "answer is too large: 99999999 bytes"},
		{"ends early", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Header().Set("Content-Type", snapshot.ContentTypeHistory)
			_, _ = io.WriteString(w, "\x01")
		}, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scraper(t, long).Past(t.Context(), []hub.PastQuery{{Agent: hub.Agent{URL: serve(t, tt.handler)}}})[0]
			if got.Err == nil || !strings.Contains(got.Err.Error(), tt.want) || got.History != nil {
				t.Errorf("%+v, want an error with %q", got, tt.want)
			}
		})
	}
}

// TestPastEnds asks agents that never answer: each costs its time, and nobody
// else's.
func TestPastEnds(t *testing.T) {
	silent := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	good := serve(t, past(t, sample("node1")))
	all := scraper(t, 50*time.Millisecond).Past(t.Context(), []hub.PastQuery{{Agent: hub.Agent{URL: silent}}, {Agent: hub.Agent{URL: "::"}}})
	if !errors.Is(all[0].Err, context.DeadlineExceeded) || all[1].Err == nil {
		t.Errorf("errors = %v, %v", all[0].Err, all[1].Err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := scraper(t, long).Past(ctx, []hub.PastQuery{{Agent: hub.Agent{URL: good}}})[0]; got.Err == nil {
		t.Error("an answer came after the end")
	}
}

// TestPastFallsBack asks the second address where nobody listens at the first.
func TestPastFallsBack(t *testing.T) {
	var asked atomic.Int32
	answer := past(t, sample("node1"))
	second := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer(w, r)
	}))
	got := scraper(t, long).Past(t.Context(), []hub.PastQuery{{Agent: hub.Agent{URL: "http://127.0.0.1:1", Fallback: second}}})[0]
	if got.Err != nil || len(got.History.Stamps) != 1 || asked.Load() != 1 {
		t.Errorf("%+v after %d questions", got, asked.Load())
	}
}
