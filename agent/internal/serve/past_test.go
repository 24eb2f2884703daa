package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// keptSnapshots is a History that has all it is offered.
type keptSnapshots struct {
	all []*snapshot.Snapshot
	own int // of them

	mu           sync.Mutex
	since, until time.Time // that were asked for last
	err          error
	takes        time.Duration
}

func (k *keptSnapshots) Offer(at snapshot.Stamp, encoded []byte) error {
	s, err := snapshot.Decode(encoded, snapshot.ContentTypeMsgpack)
	if err != nil || snapshot.StampOf(s) != at {
		return fmt.Errorf("offered as made at %v: %+v, %w", at, s, err)
	}
	k.all = append(k.all, s)
	return k.err
}

func (k *keptSnapshots) Keep(at snapshot.Stamp, encoded []byte) error {
	k.own++
	return k.Offer(at, encoded)
}

func (k *keptSnapshots) Encode(since, until time.Time) ([]byte, error) {
	k.mu.Lock()
	k.since, k.until = since, until
	k.mu.Unlock()
	time.Sleep(k.takes)
	if k.err != nil {
		return nil, k.err
	}
	return snapshot.EncodeHistory(k.all)
}

func (k *keptSnapshots) Size() (snapshots, bytes int) { return len(k.all), 1000 }

func newKeeper(t *testing.T, kept *keptSnapshots) *Server {
	collect := collectorFunc(func() (*snapshot.Snapshot, error) { return someSnapshot(), nil })
	return New(Config{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Collector: collect, Usage: func() (Usage, error) { return Usage{}, nil }, History: kept})
}

// TestHubsAreOffered asks as a hub and as people do: what people read is not
// kept.
func TestHubsAreOffered(t *testing.T) {
	kept := &keptSnapshots{}
	handler := newKeeper(t, kept)
	for _, accept := range []string{"", "*/*", "application/json"} {
		get(handler, "GET", "/snapshot", http.Header{"Accept": {accept}})
	}
	if len(kept.all) > 0 {
		t.Error("a snapshot for people was offered")
	}
	get(handler, "GET", "/snapshot", http.Header{"Accept": {snapshot.ContentTypeMsgpack}})
	if len(kept.all) != 1 {
		t.Errorf("%d snapshots were offered, want the hub's", len(kept.all))
	}
	body := get(handler, "GET", "/metrics", nil).Body.String()
	if !strings.Contains(body, "\nkubemon_agent_history_snapshots 1\n") || !strings.Contains(body, "\nkubemon_agent_history_bytes 1000\n") {
		t.Errorf("metrics = %s", body)
	}
}

func TestSample(t *testing.T) {
	kept := &keptSnapshots{}
	if err := newKeeper(t, kept).Sample(t.Context()); err != nil || len(kept.all) != 1 || kept.own != 1 {
		t.Errorf("%v, kept %d, %d of its own; want one", err, len(kept.all), kept.own)
	}
	kept.err = errors.New("no room")
	if err := newKeeper(t, kept).Sample(t.Context()); !errors.Is(err, kept.err) {
		t.Errorf("error %v, want %v", err, kept.err)
	}
	failing := New(Config{Log: slog.New(slog.DiscardHandler), Collector: collectorFunc(func() (*snapshot.Snapshot, error) { return nil, kept.err }), History: kept})
	if err := failing.Sample(t.Context()); !errors.Is(err, kept.err) || len(kept.all) != 2 {
		t.Errorf("error %v of a node that cannot be read, want %v", err, kept.err)
	}
}

// TestASnapshotThatIsNotKept is answered all the same.
func TestASnapshotThatIsNotKept(t *testing.T) {
	kept := &keptSnapshots{err: errors.New("no room")}
	response := get(newKeeper(t, kept), "GET", "/snapshot", http.Header{"Accept": {snapshot.ContentTypeMsgpack}})
	if response.Code != http.StatusOK || len(kept.all) != 1 {
		t.Errorf("%d, offered %d; want 200, offered one", response.Code, len(kept.all))
	}
}

func TestPast(t *testing.T) {
	for _, count := range []int{0, 1, 3} {
		kept := &keptSnapshots{}
		for i := range count {
			s := someSnapshot()
			s.BootNanos = int64(i)
			kept.all = append(kept.all, s)
		}
		handler := newKeeper(t, kept)

		response := get(handler, "GET", "/snapshots", http.Header{"Accept": {snapshot.ContentTypeHistory + ", application/json;q=0.5"}})
		want, err := snapshot.EncodeHistory(kept.all)
		if err != nil {
			t.Fatal(err)
		}
		if got := response.Header().Get("Content-Type"); got != snapshot.ContentTypeHistory || response.Body.String() != string(want) {
			t.Errorf("%d compact snapshots: %s with %q", count, got, response.Body)
		}

		response = get(handler, "GET", "/snapshots", nil)
		var list []*snapshot.Snapshot
		if err := json.Unmarshal(response.Body.Bytes(), &list); err != nil || response.Header().Get("Content-Type") != snapshot.ContentTypeJSON {
			t.Fatalf("%d snapshots as %s: %v\n%s", count, response.Header().Get("Content-Type"), err, response.Body)
		}
		if diff := cmp.Diff(append([]*snapshot.Snapshot{}, kept.all...), list); diff != "" {
			t.Errorf("%d snapshots for people (-want +got):\n%s", count, diff)
		}
		if !strings.HasSuffix(response.Body.String(), "]\n") {
			t.Errorf("the list ends with %q", response.Body)
		}
	}
}

func TestPeriod(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		query        string
		since, until time.Time
		detail       string // of a 400
	}{
		{"", time.Time{}, time.Time{}, ""},
		{"?since=2026-01-02T03:04:05Z", at, time.Time{}, ""},
		{"?since=2026-01-02T05:04:05+02:00", at, time.Time{}, ""},
		{"?since=1767323045000&until=2026-01-02T03:04:05.5Z", at, at.Add(500 * time.Millisecond), ""},
		{"?until=1767323045000", time.Time{}, at, ""},
		{"?since=yesterday", at, at, `since is "yesterday", want a time such as 2026-01-02T03:04:05Z or milliseconds since 1970`},
		{"?until=10m", at, at, `until is "10m"`},
		{"?since=1767323045001&until=1767323045000", at, at, "until is before since"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			kept := &keptSnapshots{}
			response := get(newKeeper(t, kept), "GET", "/snapshots"+tt.query, nil)
			if tt.detail != "" {
				if !strings.Contains(strings.ReplaceAll(response.Body.String(), `\"`, `"`), tt.detail) || response.Code != http.StatusBadRequest {
					t.Errorf("%d %s, want 400 with %q", response.Code, response.Body, tt.detail)
				}
				return
			}
			if response.Code != http.StatusOK || !kept.since.Equal(tt.since) || !kept.until.Equal(tt.until) {
				t.Errorf("%d: asked from %v to %v, want from %v to %v", response.Code, kept.since, kept.until, tt.since, tt.until)
			}
		})
	}
}

func TestPastProblems(t *testing.T) {
	none := newHandler(t, func() (*snapshot.Snapshot, error) { return someSnapshot(), nil })
	broken := newKeeper(t, &keptSnapshots{err: errors.New("secret path")})
	for _, tt := range []struct {
		handler http.Handler
		method  string
		status  int
		detail  string
	}{
		{none, "GET", 404, "keeps no snapshots"},
		{none, "DELETE", 405, "takes GET"},
		{broken, "GET", 500, "could not be encoded"},
	} {
		response := get(tt.handler, tt.method, "/snapshots", nil)
		if response.Code != tt.status || !strings.Contains(response.Body.String(), tt.detail) || strings.Contains(response.Body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d with %q", tt.method, response.Code, response.Body, tt.status, tt.detail)
		}
	}
}

// TestPastIsBounded holds as many requests open as are allowed. One more is
// refused, and one for a snapshot is not.
func TestPastIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newKeeper(t, &keptSnapshots{takes: time.Second})
		statuses := make(chan int)
		for range maxPastOpen {
			go func() { statuses <- get(handler, "GET", "/snapshots", nil).Code }()
		}
		synctest.Wait()
		if response := get(handler, "GET", "/snapshots", nil); response.Code != 503 || response.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d, want 503 with Retry-After", response.Code)
		}
		if response := get(handler, "GET", "/snapshot", nil); response.Code != 200 {
			t.Errorf("a snapshot meanwhile: %d, want 200", response.Code)
		}
		for range maxPastOpen {
			if status := <-statuses; status != 200 {
				t.Errorf("an allowed request: %d", status)
			}
		}
	})
}
