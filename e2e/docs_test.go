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

// namedTest is how a page names a test: by its folder.
var namedTest = regexp.MustCompile("`([a-z0-9/-]+)\\.(Test[A-Za-z0-9]+)`")

// TestEveryFaultHasItsTests looks for faults and attacks, in the pages about them,
// that name no test, and for tests that are not there.
func TestEveryFaultHasItsTests(t *testing.T) {
	for page, table := range map[string]struct {
		head  string // of the tables that name tests in their last column
		least int
	}{
		"faults.md": {"| fault |", 30}, "security.md": {"| who, from where |", 10},
	} {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		rows, inTable := 0, false
		for line := range strings.Lines(string(text)) {
			inTable = strings.HasPrefix(line, table.head) || inTable && strings.HasPrefix(line, "|")
			tests := namedTest.FindAllStringSubmatch(line, -1)
			if inTable && strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, table.head) {
				rows++
				if len(tests) == 0 {
					t.Errorf("docs/%s: no test is named for: %s", page, line)
				}
			}
			for _, test := range tests {
				if !hasTest(t, "../"+test[1], test[2]) {
					t.Errorf("docs/%s names %s of %s, which is not there", page, test[2], test[1])
				}
			}
		}
		if rows < table.least {
			t.Errorf("docs/%s has %d rows: the check is not looking at the table", page, rows)
		}
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
