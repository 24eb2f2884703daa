package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

type status struct {
	Kubernetes struct {
		Configured, Connected bool
		Error                 string
	}
}

// outage is how long the API server is away: longer than its word about a token
// counts, which is two minutes. KUBEMON_E2E_OUTAGE=10m tries more.
func outage(t *testing.T) time.Duration {
	t.Helper()
	text := cmp.Or(os.Getenv("KUBEMON_E2E_OUTAGE"), "140s")
	length, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("KUBEMON_E2E_OUTAGE: %v", err)
	}
	return length
}

// TestAPIServerAway hangs the API server: the hub goes on scraping and
// answering for what it knows, and says so. Who was known reads on, at the hub
// and at the agents; who was not is told why he cannot.
func TestAPIServerAway(t *testing.T) {
	pod := awaitPod(t, "burn-")
	late := tokenOf(t, lab.Namespace, lab.Viewer, lab.HubAudience)
	agents := map[string]string{"a good": tokenOf(t, lab.Namespace, lab.Viewer, lab.AgentAudience), "a bad": otherForger(t).sign(lab.AgentAudience, nil)}
	if s := mustFetch[status](t, "/api/v1/status"); !s.Kubernetes.Configured || !s.Kubernetes.Connected {
		t.Fatalf("status says %+v before anything is away", s.Kubernetes)
	}
	if _, _, err := readAgent(t.Context(), 1); err != nil { // so that its reader has a token
		t.Fatal(err)
	}
	began := time.Now()
	if err := theLab.PauseAPIServer(); err != nil {
		t.Fatal(err)
	}
	resumed := false
	resume := func() {
		if !resumed {
			resumed = true
			if err := theLab.ResumeAPIServer(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(resume)

	took := eventually(t, 2*time.Minute, "the status that the API server is away", func() error {
		s, err := fetch[status](t.Context(), "/api/v1/status")
		if err == nil && (s.Kubernetes.Connected || s.Kubernetes.Error == "") {
			err = fmt.Errorf("%+v", s.Kubernetes)
		}
		return err
	})
	t.Logf("status said that the API server is away after %.0f s", took.Seconds())
	afterRounds(t, 2)
	now, err := podOf(t.Context(), pod.Name)
	if err != nil {
		t.Fatal(err)
	}
	if !now.Status.SampleTime.After(pod.Status.SampleTime) || now.Owner.Name != "burn" || value(now.Usage.CPUMillicores) < 100 {
		t.Errorf("pod burn without the API server: %+v, owner %+v, usage %+v", now.Status, now.Owner, now.Usage)
	}
	if code, _, body, err := ask(t.Context(), "/readyz"); err != nil || code != 200 {
		t.Errorf("readyz without the API server: %d %s %v", code, body, err)
	}
	rounds := 0
	for last := now.Status.SampleTime; time.Since(began) < outage(t); rounds++ {
		last = readingGoesOn(t, last)
	}
	t.Logf("the API server was away for %.0f s; %d more rounds were read meanwhile", time.Since(began).Seconds(), rounds)
	if status, body := statusFor(t, theLab.HubURL()+"/api/v1/nodes", late); status != http.StatusServiceUnavailable {
		t.Errorf("a token that the hub has not seen, without the API server: %d, want 503: %.200s", status, body)
	}
	for which, want := range map[string]int{"a good": 200, "a bad": 401} {
		if status, body := statusFor(t, agentURL(2)+"/snapshot", agents[which]); status != want {
			t.Errorf("an agent, shown %s token without the API server: %d, want %d: %.200s", which, status, want, body)
		}
	}
	resume()
	eventually(t, 2*time.Minute, "the status that the API server is back", func() error {
		s, err := fetch[status](t.Context(), "/api/v1/status")
		if err == nil && !s.Kubernetes.Connected {
			err = fmt.Errorf("%+v", s.Kubernetes)
		}
		return err
	})
	settle(t)
}

// readingGoesOn waits for a newer sample of node1 than the last, and returns when
// it is of.
func readingGoesOn(t *testing.T, last time.Time) time.Time {
	t.Helper()
	eventually(t, 3*interval, "a sample of node1 without the API server", func() error {
		node, err := fetch[item](t.Context(), "/api/v1/nodes/node1")
		if err == nil && (node.Status.State != "ok" || !node.Status.SampleTime.After(last)) {
			err = fmt.Errorf("status %+v, the last sample was of %v", node.Status, last)
		}
		if err == nil {
			last = node.Status.SampleTime
		}
		return err
	})
	if _, _, err := readAgent(t.Context(), 1); err != nil {
		t.Errorf("node1's agent without the API server: %v", err)
	}
	return last
}

// settle waits until the cluster's own controllers have caught up.
func settle(t *testing.T) {
	t.Helper()
	eventually(t, 3*time.Minute, "all nodes Ready again", func() error {
		out, err := kubectl(context.Background(), "", "wait", "--for=condition=Ready", "node/node1", "node/node2", "--timeout=30s")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}
