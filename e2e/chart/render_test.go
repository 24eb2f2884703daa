package chart

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "record the golden renders again")

func TestLint(t *testing.T) {
	forEachValues(t, func(t *testing.T, _, file string) {
		mustHelm(t, "lint", "--strict", chartDir, "--values", file)
	})
}

func TestGolden(t *testing.T) {
	forEachValues(t, func(t *testing.T, name, file string) {
		got := render(t, "--values", file)
		golden := filepath.Join("testdata", "golden", name+".yaml")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the render differs from %s; if that is meant, run the test with -update (-want +got):\n%s", golden, diff)
		}
	})
}

// TestRenderIsTheSameEachTime guards against drift in tools that render the
// chart again and again to compare it with the cluster.
func TestRenderIsTheSameEachTime(t *testing.T) {
	forEachValues(t, func(t *testing.T, _, file string) {
		if first, second := render(t, "--values", file), render(t, "--values", file); first != second {
			t.Errorf("two renders differ:\n%s", cmp.Diff(first, second))
		}
	})
	templates, err := filepath.Glob(chartDir + "/templates/*/*")
	if err != nil || len(templates) == 0 {
		t.Fatalf("found no templates: %v", err)
	}
	for _, file := range templates {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range []string{"lookup ", "rand", "genCA", "genSelfSigned", "genSigned", "now ", "uuidv4"} {
			if strings.Contains(string(content), call) {
				t.Errorf("%s uses %q, which renders differently each time or without a cluster", file, call)
			}
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		release string
		args    []string
		want    string
	}{
		{"kubemon", nil, "kubemon-hub"},
		{"mine", nil, "mine-kubemon-hub"},
		{"kubemon-test", nil, "kubemon-test-hub"},
		{"mine", []string{"--set", "nameOverride=usage"}, "mine-usage-hub"},
		{"mine", []string{"--set", "fullnameOverride=usage"}, "usage-hub"},
		{strings.Repeat("r", 53), nil, strings.Repeat("r", 53) + "-kub-hub"},
	}
	for _, test := range tests {
		out := mustHelm(t, append([]string{"template", test.release, chartDir,
			"--show-only", "templates/hub/deployment.yaml"}, test.args...)...)
		if !strings.Contains(out, "\n  name: "+test.want+"\n") {
			t.Errorf("release %s with %v has no Deployment %s:\n%s", test.release, test.args, test.want, out)
		}
	}
}

// TestNotes reads what a person sees after the installation.
func TestNotes(t *testing.T) {
	notes := func(args ...string) string {
		out := mustHelm(t, append([]string{"install", "kubemon", chartDir, "--namespace", "usage",
			"--dry-run=client"}, args...)...)
		_, notes, found := strings.Cut(out, "\nNOTES:\n")
		if !found {
			t.Fatalf("helm install prints no notes:\n%s", out)
		}
		return notes
	}
	got := notes("--set", "hub.service.port=8080", "--set", "agent.port=10999")
	for _, want := range []string{
		"kubectl -n usage port-forward service/kubemon-hub 8080:8080\n",
		"curl http://127.0.0.1:8080/api/v1/nodes\n",
		"curl http://NODE_ADDRESS:10999/snapshot\n",
		"WARNING: nothing here is authenticated",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the notes do not say %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "open beyond the cluster") {
		t.Errorf("the notes call a ClusterIP open:\n%s", got)
	}
	if got := notes("--set", "hub.service.type=NodePort"); !strings.Contains(got, "type NodePort, open beyond the cluster") {
		t.Errorf("the notes do not warn of a NodePort:\n%s", got)
	}
}
