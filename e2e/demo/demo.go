// Package demo runs a hub on a made-up cluster in which something happens: a
// shop with its databases, of which one container is killed for lack of memory
// again and again, another is throttled, a node falls silent, and one has a
// kernel that says less than the others. Screenshots and the tests of the page
// look at it.
//
//	cluster.go: what there is ─▶ node.go: a node's counters at a moment ─▶ agents.go ─▶ hub
//	cluster.go ─▶ objects.go: the same for the API server ──────────────────────────▶ hub
//
// Counters are formulas of the time (wave.go), so that agents can tell of the
// last hour as of now: a new hub has its window full after its second round.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubemon/kubemon/e2e/fleet"
)

// Options say what to run.
type Options struct {
	// Hub is the path of the kubemon-hub program, Log a file for what it says.
	Hub, Log string
	// Interval is the time between the hub's rounds.
	Interval time.Duration
	// Listen is the hub's address, a free port of the loopback interface if
	// empty.
	Listen string
}

// A Demo is the running cluster.
type Demo struct {
	// URL is the hub's.
	URL string

	hub  *fleet.Hub
	stop []func()
}

// Start runs agents, API server and hub. Close ends them.
func Start(ctx context.Context, o Options) (*Demo, error) {
	d := &Demo{}
	if err := d.start(ctx, o); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Demo) start(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "kubemon-demo-")
	if err != nil {
		return err
	}
	d.stop = append(d.stop, func() { os.RemoveAll(dir) })
	nodes := newCluster(time.Now())
	urls, err := d.serveAgents(ctx, nodes, o.Interval)
	if err != nil {
		return err
	}
	api, err := fleet.ServeObjects(ctx, objects(nodes))
	if err != nil {
		return err
	}
	d.stop = append(d.stop, api.Close)
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, api.Kubeconfig(), 0o600); err != nil {
		return err
	}
	args := []string{"--interval", o.Interval.String(), "--scrape-timeout", min(o.Interval, 5*time.Second).String(), "--kubeconfig", kubeconfig, "--events=false"}
	if o.Listen != "" {
		args = append(args, "--listen", o.Listen)
	}
	hub, err := fleet.StartHub(ctx, o.Hub, o.Log, args, []string{"PATH=" + os.Getenv("PATH"), "KUBEMON_HUB_AGENTS=" + strings.Join(urls, ",")})
	if err != nil {
		return err
	}
	d.stop = append(d.stop, hub.End)
	d.hub, d.URL = hub, hub.URL
	return nil
}

// AwaitFull returns when the hub has filled its window and found the silent
// node to be down.
func (d *Demo) AwaitFull(ctx context.Context) error {
	for {
		var status struct {
			Replay struct{ State string }
			Agents []struct{ State string }
		}
		answer, err := d.hub.Get(ctx, "/api/v1/status")
		if err == nil {
			err = json.Unmarshal(answer.Body, &status)
		}
		isDown := func(a struct{ State string }) bool { return a.State == "down" }
		if err == nil && status.Replay.State == "done" && slices.ContainsFunc(status.Agents, isDown) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the hub's window is not full: %s, %w", answer.Body, errors.Join(ctx.Err(), err))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// Close ends the hub, then what it asked.
func (d *Demo) Close() {
	for i := len(d.stop) - 1; i >= 0; i-- {
		d.stop[i]()
	}
	d.stop = nil
}
