package metricsapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/metricsapi"
)

func scrape(t *testing.T, view func() (*hub.View, error)) string {
	t.Helper()
	return scrapeWith(t, view, metricsapi.NewMeter())
}

func scrapeWith(t *testing.T, view func() (*hub.View, error), meter *metricsapi.Meter) string {
	t.Helper()
	w := httptest.NewRecorder()
	metricsapi.Handler(view, meter, "v1.2.3").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// own returns the samples that are of kubemon, without comments.
func own(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "kubemon_") && !strings.HasPrefix(line, "kubemon_build_info") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func testView() *hub.View {
	at := time.Unix(1767323045, 0)
	item := func(state string) *hub.Item { return &hub.Item{Status: hub.Status{State: state}} }
	return &hub.View{
		Round: &hub.Round{
			Number: 7, Time: at, Interval: 10 * time.Second, Window: time.Hour,
			Kept:      hub.WindowStatus{Bytes: 1 << 20, MaxBytes: 1 << 21, Samples: 9000, Oldest: at.Add(-time.Minute)},
			Inventory: &hub.Inventory{Connection: hub.Connection{Configured: true}},
			Nodes: []hub.NodeState{
				{Node: "node1", Status: hub.Status{State: hub.StateOK}, Health: hub.Health{
					FirstSeen: at.Add(-time.Minute), FirstStored: at.Add(-58500 * time.Millisecond),
					LastSample: at.Add(-time.Second), Took: 12 * time.Millisecond, Bytes: 4096, ClockSkew: -time.Second, Expected: 8, Stored: 6}},
				{Node: `odd"node`, Status: hub.Status{State: hub.StatePending}, Agent: hub.Agent{Rivals: 2}, Health: hub.Health{Expected: 2}},
			},
		},
		Nodes: []*hub.Item{item(hub.StateOK), item(hub.StatePending)},
		Pods:  []*hub.Item{item(hub.StateOK), item(hub.StateOK), item(hub.StateStale)},
	}
}

func TestHandler(t *testing.T) {
	view := testView()
	meter := metricsapi.NewMeter()
	meter.Round(300*time.Millisecond, 2)
	meter.Asked(&hub.Result{Took: 2 * time.Millisecond, Bytes: 4096})
	meter.Asked(&hub.Result{Took: 5 * time.Second, Failure: hub.FailureTimeout})
	meter.Answered("/api/v1/pods", 200, 3*time.Millisecond)
	meter.Authenticated("ok")
	meter.Authenticated("none")
	meter.Reviewed("token", "yes")
	meter.Sessions(func() int { return 3 })
	meter.EventSent()
	meter.EventDropped("limit")
	text := scrapeWith(t, func() (*hub.View, error) { return view, nil }, meter)
	want, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), own(text)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "kubemon_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestHandlerBeforeFirstRound(t *testing.T) {
	text := scrape(t, func() (*hub.View, error) { return nil, fmt.Errorf("no round: %w", hub.ErrNotReady) })
	for line := range strings.Lines(own(text)) {
		if !strings.HasSuffix(line, " 0\n") {
			t.Errorf("a sample without a round: %s", line)
		}
	}
	for _, want := range []string{`version="v1.2.3"} 1`, "\ngo_goroutines ", "\nprocess_resident_memory_bytes "} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %q:\n%s", want, text)
		}
	}
}

func TestHandlerWithoutCluster(t *testing.T) {
	view := testView()
	view.Round.Inventory.Connection.Configured = false
	text := scrape(t, func() (*hub.View, error) { return view, nil })
	if strings.Contains(text, "kubemon_kubernetes_connected") {
		t.Error("says how the API server does where there is none")
	}
}
