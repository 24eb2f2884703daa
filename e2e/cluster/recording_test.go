package cluster

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// TestRecordedNode records node1 in its agent's pod, as a person does who sends
// a node, and replays the recording on this machine: what it counts lies between
// what the agent counted just before and just after.
func TestRecordedNode(t *testing.T) {
	awaitPod(t, "burn-")
	pod, err := kubemonPod(t.Context(), "agent", "node1")
	if err != nil {
		t.Fatal(err)
	}
	before, _ := askPort(t, privilegedPort)
	archive, err := kubectl(t.Context(), "", "exec", "--namespace=kubemon", pod.Name, "--", "/kubemon-agent", "record", "-")
	if err != nil {
		t.Fatal(err)
	}
	after, live := askPort(t, privilegedPort)
	t.Logf("the recording of a node with %d pods has %d bytes", len(live.Pods), len(archive))
	replayed := replay(t, archive)

	s, err := snapshot.Decode(replayed, snapshot.ContentTypeJSON)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Warnings, live.Warnings) {
		t.Errorf("the recording has warnings %v, the node %v", s.Warnings, live.Warnings)
	}
	c := comparison{odd: make(map[string][]string)}
	c.compare(t, withoutInodes(before), withoutInodes(flatOf(t, replayed)), withoutInodes(after))
	// Tasks of the command itself, and the file systems, move meanwhile.
	for _, key := range slices.Sorted(maps.Keys(c.odd)) {
		t.Logf("%s moved: %v", key, c.odd[key])
	}
	t.Logf("%d counters lay between, %d values were equal, %d gauges compared, %d of them off", c.counters, c.equals, c.gauges, len(c.odd))
	if c.counters < 100 || c.equals < 100 || len(c.odd) > c.gauges/10 {
		t.Errorf("%d counters and %d equal values were compared, and %d of %d gauges are off", c.counters, c.equals, len(c.odd), c.gauges)
	}
}

// replay asks the agent, built for this machine, for a recorded node.
func replay(t *testing.T, archive string) []byte {
	t.Helper()
	folder := t.TempDir()
	agent, recording := filepath.Join(folder, "kubemon-agent"), filepath.Join(folder, "node.tar.gz")
	if err := os.WriteFile(recording, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", agent, "./cmd/kubemon-agent")
	build.Dir = "../../agent"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), agent, "snapshot", "-o=json", "--root="+recording).Output()
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	return out
}

// withoutInodes leaves out what is another number in a copy.
func withoutInodes(flat map[string]any) map[string]any {
	maps.DeleteFunc(flat, func(key string, _ any) bool {
		return strings.HasSuffix(key, ".cgroupID") || strings.HasSuffix(key, ".networkID") || key == "agent.version"
	})
	return flat
}
