package serve

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// collectorFunc is a Collector.
type collectorFunc func() (*snapshot.Snapshot, error)

func (f collectorFunc) Collect() (*snapshot.Snapshot, error) { return f() }

func someSnapshot() *snapshot.Snapshot {
	return &snapshot.Snapshot{
		Version: snapshot.Version, Node: "node1", Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		Agent:  snapshot.Agent{Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{}}},
		Slices: []snapshot.Slice{}, Pods: []snapshot.Pod{}, Containers: []snapshot.Container{}, Processes: []snapshot.Process{},
		Warnings: []snapshot.Warning{{Source: "io", Reason: "not delegated"}},
	}
}

func newHandler(t *testing.T, collect collectorFunc) http.Handler {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	return New(Config{Log: log, Version: "test", Collector: collect, Usage: func() (Usage, error) { return Usage{1.5, 4096}, nil }})
}

func get(handler http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	request.Header = header
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestSnapshot(t *testing.T) {
	handler := newHandler(t, func() (*snapshot.Snapshot, error) { return someSnapshot(), nil })
	tests := []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing asked", nil, snapshot.ContentTypeJSON},
		{"curl", []string{"*/*"}, snapshot.ContentTypeJSON},
		{"hub", []string{"application/vnd.msgpack"}, snapshot.ContentTypeMsgpack},
		{"two headers", []string{"text/html", "application/vnd.msgpack;q=0.1"}, snapshot.ContentTypeMsgpack},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response := get(handler, "GET", "/snapshot", http.Header{"Accept": tt.accept})
			if response.Code != http.StatusOK || response.Header().Get("Content-Type") != tt.want {
				t.Fatalf("%d %s, want 200 %s", response.Code, response.Header().Get("Content-Type"), tt.want)
			}
			got, err := snapshot.Decode(response.Body.Bytes(), tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(someSnapshot(), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSnapshotCanBeReadByPeople(t *testing.T) {
	handler := newHandler(t, func() (*snapshot.Snapshot, error) { return someSnapshot(), nil })
	body := get(handler, "GET", "/snapshot", nil).Body.String()
	if !strings.Contains(body, "\n  \"node\": \"node1\",\n") || !strings.HasSuffix(body, "}\n") {
		t.Errorf("body is not indented:\n%s", body)
	}
}

func TestProblems(t *testing.T) {
	failing := newHandler(t, func() (*snapshot.Snapshot, error) { return nil, errors.New("secret path") })
	infinite := newHandler(t, func() (*snapshot.Snapshot, error) {
		s := someSnapshot()
		zero := 0.0
		s.Host.Load = []float64{1 / zero, 0, 0}
		return s, nil
	})
	tests := []struct {
		name         string
		handler      http.Handler
		method, path string
		status       int
		detail       string
	}{
		{"no such path", failing, "GET", "/metrix", 404, "/metrix"},
		{"below a path", failing, "GET", "/snapshot/x", 404, "/snapshot/x"},
		{"method", failing, "POST", "/snapshot", 405, "POST"},
		{"unreadable node", failing, "GET", "/snapshot", 500, "could not be read"},
		{"no JSON", infinite, "GET", "/snapshot", 500, "could not be encoded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response := get(tt.handler, tt.method, tt.path, nil)
			var problem struct {
				Title, Detail string
				Status        int
			}
			if err := json.Unmarshal(response.Body.Bytes(), &problem); err != nil {
				t.Fatal(err)
			}
			if response.Code != tt.status || problem.Status != tt.status || !strings.Contains(problem.Detail, tt.detail) ||
				response.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(problem.Detail, "secret") {
				t.Errorf("%d %s: %+v; want %d with %q", response.Code, response.Header(), problem, tt.status, tt.detail)
			}
			if tt.status == 405 && response.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestHealthNeverReadsTheNode(t *testing.T) {
	handler := newHandler(t, func() (*snapshot.Snapshot, error) {
		t.Error("the node was read")
		return nil, errors.New("no")
	})
	if response := get(handler, "GET", "/healthz", nil); response.Code != 200 || response.Body.String() != "ok\n" {
		t.Errorf("healthz = %d %q", response.Code, response.Body)
	}
}

func TestMetrics(t *testing.T) {
	handler := newHandler(t, func() (*snapshot.Snapshot, error) { return someSnapshot(), nil })
	get(handler, "GET", "/snapshot", nil)
	get(handler, "GET", "/snapshot", nil)
	body := get(handler, "GET", "/metrics", nil).Body.String()
	for _, want := range []string{
		"kubemon_agent_build_info{version=\"test\"} 1\n",
		"# TYPE kubemon_agent_snapshots_total counter\nkubemon_agent_snapshots_total 2\n",
		"kubemon_agent_failed_readings_total 0\n",
		"kubemon_agent_last_reading_seconds ",
		"kubemon_agent_warnings 1\n",
		"process_cpu_seconds_total 1.5\n",
		"process_resident_memory_bytes 4096\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics have no %q:\n%s", want, body)
		}
	}
}

func TestMetricsOfSecurity(t *testing.T) {
	handler := New(Config{
		Log:       slog.New(slog.DiscardHandler),
		Collector: collectorFunc(func() (*snapshot.Snapshot, error) { return someSnapshot(), nil }),
		Usage:     func() (Usage, error) { return Usage{}, nil },
		Security: func() Security {
			return Security{Requests: map[string]uint64{"ok": 7, "expired": 2}, CertificateExpires: time.Unix(1767323045, 0), CertificateFailures: 3}
		},
	})
	body := get(handler, "GET", "/metrics", nil).Body.String()
	for _, want := range []string{
		"# TYPE kubemon_agent_auth_total counter\nkubemon_agent_auth_total{result=\"expired\"} 2\nkubemon_agent_auth_total{result=\"ok\"} 7\n",
		"kubemon_agent_certificate_expiry_timestamp_seconds 1.767323045e+09\n",
		"kubemon_agent_certificate_failures_total 3\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics have no %q:\n%s", want, body)
		}
	}
}

func TestMetricsCountFailures(t *testing.T) {
	failing := collectorFunc(func() (*snapshot.Snapshot, error) { return nil, errors.New("no") })
	noUsage := func() (Usage, error) { return Usage{}, errors.New("no /proc") }
	handler := New(Config{Log: slog.New(slog.DiscardHandler), Version: "test", Collector: failing, Usage: noUsage})
	get(handler, "GET", "/snapshot", nil)
	body := get(handler, "GET", "/metrics", nil).Body.String()
	if !strings.Contains(body, "kubemon_agent_failed_readings_total 1\n") || strings.Contains(body, "process_") {
		t.Errorf("metrics = %s, want one failure and no usage", body)
	}
}

// TestReadingsAreShared has five requests during one reading of two seconds:
// one reading must answer them all, and the next request must get a new one.
func TestReadingsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var collected atomic.Int64
		r := &readings{collect: func() (*snapshot.Snapshot, error) {
			time.Sleep(2 * time.Second)
			return &snapshot.Snapshot{BootNanos: collected.Add(1)}, nil
		}}
		results := make(chan int64)
		for range 5 {
			go func() {
				s, err := r.join(t.Context())
				if err != nil {
					t.Error(err)
				}
				results <- s.BootNanos
			}()
			time.Sleep(100 * time.Millisecond)
		}
		for range 5 {
			if got := <-results; got != 1 {
				t.Errorf("a request got reading %d, want the first", got)
			}
		}
		if s, err := r.join(t.Context()); err != nil || s.BootNanos != 2 {
			t.Errorf("a later request got %+v, %v, want the second reading", s, err)
		}
	})
}

func TestAReadingOutlivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &readings{collect: func() (*snapshot.Snapshot, error) {
			time.Sleep(2 * time.Second)
			return someSnapshot(), nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		other := make(chan error)
		go func() {
			time.Sleep(500 * time.Millisecond)
			_, err := r.join(t.Context())
			other <- err
		}()
		if _, err := r.join(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("join: %v, want the deadline's error", err)
		}
		if err := <-other; err != nil {
			t.Errorf("the request that shares the reading: %v", err)
		}
	})
}

// TestInFlightIsBounded holds as many requests open as are allowed; one more
// must be refused at once, and be answered when the others are done.
func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := newHandler(t, func() (*snapshot.Snapshot, error) {
			time.Sleep(time.Second)
			return someSnapshot(), nil
		})
		statuses := make(chan int)
		for range maxInFlight {
			go func() { statuses <- get(handler, "GET", "/snapshot", nil).Code }()
		}
		synctest.Wait()
		response := get(handler, "GET", "/snapshot", nil)
		if response.Code != http.StatusServiceUnavailable || response.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d, want 503 with Retry-After", response.Code)
		}
		for range maxInFlight {
			if status := <-statuses; status != http.StatusOK {
				t.Errorf("an allowed request: %d", status)
			}
		}
		if response := get(handler, "GET", "/snapshot", nil); response.Code != http.StatusOK {
			t.Errorf("afterwards: %d, want 200", response.Code)
		}
	})
}

// TestAPeerThatIsGoneIsNoError: nothing is logged or answered.
func TestAPeerThatIsGoneIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		handler := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Collector: collectorFunc(func() (*snapshot.Snapshot, error) {
			time.Sleep(time.Second)
			return someSnapshot(), nil
		})})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest("GET", "/snapshot", nil).WithContext(ctx))
		if body, _ := io.ReadAll(recorder.Body); len(body) > 0 || log.Len() > 0 {
			t.Errorf("answered %q, logged %q; want neither", body, log.String())
		}
		time.Sleep(2 * time.Second) // the reading ends inside the bubble
	})
}
