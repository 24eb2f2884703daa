// Package chart holds the tests of charts/kubemon. They render the chart with
// the real Helm and check what comes out: that it lints, that it is the same
// each time and as recorded, that the Kubernetes API types take it to the last
// field, that wrong values are refused by name, and that it asks for no right
// and opens no door beyond what the programs need.
//
// Helm is the program that the environment variable HELM names, else the one
// that the lab builds into the user's cache, so no test is ever left out.
//
// The chart is outside this module, where go test does not look for changes:
// run these tests with -count=1, or a result from before may be shown.
//
// To record the renders again after a change of the chart:
//
//	go test ./e2e/chart -run TestGolden -update
package chart

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/e2e/lab"
)

const (
	root     = "../.."
	chartDir = root + "/charts/kubemon"
)

// helm runs Helm, apart from the user's own configuration, and returns what it
// prints and whether it succeeded.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	program := os.Getenv("HELM")
	if program == "" {
		program, err = lab.BuildHelm(t.Context(), root, t.Output())
		if err != nil {
			t.Fatalf("build helm: %v", err)
		}
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	home := t.TempDir()
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + filepath.Join(home, "none")}
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// mustHelm runs Helm and returns what it prints.
func mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, err := helm(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// render renders a release called kubemon in a namespace of that name.
func render(t *testing.T, args ...string) string {
	t.Helper()
	return mustHelm(t, append([]string{"template", "kubemon", chartDir, "--namespace", "kubemon"}, args...)...)
}

// forEachValues runs test with each of the chart's example values files.
func forEachValues(t *testing.T, test func(t *testing.T, name, file string)) {
	t.Helper()
	files, err := filepath.Glob(chartDir + "/ci/*-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 {
		t.Fatalf("%s/ci has %d values files, want several", chartDir, len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "-values.yaml")
		t.Run(name, func(t *testing.T) { test(t, name, file) })
	}
}
