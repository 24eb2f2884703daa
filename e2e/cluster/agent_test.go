package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// agentURL is the address of node n's agent in the lab's network.
func agentURL(n int) string {
	return fmt.Sprintf("https://%s:%d", theLab.Node(n).IP, lab.AgentPort)
}

// readAgent gets a snapshot from the agent of node n, as curl would.
func readAgent(ctx context.Context, n int) (*snapshot.Snapshot, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, agentURL(n)+"/snapshot", nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "*/*")
	resp, err := agentReader.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, body, fmt.Errorf("agent of node%d: %s: %s", n, resp.Status, body)
	}
	s, err := snapshot.Decode(body, snapshot.ContentTypeJSON)
	return s, body, err
}

// TestAgentCanBeReadByAPerson asks one agent directly.
func TestAgentCanBeReadByAPerson(t *testing.T) {
	awaitPod(t, "burn-")
	s, body, err := readAgent(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.Node != "node1" || s.Agent.Cgroup.Mode != snapshot.ModeUnified || s.Agent.Cgroup.PSI {
		t.Errorf("node %q, cgroup %+v; want node1, unified, without PSI", s.Node, s.Agent.Cgroup)
	}
	var found *snapshot.Pod
	for i := range s.Pods {
		if s.Pods[i].Namespace == "loads" && strings.HasPrefix(s.Pods[i].Name, "burn-") {
			found = &s.Pods[i]
		}
	}
	if found == nil {
		t.Fatalf("no pod named loads/burn-* in the snapshot of node1:\n%.2000s", body)
	}
	named := false
	for _, c := range found.Containers {
		named = named || c.Name == "burn" && c.CPU != nil && c.CPU.UsageMicros > 0
	}
	if !named || found.QOSClass != "Burstable" || found.HostNetwork || len(found.Network) == 0 {
		t.Errorf("pod burn is %+v, want a named container, Burstable, a network of its own", found)
	}
	if lines := strings.Count(string(body), "\n"); lines < 100 {
		t.Errorf("the JSON has %d lines, too few for a person to read", lines)
	}
	// What this kernel does not offer is named.
	if !strings.Contains(strings.ToLower(fmt.Sprint(s.Warnings)), "pressure") {
		t.Errorf("warnings are %v, want one about pressure", s.Warnings)
	}
}
