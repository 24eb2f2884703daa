package chart

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// unsteady are the template functions whose result is not that of the values.
var unsteady = regexp.MustCompile(`\b(lookup|rand[A-Z]\w*|gen[A-Z]\w*|now|ago|date\w*|uuidv4|htpasswd|bcrypt|derivePassword|getHostByName|encryptAES|env|expandenv|shuffle)\b`)

// TestRenderIsTheSameEachTime guards against drift in tools that render the
// chart again and again to compare it with the cluster.
func TestRenderIsTheSameEachTime(t *testing.T) {
	forEachValues(t, func(t *testing.T, _, file string) {
		if first, second := render(t, "--values", file), render(t, "--values", file); first != second {
			t.Errorf("two renders differ:\n%s", cmp.Diff(first, second))
		}
	})
	nested, err := filepath.Glob(chartDir + "/templates/*/*")
	top, topErr := filepath.Glob(chartDir + "/templates/*.*")
	templates := slices.Concat(nested, top)
	if err != nil || topErr != nil || len(nested) == 0 || len(top) == 0 {
		t.Fatalf("found templates %q: %v, %v", templates, err, topErr)
	}
	for _, file := range templates {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range regexp.MustCompile(`(?s){{.*?}}`).FindAllString(string(content), -1) {
			if call := unsteady.FindString(action); call != "" && !strings.HasPrefix(strings.TrimLeft(action, "{- "), "/*") {
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
	bearer := `-H "Authorization: Bearer $TOKEN" `
	tests := []struct {
		name       string
		set        []string
		want, none []string
	}{
		{"tokens", []string{"hub.service.port=8080", "agent.port=10999"}, []string{
			"kubectl -n usage port-forward service/kubemon-hub 8080:8080\n",
			"kubectl label namespace usage pod-security.kubernetes.io/enforce=privileged\n",
			"TOKEN=$(kubectl -n usage create token kubemon-viewer --audience=kubemon-hub --duration=1h)\n",
			"curl -s " + bearer + "http://127.0.0.1:8080/api/v1/nodes\n",
			"TOKEN=$(kubectl -n usage create token kubemon-viewer --audience=kubemon-agent --duration=1h)\n",
			"curl -sk " + bearer + "https://NODE_ADDRESS:10999/snapshot\n",
			"kubectl -n usage exec daemonset/kubemon-agent -- /kubemon-agent snapshot\n",
		}, []string{"WARNING"}},
		{"the hub over TLS", []string{"hub.tls.mode=self-signed", "hub.service.type=NodePort"}, []string{
			"curl -s -k " + bearer + "https://127.0.0.1:8080/api/v1/nodes\n",
		}, []string{"WARNING"}},
		{"open to others without TLS", []string{"hub.service.type=NodePort"}, []string{
			"WARNING: the Service kubemon-hub (type NodePort) is open beyond the cluster and speaks no TLS",
		}, nil},
		{"no viewer", []string{"viewer.create=false"}, []string{"create token SERVICE_ACCOUNT --audience=kubemon-hub"}, []string{"viewer"}},
		{"nobody asked", []string{"auth.mode=none"}, []string{
			"curl -s http://127.0.0.1:8080/api/v1/nodes\n", "curl -s http://NODE_ADDRESS:10290/snapshot\n",
			"WARNING: auth.mode is none", "port 10290 of\na node or the Service kubemon-hub\n",
		}, []string{"TOKEN", "open beyond"}},
		{"nobody asked, open", []string{"auth.mode=none", "hub.service.type=NodePort", "agent.hostNetwork=false"}, []string{
			"an agent's pod or the Service kubemon-hub (type NodePort, open beyond the cluster)\n",
		}, nil},
	}
	for _, test := range tests {
		got := notes(setArgs(test.set)...)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the notes do not say %q:\n%s", test.name, want, got)
			}
		}
		for _, none := range test.none {
			if strings.Contains(got, none) {
				t.Errorf("%s: the notes say %q:\n%s", test.name, none, got)
			}
		}
	}
}
