package e2e

import (
	"os"
	"path/filepath"
	"regexp"
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

// TestEveryFaultHasItsTests looks for faults in the page about them that name no
// test, and for tests that are not there.
func TestEveryFaultHasItsTests(t *testing.T) {
	page, err := os.ReadFile("../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9/-]+)\\.(Test[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		tests := named.FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| fault ") {
			rows++
			if len(tests) == 0 {
				t.Errorf("no test is named for: %s", line)
			}
		}
		for _, test := range tests {
			if !hasTest(t, "../"+test[1], test[2]) {
				t.Errorf("docs/faults.md names %s of %s, which is not there", test[2], test[1])
			}
		}
	}
	if rows < 30 {
		t.Errorf("docs/faults.md has %d faults: the check is not looking at the table", rows)
	}
}

// hasTest reports whether a test of that name is in the folder.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
