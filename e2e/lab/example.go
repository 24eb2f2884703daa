package lab

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	exampleNamespace = "shop"
	// examplePods is how many pods the example workload has.
	examplePods  = 4
	usageTimeout = 3 * time.Minute
)

//go:embed example.yaml
var exampleYAML string

// deployExample applies the example workload and waits until it runs.
func (l *Lab) deployExample(ctx context.Context) error {
	started := time.Now()
	if err := l.Apply(ctx, strings.ReplaceAll(exampleYAML, "LOAD_IMAGE", l.LoadImage())); err != nil {
		return err
	}
	_, err := l.Exec(ctx, nil, "kubectl", "--namespace", exampleNamespace, "rollout", "status",
		"--timeout", installTimeout, "deployment,statefulset")
	if err != nil {
		return fmt.Errorf("wait for the example workload: %w", err)
	}
	l.progress.step("example workload runs in namespace %s (after %.1f s)", exampleNamespace, time.Since(started).Seconds())
	return nil
}

// waitForUsage waits until the hub tells the CPU of every example pod.
func (l *Lab) waitForUsage(ctx context.Context) error {
	started := time.Now()
	url := l.HubURL() + "/api/v1/pods?namespace=" + exampleNamespace
	viewer := l.AsViewer(HubAudience, http.DefaultTransport)
	err := poll(ctx, usageTimeout, "usage of the example pods at "+url, func(ctx context.Context) error {
		return podsWithUsage(ctx, viewer, url, examplePods)
	})
	if err != nil {
		return err
	}
	l.progress.step("the hub tells the usage of all %d example pods (after %.1f s)", examplePods, time.Since(started).Seconds())
	return nil
}

// podsWithUsage returns nil when the hub's list at url has CPU usage for at
// least the given number of pods.
func podsWithUsage(ctx context.Context, viewer *http.Client, url string, want int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := viewer.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	return countUsage(body, want)
}

// countUsage returns nil when a PodList has CPU usage for enough pods.
func countUsage(body []byte, want int) error {
	var list struct {
		Items []struct {
			Usage struct {
				CPUMillicores *float64 `json:"cpuMillicores"`
			} `json:"usage"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("parse list of pods: %w", err)
	}
	known := 0
	for _, item := range list.Items {
		if item.Usage.CPUMillicores != nil {
			known++
		}
	}
	if known < want {
		return errors.New(fmt.Sprint(known, " of ", want, " pods have CPU usage"))
	}
	return nil
}
