package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// slow is a reader whose histories take their time.
type slow struct {
	reader
	takes time.Duration

	mu         sync.Mutex
	now, peak  int
	afterwards int
}

func (s *slow) View() (*hub.View, error) { return s.reader.view, nil }

func (s *slow) History(v *hub.View, q hub.HistoryQuery) (hub.History, error) {
	s.mu.Lock()
	s.now++
	s.peak = max(s.peak, s.now)
	s.mu.Unlock()
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	s.afterwards++
	return s.reader.History(v, q)
}

// TestWindowsAreRefusedWhenThereAreTooMany asks for a hundred different
// histories at once: four are worked on, and who waits too long is told when to
// come back. Answers without a window do not wait behind them.
func TestWindowsAreRefusedWhenThereAreTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slow{reader: *testReader(), takes: 1500 * time.Millisecond}
		h := handler(t, r)
		answers := make([]*httptest.ResponseRecorder, 100)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() { answers[i] = get(h, fmt.Sprintf("%s/cluster?window=%d", v1, 60+i)) })
		}
		synctest.Wait()
		before := time.Now()
		if w := get(h, v1+"/pods"); w.Code != http.StatusOK || time.Since(before) != 0 {
			t.Errorf("beside windows, pods take %v: %d", time.Since(before), w.Code)
		}
		wait.Wait()
		counts := make(map[int]int)
		for _, w := range answers {
			counts[w.Code]++
			if w.Code == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "4 answers with a window")) {
				t.Errorf("refused with %v %s", w.Header(), w.Body)
			}
		}
		if counts[http.StatusOK] != 8 || counts[http.StatusServiceUnavailable] != 92 || r.peak != 4 {
			t.Errorf("answered by status: %v, with %d at once; want 8 of 200 by 4, and 92 of 503", counts, r.peak)
		}
		if w := get(h, v1+"/cluster?window=159"); w.Code != http.StatusOK {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
		time.Sleep(time.Minute) // the round's timer
	})
}

// TestTheSameWindowIsReadOnce asks a hundred times for one history.
func TestTheSameWindowIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slow{reader: *testReader(), takes: 9 * time.Second}
		h := handler(t, r)
		var wait sync.WaitGroup
		for range 100 {
			wait.Go(func() {
				if w := get(h, v1+"/cluster?window=60"); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		wait.Wait()
		if r.afterwards != 1 {
			t.Errorf("the window is read %d times", r.afterwards)
		}
		time.Sleep(time.Minute)
	})
}

// TestAnAnswerTakesTenSecondsAtMost asks for a list of histories of three
// seconds each.
func TestAnAnswerTakesTenSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &slow{reader: *testReader(), takes: 3 * time.Second}
		h := handler(t, r)
		p := decode[problem](t, get(h, v1+"/pods?window=60"), http.StatusOK)
		if p.Status != 0 || r.afterwards != 4 { // the last begins in time
			t.Errorf("four histories: %+v after %d", p, r.afterwards)
		}
		r.takes = 6 * time.Second
		w := get(h, v1+"/pods?window=61")
		p = decode[problem](t, w, http.StatusServiceUnavailable)
		if !strings.Contains(p.Detail, "longer than 10s") || w.Header().Get("Retry-After") == "" || r.afterwards != 6 {
			t.Errorf("histories that take too long: %+v after %d", p, r.afterwards)
		}
		time.Sleep(time.Minute)
	})
}

// broken is the connection of a client that takes nothing.
type broken struct{ httptest.ResponseRecorder }

func (*broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestClientsThatLeave are not counted among those that got an answer.
func TestClientsThatLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(&slow{reader: *testReader(), takes: 3 * time.Second}, t.Output())
		var mu sync.Mutex
		var statuses []int
		cfg.Answered = func(_ string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			statuses = append(statuses, status)
		}
		h, err := rest.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodGet, v1+"/cluster?window=60", nil)
		go h.ServeHTTP(httptest.NewRecorder(), request)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		h.ServeHTTP(httptest.NewRecorder(), request.WithContext(ctx)) // leaves while waiting
		time.Sleep(time.Minute)
		h.ServeHTTP(&broken{}, request)
		mu.Lock()
		defer mu.Unlock()
		if want := []int{499, 200, 499}; !slices.Equal(statuses, want) {
			t.Errorf("statuses %v, want %v", statuses, want)
		}
		time.Sleep(time.Minute)
	})
}

// TestSlowReadersOfAnswers have two intervals to read: what they read holds a
// round in memory, also when there is a newer one.
func TestSlowReadersOfAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		stop := serveEvents(t, newPublisher(), listener)
		for _, target := range []string{"/pods", "/cluster?window=60", "/status"} {
			inTime, late := listener.ask(t, v1+target), listener.ask(t, v1+target)
			time.Sleep(19 * time.Second)
			resp, body := open(t, inTime)
			if read, err := io.Copy(io.Discard, body); err != nil || read != resp.ContentLength {
				t.Errorf("%s: after 19 seconds come %d bytes of %d, %v", target, read, resp.ContentLength, err)
			}
			time.Sleep(2 * time.Second)
			if rest, err := io.ReadAll(late); err != nil || len(rest) > 0 {
				t.Errorf("%s: after 21 seconds come %d bytes, %v; want a closed connection", target, len(rest), err)
			}
			inTime.Close()
			late.Close()
		}
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}
