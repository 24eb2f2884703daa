package scrape_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/shared/snapshot"
)

func sample(node string) *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: node, BootID: "b", BootNanos: 1, Time: time.Unix(1, 0).UTC(),
		Agent:  snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{}}},
		Slices: []snapshot.Slice{}, Pods: []snapshot.Pod{}, Containers: []snapshot.Container{},
		Processes: []snapshot.Process{}, Warnings: []snapshot.Warning{},
	}
}

// answer serves node's snapshot in the encoding that the request asks for, or
// in the one given.
func answer(t *testing.T, node, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		chosen := contentType
		if chosen == "" {
			chosen = snapshot.Negotiate(r.Header.Get("Accept"))
		}
		body, err := snapshot.Encode(sample(node), chosen)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", chosen)
		_, _ = w.Write(body)
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func scraper(t *testing.T, timeout time.Duration) *scrape.Scraper {
	s := scrape.New(scrape.Config{Timeout: timeout, Interval: time.Second, UserAgent: "kubemon-hub/test", Trust: scrape.Pinned{}})
	t.Cleanup(s.Close)
	return s
}

// long is a deadline that no test reaches.
const long = time.Minute

func TestRoundKeepsOrderAndFailsAlone(t *testing.T) {
	var agents []hub.Agent
	var want []string
	for i := range 100 { // more than are asked at a time
		node := "node" + strconv.Itoa(i)
		switch i % 3 {
		case 0:
			agents = append(agents, hub.Agent{Node: node, URL: serve(t, answer(t, node, ""))})
			want = append(want, node)
		case 1:
			agents = append(agents, hub.Agent{Node: node, URL: serve(t, http.NotFoundHandler())})
			want = append(want, "error")
		case 2:
			agents = append(agents, hub.Agent{URL: serve(t, answer(t, node, "")) + "/"})
			want = append(want, node)
		}
	}
	results := round(t.Context(), scraper(t, long), agents)
	var got []string
	for i, r := range results {
		if diff := cmp.Diff(agents[i], r.Agent); diff != "" {
			t.Fatalf("result %d is of another agent:\n%s", i, diff)
		}
		if (r.Err == nil) == (r.Snapshot == nil) || (r.Err == nil) != (r.Failure == "") || r.Started.IsZero() || r.Took <= 0 {
			t.Fatalf("result %d = %+v", i, r)
		}
		if r.Err != nil {
			got = append(got, "error")
			continue
		}
		if r.Bytes == 0 {
			t.Errorf("result %d has no size", i)
		}
		got = append(got, r.Snapshot.Node)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// round is a whole Round: one result for each agent, in their order.
func round(ctx context.Context, s *scrape.Scraper, agents []hub.Agent) []hub.Result {
	results := make([]hub.Result, len(agents))
	for i, r := range s.Round(ctx, agents) {
		results[i] = r
	}
	return results
}

// TestRoundCanBeLeft stops taking results, and nothing is left running: the
// agents that still hang lose their connections.
func TestRoundCanBeLeft(t *testing.T) {
	asked, left := make(chan struct{}), make(chan struct{})
	hanging := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(left)
	}))
	agents := []hub.Agent{{URL: hanging}, {URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-asked // else nobody hangs yet
		answer(t, "node1", "")(w, r)
	}))}}
	for i, r := range scraper(t, long).Round(t.Context(), agents) {
		if i != 1 || r.Err != nil {
			t.Errorf("the first result is %d: %v", i, r.Err)
		}
		break
	}
	<-left
}

func TestRoundOfNobody(t *testing.T) {
	if got := round(t.Context(), scraper(t, long), nil); len(got) != 0 {
		t.Errorf("Round of no agents = %v", got)
	}
}

func TestRoundAsksForSnapshots(t *testing.T) {
	var got *http.Request
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		answer(t, "node1", "")(w, r)
	}))
	s := scraper(t, long)
	first := round(t.Context(), s, []hub.Agent{{URL: url}})[0]
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	if got.Method != "GET" || got.URL.Path != "/snapshot" {
		t.Errorf("asked %s %s", got.Method, got.URL)
	}
	if agent := got.Header.Get("User-Agent"); agent != "kubemon-hub/test" {
		t.Errorf("User-Agent = %q", agent)
	}
	if chosen := snapshot.Negotiate(got.Header.Get("Accept")); chosen != snapshot.ContentTypeMsgpack {
		t.Errorf("asked for %s first", chosen)
	}
	port := got.RemoteAddr
	if again := round(t.Context(), s, []hub.Agent{{URL: url}})[0]; again.Err != nil || got.RemoteAddr != port {
		t.Errorf("the second round did not use the first one's connection: %v", again.Err)
	}
}

// A refusal is an answer that is no snapshot of node1, and what is said of it.
type refusal struct {
	name    string
	agent   http.HandlerFunc
	failure hub.Failure
	want    []string // in the error
}

func checkRefusals(t *testing.T, tests []refusal) {
	t.Helper()
	s := scraper(t, long)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := round(t.Context(), s, []hub.Agent{{Node: "node1", URL: serve(t, tt.agent)}})[0]
			checkError(t, r, tt.want...)
			if r.Failure != tt.failure {
				t.Errorf("counted as %q, want %q", r.Failure, tt.failure)
			}
		})
	}
}

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// TestRoundRefuses has a row for each answer that says itself that it is no
// snapshot.
func TestRoundRefuses(t *testing.T) {
	checkRefusals(t, []refusal{
		{"HTML", text("text/html; charset=utf-8", "<html>"), hub.FailureContentType, []string{"/snapshot", "200 OK", "text/html", "is this a kubemon agent?"}},
		{"no content type", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }, hub.FailureContentType, []string{"no content type"}},
		{"not found", http.NotFound, hub.FailureStatus, []string{"404 Not Found", "text/plain", "expected 200"}},
		{"its own error", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"detail":"cannot read the cgroup root"}`)
		}, hub.FailureStatus, []string{"500", "(cannot read the cgroup root)"}},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/snapshot", http.StatusFound)
		}, hub.FailureStatus, []string{"302 Found", "http://192.0.2.1/snapshot", "redirects are not followed"}},
		{"not known", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }),
			hub.FailureUnauthorized, []string{"401 Unauthorized", "expected 200"}},
		{"not allowed", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }),
			hub.FailureUnauthorized, []string{"403 Forbidden"}},
		{"compressed", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			answer(t, "node1", "")(w, r)
		}, hub.FailureContentType, []string{`encoding "gzip"`}},
	})
}

// TestRoundRefusesBodies has a row for each body that is no snapshot.
func TestRoundRefusesBodies(t *testing.T) {
	checkRefusals(t, []refusal{
		{"another node", answer(t, "node2", ""), hub.FailureWrongNode, []string{`another node: "node2", expected "node1"`}},
		{"JSON that is none", text("application/json", "{"), hub.FailureDecode, []string{"decode", "JSON"}},
		{"MessagePack that is none", text(snapshot.ContentTypeMsgpack, "\xc1"), hub.FailureDecode, []string{"decode", "MessagePack"}},
		{"empty", text("application/json", ""), hub.FailureDecode, []string{"empty"}},
		{"an older version", text("application/json", `{"node":"node1","agent":{"cgroup":{"mode":"unified"}}}`), hub.FailureDecode, []string{"version is 0, want 1"}},
		{"another version", text("application/json", `{"version":2,"node":"node1"}`), hub.FailureDecode, []string{"version", "2"}},
		{"announced too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(snapshot.MaxBodyBytes+1))
		}, hub.FailureTooLarge, []string{"too large", strconv.Itoa(snapshot.MaxBodyBytes)}},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, hub.FailureTooLarge, []string{"too large"}},
		{"cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, hub.FailureBroken, []string{"unexpected EOF"}},
		{"connection broken", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, hub.FailureBroken, []string{"EOF"}},
	})
}

func checkError(t *testing.T, r hub.Result, want ...string) {
	t.Helper()
	if r.Err == nil || r.Snapshot != nil {
		t.Fatalf("Round = %v, %v; want an error", r.Snapshot, r.Err)
	}
	for _, w := range want {
		if !strings.Contains(r.Err.Error(), w) {
			t.Errorf("error %q does not say %q", r.Err, w)
		}
	}
}

func TestRoundRefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	s := scraper(t, long)
	first := round(t.Context(), s, []hub.Agent{{URL: url}})[0]
	if want := fmt.Sprintf("get %s/snapshot: connection refused", url); first.Err == nil || first.Err.Error() != want {
		t.Errorf("error = %v, want %s", first.Err, want)
	}
	if first.Failure != hub.FailureRefused {
		t.Errorf("counted as %q, want %q", first.Failure, hub.FailureRefused)
	}
	second := round(t.Context(), s, []hub.Agent{{URL: url}})[0]
	if first.Err.Error() != second.Err.Error() {
		t.Errorf("the same fault has two texts: %q and %q", first.Err, second.Err)
	}
}

// TestRoundEnds: neither silence nor a dripping answer outlasts the timeout,
// and those who answer are not held up by it.
func TestRoundEnds(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	dripping := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	}
	s := scraper(t, 50*time.Millisecond)
	results := round(t.Context(), s, []hub.Agent{
		{URL: serve(t, http.HandlerFunc(silent))}, {URL: serve(t, http.HandlerFunc(dripping))},
	})
	for _, r := range results {
		checkError(t, r, "no whole answer within 50ms")
		if !errors.Is(r.Err, context.DeadlineExceeded) {
			t.Errorf("error %v is no timeout", r.Err)
		}
		if r.Failure != hub.FailureTimeout {
			t.Errorf("counted as %q, want %q", r.Failure, hub.FailureTimeout)
		}
	}
}

func TestRoundStopsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	url := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	r := round(ctx, scraper(t, long), []hub.Agent{{URL: url}})[0]
	if !errors.Is(r.Err, context.Canceled) {
		t.Errorf("error = %v, want canceled", r.Err)
	}
}

// FuzzRound feeds answers of any status, type and body to the scraper: it
// gives a snapshot of the right node or an error, and never panics.
func FuzzRound(f *testing.F) {
	for _, contentType := range []string{snapshot.ContentTypeJSON, snapshot.ContentTypeMsgpack, "text/html", ";"} {
		body, _ := snapshot.Encode(sample("node1"), contentType)
		f.Add(200, contentType, body)
		f.Add(500, contentType, []byte(`{"detail":"x"}`))
	}
	type response struct {
		status      int
		contentType string
		body        []byte
	}
	current := make(chan response, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := <-current
		w.Header().Set("Content-Type", a.contentType)
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
	}))
	f.Cleanup(server.Close)
	s := scrape.New(scrape.Config{Timeout: long, Interval: time.Second, Trust: scrape.Pinned{}})
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		status = 200 + int(uint(status)%400) // what a server can send
		current <- response{status, contentType, body}
		r := round(t.Context(), s, []hub.Agent{{Node: "node1", URL: server.URL}})[0]
		if r.Err == nil && (status != 200 || r.Snapshot.Node != "node1") {
			t.Errorf("%d %q gave a snapshot of %q", status, contentType, r.Snapshot.Node)
		}
		if r.Err != nil && r.Snapshot != nil {
			t.Errorf("both a snapshot and the error %v", r.Err)
		}
	})
}
