package chart

import (
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubemon/kubemon/e2e/images"
)

// TestProgramsKnowTheirFlags builds the programs and asks them which flags and
// variables they take, so that a renamed one shows here and not in a cluster.
func TestProgramsKnowTheirFlags(t *testing.T) {
	known := make(map[string][]string)
	for _, program := range images.Kubemon() {
		known[path.Base(program.Image)] = flagsOf(t, program)
	}
	forEachRelease(t, func(t *testing.T, r release) {
		for name, container := range map[string]corev1.Container{
			"kubemon-agent": r.agent().Spec.Containers[0],
			"kubemon-hub":   r.hub().Spec.Containers[0],
		} {
			for _, arg := range container.Args {
				flag, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
				if !slices.Contains(known[name], flag) {
					t.Errorf("the chart gives %s the flag %s; it knows %v", name, arg, known[name])
				}
			}
			for _, variable := range container.Env {
				if strings.HasPrefix(variable.Name, "KUBEMON_") && !slices.Contains(known[name], variable.Name) {
					t.Errorf("the chart gives %s the variable %s; it knows %v", name, variable.Name, known[name])
				}
			}
		}
	})
}

// flagsOf returns the flags and variables that a program lists with -h.
func flagsOf(t *testing.T, program images.Program) []string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), path.Base(program.Package))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program.Package)
	build.Dir = filepath.Join(root, program.Module)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", program.Package, err, out)
	}
	help, err := exec.CommandContext(t.Context(), binary, "-h").CombinedOutput()
	if err != nil {
		t.Fatalf("%s -h: %v\n%s", program.Package, err, help)
	}
	var flags []string
	for _, match := range regexp.MustCompile(`(?m)^\s+--?([a-z][a-z0-9-]*)(?:.*(KUBEMON_[A-Z_]+))?$`).FindAllStringSubmatch(string(help), -1) {
		flags = append(flags, match[1], match[2])
	}
	if len(flags) == 0 {
		t.Fatalf("%s -h lists no flags:\n%s", program.Package, help)
	}
	return flags
}
