package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestWithoutRights runs the program as user 65534 where that can be changed,
// else as whoever runs the test, on a node whose log folder is closed to that
// user: a warning says so, and the container's log names the pod.
func TestWithoutRights(t *testing.T) {
	binary := filepath.Join(t.TempDir(), program)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	folder, node := capture(t)
	if err := os.Chmod(folder+"/pods", 0); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, append([]string{"snapshot", "-o=json"}, node[1:]...)...)
	command.Dir = "/"
	if os.Getuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for _, entered := range []string{filepath.Dir(folder), filepath.Dir(filepath.Dir(binary))} {
			if err := os.Chmod(entered, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("snapshot: %v\n%s", err, stderr.String())
	}
	s, err := snapshot.Decode(out, snapshot.ContentTypeJSON)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Pods) != 1 || s.Pods[0].CPU == nil || s.Pods[0].Name != "web" {
		t.Errorf("pods = %+v, want one named web", s.Pods)
	}
	named := slices.ContainsFunc(s.Warnings, func(w snapshot.Warning) bool {
		return w.Source == "names" && strings.Contains(w.Reason, folder+"/pods: permission denied")
	})
	if !named {
		t.Errorf("warnings = %+v, want one that names the folder", s.Warnings)
	}
}
