package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryDescribedNodeIsDocumented looks for nodes that the agent is tested on
// and that the page about nodes does not tell of.
func TestEveryDescribedNodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/nodes.md")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := filepath.Glob("../agent/internal/collect/testdata/*.node")
	if err != nil || len(nodes) == 0 {
		t.Fatalf("described nodes: %v, %v", nodes, err)
	}
	for _, node := range nodes {
		if name := strings.TrimSuffix(filepath.Base(node), ".node"); !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/nodes.md has no row of %s", name)
		}
	}
}
