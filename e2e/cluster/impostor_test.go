package cluster

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

const impostorPort = 10999

// impostorManifest is a program in node1's network with a key of its own.
const impostorManifest = `
apiVersion: v1
kind: Pod
metadata: {name: impostor, namespace: loads}
spec:
  nodeSelector: {kubernetes.io/hostname: node1}
  hostNetwork: true
  terminationGracePeriodSeconds: 1
  containers:
  - {name: impostor, image: "{{.Image}}", args: [impostor, --listen, ":10999"]}
`

// TestImpostorGetsNothing leads the address of node1's agent, which lives on, to a
// program with another key: no hub sends it a token, neither one that wants keys
// attested nor one that pins them, both say so, and all is well once the agent
// is at its address again.
func TestImpostorGetsNothing(t *testing.T) {
	awaitPod(t, "burn-")
	apply(t, impostorManifest, nil)
	eventually(t, 2*time.Minute, "the impostor", func() error {
		if said := impostorLog(t); !strings.Contains(said, "listening") {
			return fmt.Errorf("it said %q", said)
		}
		return nil
	})
	pinning := startHub(t, "--interval=2s", "--scrape-timeout=2s", "--agent-trust=pinned")
	eventually(t, time.Minute, "the keys pinned", func() error { return pinning.knows("node1", "ok") })

	redirectAgent(t, "--insert")
	redirected := true
	t.Cleanup(func() {
		if redirected {
			redirectAgent(t, "--delete")
		}
	})
	eventually(t, time.Minute, "the hub that pins refuses the impostor", func() error { return pinning.knows("node1", "key") })
	took := eventually(t, 2*time.Minute, "node1 without the impostor's numbers", func() error {
		node, err := fetch[item](t.Context(), "/api/v1/nodes/node1")
		if err == nil && (node.Status.State != "down" || !strings.Contains(node.Status.Reason, "not taken for the agent")) {
			err = fmt.Errorf("status %+v", node.Status)
		}
		return err
	})
	node := mustFetch[item](t, "/api/v1/nodes/node1")
	t.Logf("%.0f s after the impostor came, node1 is %s: %s", took.Seconds(), node.Status.State, node.Status.Reason)
	if strings.Count(node.Status.Reason, "://") > 1 {
		t.Errorf("the reason is not for people: %s", node.Status.Reason)
	}
	if _, _, metrics, err := ask(t.Context(), "/metrics"); err != nil || !strings.Contains(string(metrics), `kubemon_scrape_failures_total{reason="identity"}`) {
		t.Errorf("/metrics does not count the refusals: %v", err)
	}
	said := impostorLog(t)
	if !strings.Contains(said, "somebody shakes hands") || strings.Contains(said, "with a token") || strings.Contains(said, "GET") {
		t.Errorf("the impostor met the hubs, or got a request: %s", said)
	}
	impostorTellsOfTokens(t)

	redirectAgent(t, "--delete")
	redirected = false
	eventually(t, 2*time.Minute, "node1 well again", func() error {
		node, err := fetch[item](t.Context(), "/api/v1/nodes/node1")
		if err == nil && (node.Status.State != "ok" || node.Usage == nil || node.Usage.CPUMillicores == nil) {
			err = fmt.Errorf("status %+v", node.Status)
		}
		return err
	})
	eventually(t, time.Minute, "node1 well again at the other hub", func() error { return pinning.knows("node1", "ok") })
}

// impostorTellsOfTokens sends it a token, so that its silence before means
// something.
func impostorTellsOfTokens(t *testing.T) {
	t.Helper()
	status, _, _, err := request(t.Context(), http.MethodGet, agentURL(1)+"/snapshot", map[string]string{"Authorization": "Bearer nobodys"}, "")
	if err != nil || status != http.StatusTeapot {
		t.Fatalf("at the agent's address: %d, %v; want the impostor", status, err)
	}
	eventually(t, 30*time.Second, "the impostor's word", func() error {
		if said := impostorLog(t); !strings.Contains(said, "GET /snapshot with a token") {
			return fmt.Errorf("it said %q", said)
		}
		return nil
	})
}

func impostorLog(t *testing.T) string {
	t.Helper()
	said, err := kubectl(t.Context(), "", "logs", "--namespace=loads", "impostor")
	if err != nil {
		return err.Error()
	}
	return said
}

// redirectAgent leads new connections to node1's agent to the impostor, and cuts
// those that there are; or undoes it. The kubelet's own probes stay as they are.
func redirectAgent(t *testing.T, verb string) {
	t.Helper()
	agent, port, impostor := theLab.Node(1).IP.String(), fmt.Sprint(lab.AgentPort), fmt.Sprint(impostorPort)
	for _, rule := range [][]string{
		{"--table", "nat", verb, "PREROUTING", "--protocol", "tcp", "--destination", agent, "--dport", port, "--jump", "REDIRECT", "--to-ports", impostor},
		{"--table", "filter", verb, "INPUT", "!", "--in-interface", "lo", "--protocol", "tcp", "--destination", agent, "--dport", port, "--jump", "DROP"},
	} {
		if _, err := theLab.OnNode(context.Background(), 1, nil, append([]string{"iptables"}, rule...)...); err != nil {
			t.Fatal(err)
		}
	}
}

// knows wants the hub's last word on a node's agent to be that state, or to have
// that in the reason.
func (h secondHub) knows(node, want string) error {
	got, status, err := h.item(context.Background(), "/api/v1/nodes/"+node)
	if err != nil {
		return err
	}
	if got.Status.State == want || strings.Contains(got.Status.Reason, want) {
		return nil
	}
	return fmt.Errorf("%d, %+v", status, got.Status)
}
