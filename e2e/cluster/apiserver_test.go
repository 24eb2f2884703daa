package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"
)

type status struct {
	Kubernetes struct {
		Configured, Connected bool
		Error                 string
	}
}

// TestAPIServerAway hangs the API server: the hub goes on scraping and
// answering for what it knows, and says so.
func TestAPIServerAway(t *testing.T) {
	pod := awaitPod(t, "burn-")
	if s := mustFetch[status](t, "/api/v1/status"); !s.Kubernetes.Configured || !s.Kubernetes.Connected {
		t.Fatalf("status says %+v before anything is away", s.Kubernetes)
	}
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
