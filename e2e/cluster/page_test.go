package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubemon/kubemon/e2e/lab"
)

const (
	browserTests = "../browser"
	// vitest runs them; npm installs it there.
	vitest = "node_modules/.bin/vitest"
	// crashedNode is the number of a node that the browser sees crash.
	crashedNode = 3
	// pageTimeout is far more than the tests need.
	pageTimeout = 10 * time.Minute
)

// TestPage looks at the hub's page in Chromium. What it looks for is in
// e2e/browser/lab.ts. KUBEMON_E2E_PICTURES names a folder for pictures of what it
// saw.
func TestPage(t *testing.T) {
	if _, err := os.Stat(browserTests + "/" + vitest); err != nil {
		t.Fatalf("the browser's tests are not installed, which make cluster does: %v", err)
	}
	awaitPod(t, "burn-")
	apply(t, oneNamespaceManifest, nil)
	viewer, reader := tokenOf(t, lab.Namespace, lab.Viewer, lab.HubAudience), tokenOf(t, "loads", "reader", lab.HubAudience)
	awaitRights(t, reader)
	node := startNodeForCrash(t)
	said, err := runInBrowser(t.Context(), map[string]string{
		"KUBEMON_LAB_HUB":      theLab.HubURL(),
		"KUBEMON_LAB_VIEWER":   viewer,
		"KUBEMON_LAB_READER":   reader,
		"KUBEMON_LAB_NODE":     node,
		"KUBEMON_LAB_DEEDS":    serveDeeds(t),
		"KUBEMON_LAB_PICTURES": os.Getenv("KUBEMON_E2E_PICTURES"),
	})
	// A test that fails may show what it typed.
	t.Log(strings.NewReplacer(viewer, "(the viewer's token)", reader, "(the reader's token)").Replace(said))
	if err != nil {
		t.Errorf("the tests in the browser: %v", err)
	}
}

// awaitRights waits until who shows the token may read namespace loads.
func awaitRights(t *testing.T, token string) {
	t.Helper()
	eventually(t, time.Minute, "the reader's rights", func() error {
		if status, body := statusFor(t, theLab.HubURL()+"/api/v1/namespaces/loads/pods", token); status != http.StatusOK {
			return fmt.Errorf("%d %.200s", status, body)
		}
		return nil
	})
}

// startNodeForCrash starts a node for the length of the test, waits until the hub
// has its usage, and returns its name.
func startNodeForCrash(t *testing.T) string {
	t.Helper()
	name := theLab.Node(crashedNode).Name
	t.Cleanup(func() {
		if err := theLab.StopNode(crashedNode); err != nil {
			t.Error(err)
		}
		for _, remove := range [][]string{
			{"delete", "node", name},
			// Else they are listed until the cluster finds that their node is gone.
			{"delete", "pods", "--all-namespaces", "--field-selector=spec.nodeName=" + name, "--force", "--grace-period=0"},
		} {
			if out, err := kubectl(context.Background(), "", remove...); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
	})
	if err := theLab.StartNode(t.Context(), crashedNode); err != nil {
		t.Fatal(err)
	}
	// The hub that is started anew must not be there.
	if _, err := kubectl(t.Context(), "", "cordon", name); err != nil {
		t.Fatal(err)
	}
	eventually(t, 4*time.Minute, "usage of "+name, func() error {
		got, err := fetch[item](t.Context(), "/api/v1/nodes/"+name)
		if err == nil && (got.Status.State != "ok" || got.Usage == nil || got.Usage.CPUMillicores == nil) {
			err = fmt.Errorf("status %+v, unavailable %v", got.Status, got.Unavailable)
		}
		return err
	})
	return name
}

// serveDeeds does to the cluster what a test in the browser asks for with a POST,
// and returns the address.
func serveDeeds(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	for name, do := range map[string]func(context.Context) error{
		"crash":       func(context.Context) error { return theLab.StopNode(crashedNode) },
		"restart-hub": restartHub,
	} {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// restartHub deletes the hub's pod, with which all sessions end.
func restartHub(ctx context.Context) error {
	pod, err := kubemonPod(ctx, "hub", "")
	if err != nil {
		return err
	}
	return kube.CoreV1().Pods(lab.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))})
}

// runInBrowser runs the tests of lab.ts with these settings beside the
// environment's, and returns what they say.
func runInBrowser(ctx context.Context, settings map[string]string) (said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../hub/dashboard/scripts/with-node", vitest, "run", "--config", "lab.config.ts", "--no-color")
	cmd.Dir = browserTests
	cmd.Env = os.Environ()
	for name, value := range settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// It ends the browser before itself.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	err = cmd.Run()
	return out.String(), err
}
