package chart

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestSchemaRefuses gives wrong values, and expects to be told which.
func TestSchemaRefuses(t *testing.T) {
	tests := []struct{ name, set, want string }{
		{"unknown component", "agnet.port=1", "agnet"},
		{"unknown value", "agent.prot=1", "prot"},
		{"unknown image field", "hub.image.name=x", "'name'"},
		{"replicas", "hub.replicas=2", "replicas"},
		{"unknown mode", "auth.mode=basic", "/auth/mode"},
		{"unknown mode of TLS", "agent.tls.mode=off", "/agent/tls/mode"},
		{"policy as text", "agent.tls.admissionPolicy=yes", "/agent/tls/admissionPolicy"},
		{"off unquoted", "hub.tls.mode=false", "/hub/tls/mode"},
		{"subject that is no account", "agent.auth.subjects[0]=alice", "/agent/auth/subjects/0"},
		{"two subjects in one", `agent.auth.subjects[0]=system:serviceaccount:a:b\,system:serviceaccount:a:c`, "/agent/auth/subjects/0"},
		{"unknown source", "hub.networkPolicy.from[0].pods=all", "pods"},
		{"empty source", "hub.networkPolicy.from[0]=", "/hub/networkPolicy/from/0"},
		{"unknown profile", "agent.securityProfile=baseline", "/agent/securityProfile"},
		{"port as text", "agent.port=abc", "/agent/port"},
		{"port too big", "agent.port=70000", "/agent/port"},
		{"port zero", "hub.service.port=0", "/hub/service/port"},
		{"number without a unit", "hub.interval=10", "/hub/interval"},
		{"events as text", "hub.events=often", "/hub/events"},
		{"no duration", "hub.window=long", "/hub/window"},
		{"unknown service type", "hub.service.type=Nodeport", "/hub/service/type"},
		{"unknown pull policy", "agent.image.pullPolicy=always", "/agent/image/pullPolicy"},
		{"half a digest", "hub.image.digest=sha256:abc", "/hub/image/digest"},
		{"tag in the repository", "hub.image.repository=kubemon/hub:1", "/hub/image/repository"},
		{"relative folder", "agent.podLogs=var/log/pods", "/agent/podLogs"},
		{"no quantity", "hub.resources.limits.memory=1 GB", "/hub/resources/limits/memory"},
		{"unknown resource list", "hub.resources.limit.memory=1Gi", "'limit'"},
		{"arguments as text", "agent.extraArgs=--verbose", "/agent/extraArgs"},
		{"toleration with a typo", "hub.tolerations[0].operater=Exists", "operater"},
		{"no upgrade at all", "agent.maxUnavailable=0", "/agent/maxUnavailable"},
		{"pull secret as text", "imagePullSecrets[0]=registry", "/imagePullSecrets/0"},
		{"annotation that is no text", "hub.podAnnotations.on=true", "/hub/podAnnotations/on"},
		{"label that selects", `agent.podLabels.app\.kubernetes\.io/name=x`, "app.kubernetes.io/name"},
		{"name with capitals", "fullnameOverride=KubeMon", "/fullnameOverride"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, err := helm(t, "template", "kubemon", chartDir, "--set", test.set)
			if err == nil {
				t.Fatalf("--set %s was accepted:\n%s", test.set, stdout)
			}
			if !strings.Contains(stderr, test.want) || !strings.Contains(stderr, "schema") {
				t.Errorf("--set %s was refused, but not for %q by the schema:\n%s", test.set, test.want, stderr)
			}
		})
	}
}

// TestOldKubernetesIsRefused checks the range of versions that Chart.yaml gives.
func TestOldKubernetesIsRefused(t *testing.T) {
	render(t, "--kube-version", "1.25.0")
	_, stderr, err := helm(t, "template", "kubemon", chartDir, "--kube-version", "1.24.17")
	if err == nil || !strings.Contains(stderr, "incompatible with Kubernetes v1.24.17") {
		t.Errorf("Kubernetes 1.24 was not refused: %v\n%s", err, stderr)
	}
}

// TestValuesAreExplained wants a comment above every value of values.yaml and
// a row for it in the chart's README.
func TestValuesAreExplained(t *testing.T) {
	content, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(chartDir + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	paths := documentedValues(t, content)
	if len(paths) < 30 {
		t.Fatalf("values.yaml has %d values, want many", len(paths))
	}
	for _, path := range paths {
		if !strings.Contains(string(readme), "\n| `"+path+"` |") {
			t.Errorf("the README's table has no row for %s", path)
		}
		name := path[strings.LastIndex(path, ".")+1:]
		if !isExplained(lines, name) {
			t.Errorf("values.yaml has a value %s without a comment that begins with its name", name)
		}
	}
}

// isExplained says whether each line that sets name comes under a comment that
// begins with name.
func isExplained(lines []string, name string) bool {
	for i, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), name+":") {
			continue
		}
		first := i
		for first > 0 && strings.HasPrefix(strings.TrimSpace(lines[first-1]), "# ") {
			first--
		}
		if !strings.HasPrefix(strings.TrimSpace(lines[first]), "# "+name+" ") {
			return false
		}
	}
	return true
}

// documentedValues returns the paths of the values that a user sets as a
// whole: everything in a component, but what is Kubernetes' own stays folded.
func documentedValues(t *testing.T, content []byte) []string {
	t.Helper()
	var values map[string]any
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	groups := []string{"auth", "viewer", "agent", "agent.auth", "agent.image", "agent.serviceAccount", "agent.tls", "agent.tls.certManager",
		"hub", "hub.auth", "hub.image", "hub.networkPolicy", "hub.service", "hub.serviceAccount", "hub.tls"}
	var walk func(prefix string, values map[string]any) []string
	walk = func(prefix string, values map[string]any) []string {
		var paths []string
		for _, key := range slices.Sorted(maps.Keys(values)) {
			path := prefix + key
			if slices.Contains(groups, path) {
				paths = append(paths, walk(path+".", values[key].(map[string]any))...)
				continue
			}
			paths = append(paths, path)
		}
		return paths
	}
	return walk("", values)
}
