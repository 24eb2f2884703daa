package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

// TestSeriesAreAligned asks for the last five minutes of things on different
// nodes: their times are the same, one interval apart.
func TestSeriesAreAligned(t *testing.T) {
	awaitPod(t, "burn-")
	awaitPod(t, "hold-")
	afterRounds(t, 3)
	eventually(t, time.Minute, "all series from one round", func() error {
		var all [][]int64
		for _, path := range []string{
			"/api/v1/nodes/node1", "/api/v1/nodes/node2", "/api/v1/namespaces/loads/deployments/burn",
			"/api/v1/namespaces/loads/deployments/hold", "/api/v1/namespaces/loads", "/api/v1/cluster",
		} {
			got := mustFetch[item](t, path+"?window=300")
			if got.Series == nil || got.Summary["cpuMillicores"] == nil {
				t.Fatalf("GET %s: series %v, summary %v", path, got.Series, got.Summary)
			}
			all = append(all, got.Series.Times)
		}
		for _, times := range all[1:] {
			if !slices.Equal(times, all[0]) {
				return fmt.Errorf("times differ: %v and %v", all[0], times)
			}
		}
		times := all[0]
		for i := 1; i < len(times); i++ {
			if times[i]-times[i-1] != interval.Milliseconds() {
				t.Errorf("times %d and %d are %d ms apart, want an interval", i-1, i, times[i]-times[i-1])
			}
		}
		if span := times[len(times)-1] - times[0]; len(times) < 3 || span > 300_000 {
			t.Errorf("%d times over %d ms, want up to 300 s", len(times), span)
		}
		return nil
	})
}

// TestWindowEnds runs a second hub with a window of half a minute: a pod that
// is gone can be asked for until then, and not after.
func TestWindowEnds(t *testing.T) {
	hub := startHub(t, "--interval=2s", "--scrape-timeout=2s", "--window=30s")
	apply(t, strings.ReplaceAll(crasher, "name: crash, namespace", "name: passing, namespace"), nil)
	pod := "/api/v1/namespaces/loads/pods/passing"
	eventually(t, 2*time.Minute, "history of the pod", func() error {
		got, status, err := hub.item(t.Context(), pod+"?window=30")
		if err == nil && (status != http.StatusOK || got.Series == nil || len(got.Series.Times) < 3 || average(got.Series.CPUMillicores) <= 0) {
			err = fmt.Errorf("%d, series %+v", status, got.Series)
		}
		return err
	})
	if _, err := kubectl(t.Context(), "", "delete", "pod", "passing", "-n", "loads", "--grace-period=0", "--force"); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	queryable := false
	eventually(t, 3*time.Minute, "the end of the gone pod's history", func() error {
		got, status, err := hub.item(t.Context(), pod+"?window=30")
		if err != nil {
			return err
		}
		if status == http.StatusOK && got.Status.State != "ok" && got.Series != nil {
			queryable = true
		}
		if status != http.StatusNotFound {
			return fmt.Errorf("still %d, %+v", status, got.Status)
		}
		return nil
	})
	t.Logf("the gone pod's history ended %.0f s after it was deleted, with a window of 30 s", time.Since(deleted).Seconds())
	if !queryable {
		t.Error("the gone pod was never answered with its history")
	}
	node, _, err := hub.item(t.Context(), "/api/v1/nodes/node1?window=30")
	if err != nil {
		t.Fatal(err)
	}
	if times := node.Series.Times; len(times) > 16 {
		t.Errorf("the node's series has %d points of 2 s, want no more than 30 s of them", len(times))
	}
}

// A secondHub is a hub that a test runs in the lab's network.
type secondHub struct{ client *http.Client }

const secondHubAddress = "127.0.0.1:18099"

// startHub builds the hub and runs it until the test ends. It asks nobody who
// they are, and shows the agents the viewer's token.
func startHub(t *testing.T, args ...string) secondHub {
	t.Helper()
	folder := t.TempDir()
	program, tokenFile := filepath.Join(folder, "kubemon-hub"), filepath.Join(folder, "token")
	token, err := theLab.Token(t.Context(), lab.Namespace, lab.Viewer, lab.AgentAudience)
	if err == nil {
		err = os.WriteFile(tokenFile, []byte(token), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../hub/cmd/kubemon-hub")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the hub: %v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	args = append([]string{program, "--kubeconfig=" + theLab.Kubeconfig(), "--namespace=kubemon", "--listen=" + secondHubAddress,
		"--agent-token-file=" + tokenFile, "--agent-trust=attested"}, args...)
	go func() {
		_, err := theLab.Exec(ctx, bytes.NewReader(nil), args...)
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	hub := secondHub{client: theLab.HTTPClient()}
	eventually(t, time.Minute, "the second hub ready", func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the second hub ended: %v", err)
		default:
		}
		_, err := get(t.Context(), hub.client, "http://"+secondHubAddress+"/readyz")
		return err
	})
	return hub
}

// item asks for one thing; a status other than 200 is returned and no error.
func (h secondHub) item(ctx context.Context, path string) (item, int, error) {
	var into item
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+secondHubAddress+path, nil)
	if err != nil {
		return into, 0, err
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return into, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return into, resp.StatusCode, nil
	}
	return into, resp.StatusCode, json.NewDecoder(resp.Body).Decode(&into)
}
