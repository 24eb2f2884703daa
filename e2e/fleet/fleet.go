// Package fleet runs a hub against thousands of simulated nodes on this
// machine, to see what it costs and whether its numbers are those that the
// nodes were told to have.
//
//	Node.At ─▶ agents (HTTPS on loopback addresses, one for each node) ─▶ hub, with a token, keys pinned
//	Objects ─▶ API server (just lists and watches, on loopback) ─────────▶ hub
//
// A [Node] is a formula: what its counters are at any moment follows from its
// number and the time, so that nothing has to be remembered and each rate is
// known beforehand. Agents and API server run in the calling process and the
// hub in one of its own, so that its CPU time and memory are its own. All
// traffic stays on the loopback interface.
package fleet

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say what to run.
type Options struct {
	// Hub is the path of the kubemon-hub program.
	Hub string
	// Nodes is how many there are, each with 30 pods of two containers. The hub
	// is told their addresses in one variable, which has room for 5,000.
	Nodes int
	// Interval is the time between the hub's rounds.
	Interval time.Duration
	// History is how far back the agents have snapshots of their own.
	History time.Duration
	// Arguments are further ones for the hub, Environment what it has besides
	// PATH.
	Arguments, Environment []string
	// Log is a file for what the hub says.
	Log string
}

// A Fleet is simulated nodes and the hub that asks them.
type Fleet struct {
	Hub   *Hub
	Nodes []Node
	// URLs are the agents', Token what they expect of who asks them.
	URLs  []string
	Token string

	stop []func()
}

// Start runs agents, API server and hub. The hub is not ready yet. Close ends
// them all.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	f := &Fleet{}
	if err := f.start(ctx, o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Fleet) start(ctx context.Context, o Options) error {
	dir, err := os.MkdirTemp("", "kubemon-fleet-")
	if err != nil {
		return err
	}
	f.stop = append(f.stop, func() { os.RemoveAll(dir) })
	f.Nodes = nodes(o.Nodes, time.Now())
	f.Token = newToken()
	agents, err := serveAgents(ctx, f.Nodes, f.Token, o.History, o.Interval)
	if err != nil {
		return err
	}
	f.stop = append(f.stop, agents.close)
	cluster, err := ServeObjects(ctx, objects(f.Nodes))
	if err != nil {
		return err
	}
	f.stop = append(f.stop, cluster.Close)

	f.URLs = agents.urls
	token, kubeconfig := filepath.Join(dir, "token"), filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(token, []byte(f.Token), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(kubeconfig, cluster.Kubeconfig(), 0o600); err != nil {
		return err
	}
	f.Hub, err = StartHub(ctx, o.Hub, o.Log,
		append([]string{"--interval", o.Interval.String(), "--scrape-timeout", min(o.Interval, 5*time.Second).String(), "--kubeconfig", kubeconfig, "--agent-token-file", token}, o.Arguments...),
		append([]string{"PATH=" + os.Getenv("PATH"), "KUBEMON_HUB_AGENTS=" + strings.Join(f.URLs, ",")}, o.Environment...))
	if err != nil {
		return err
	}
	f.stop = append(f.stop, f.Hub.End)
	return nil
}

// Close ends the hub, then what it asked.
func (f *Fleet) Close() {
	for i := len(f.stop) - 1; i >= 0; i-- {
		f.stop[i]()
	}
	f.stop = nil
}
