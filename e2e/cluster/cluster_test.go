// Package cluster tests kubemon on a real cluster: kernels, kubelets and an
// API server that it did not write. It meets kubemon where people do, at REST
// and at the agents' address, and imports nothing of agent or hub.
//
// The tests share one lab, made before the first and removed after the last.
// KUBEMON_E2E_KEEP=1 leaves it there for the next run, and takes it as it is;
// without it, what an earlier run left is removed first. Each test leaves the
// cluster as it found it. Loads run in namespace "loads".
//
// Readers show tokens, as people must. After the last test no log of kubemon's
// may have a token.
package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kubemon/kubemon/e2e/lab"
)

const labName = "e2e"

// These are set by TestMain before any test runs.
var (
	theLab *lab.Lab
	kube   kubernetes.Interface
	// hubReader and agentReader ask the hub on the host, and an agent in the lab's
	// network, as the viewer that the chart makes.
	hubReader, agentReader *http.Client
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := runOnLab(ctx, m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		code = 1
	}
	os.Exit(code)
}

func runOnLab(ctx context.Context, m *testing.M) (code int, err error) {
	keep := os.Getenv("KUBEMON_E2E_KEEP") != ""
	if left, err := lab.Open(labName, os.Stderr); err == nil && !keep {
		if err := left.Down(ctx); err != nil {
			return 1, err
		}
	}
	theLab, err = lab.Up(ctx, lab.Options{Name: labName, Listen: "127.0.0.1:19080", Progress: os.Stderr})
	if theLab != nil && !keep {
		defer func() {
			if down := theLab.Down(context.WithoutCancel(ctx)); down != nil && err == nil {
				err = down
			}
		}()
	}
	if err != nil {
		return 1, fmt.Errorf("bring up the lab: %w", err)
	}
	config, err := theLab.RESTConfig()
	if err != nil {
		return 1, err
	}
	if kube, err = kubernetes.NewForConfig(config); err != nil {
		return 1, err
	}
	hubReader = theLab.AsViewer(lab.HubAudience, http.DefaultTransport)
	agentReader = theLab.AsViewer(lab.AgentAudience, theLab.HTTPClient().Transport)
	if err := applyLoads(ctx); err != nil {
		return 1, err
	}
	code = m.Run()
	if err := noTokenInLogs(ctx); err != nil {
		return 1, err
	}
	return code, nil
}

// applyLoads creates the steady loads that most tests look at.
func applyLoads(ctx context.Context) error {
	text, err := render(steadyLoads, nil)
	if err != nil {
		return err
	}
	if err := theLab.Apply(ctx, text); err != nil {
		return fmt.Errorf("apply the loads: %w", err)
	}
	return nil
}

// render fills a manifest template: .Image is the load image, .Args the rest.
func render(text string, args map[string]string) (string, error) {
	t, err := template.New("manifest").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	data := map[string]string{"Image": theLab.LoadImage()}
	for k, v := range args {
		data[k] = v
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.String(), err
}

// apply creates the manifest for the length of the test.
func apply(t *testing.T, text string, args map[string]string) {
	t.Helper()
	manifest, err := render(text, args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := kubectl(context.Background(), manifest, "delete", "--ignore-not-found", "--wait=false", "-f", "-"); err != nil {
			t.Errorf("delete what the test applied: %v", err)
		}
	})
	if err := theLab.Apply(t.Context(), manifest); err != nil {
		t.Fatal(err)
	}
}

func kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	out, err := theLab.Exec(ctx, strings.NewReader(stdin), append([]string{"kubectl"}, args...)...)
	return string(out), err
}

// eventually asks until check has no complaint left, and fails the test with
// the last one when the time is over. It returns how long it took. The bound
// is generous: no test is about the speed of the machine.
func eventually(t *testing.T, within time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		err := check()
		took := time.Since(start)
		if err == nil {
			return took
		}
		if took > within {
			t.Fatalf("%s: not within %v: %v", what, within, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-time.After(time.Second):
		}
	}
}
