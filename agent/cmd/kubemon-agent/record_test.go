package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubemon/kubemon/agent/internal/fixture"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// output runs a command and returns what it prints.
func output(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout bytes.Buffer
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	if err := run(t.Context(), log, &stdout, args, noEnv, func(net.Addr) {}); err != nil {
		t.Fatalf("kubemon-agent %s: %v", strings.Join(args, " "), err)
	}
	return stdout.Bytes()
}

func snapshotOf(t *testing.T, args ...string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Decode(output(t, append([]string{"snapshot", "-o=json"}, args...)...), snapshot.ContentTypeJSON)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ownFolder makes a temporary folder and checks that it is empty at the end.
func ownFolder(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	t.Cleanup(func() {
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("the temporary folder has %v, %v; want nothing left behind", left, err)
		}
	})
}

// TestRecordedNodesAreTheSame records the fixtures of package collect: the
// snapshot of a recording is that of the node, to the last number. Control
// groups and network namespaces have other inodes in a copy.
func TestRecordedNodesAreTheSame(t *testing.T) {
	files, err := filepath.Glob("../../internal/collect/testdata/*.node")
	if err != nil || len(files) < 5 {
		t.Fatalf("fixtures: %q, %v; want several", files, err)
	}
	folders := make(map[string]string)
	for _, file := range files {
		described, err := fixture.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		if err := described.Layout.Write(folder); err != nil {
			t.Fatal(err)
		}
		folders[strings.TrimSuffix(filepath.Base(file), ".node")] = folder
	}
	v1 := folders["v1-node"] // has no cgroup2 mount
	if err := errors.Join(os.MkdirAll(v1+"/cgroup/memory", 0o755), os.WriteFile(v1+"/cgroup/memory/cgroup.procs", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			ownFolder(t)
			node := []string{
				"--node-name=recorded", "--procfs=" + folder + "/proc", "--sysfs=" + folder + "/sys", "--cgroupfs=" + folder + "/cgroup",
				"--podlogs=" + folder + "/podlogs", "--containerlogs=" + folder + "/containerlogs",
			}
			want := snapshotOf(t, node...)
			file := filepath.Join(t.TempDir(), "node.tar.gz")
			output(t, append([]string{"record", file}, node...)...)
			got := snapshotOf(t, "--root", file)
			if got.Time.Before(want.Time) || got.BootNanos <= want.BootNanos {
				t.Errorf("the recording is of %v, %d ns after boot; it was made after %v, %d ns", got.Time, got.BootNanos, want.Time, want.BootNanos)
			}
			got.Time, got.BootNanos = want.Time, want.BootNanos
			numberInodes(want)
			numberInodes(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the snapshot of the recording differs (-node +recording):\n%s", diff)
			}
			if want.Host.CPU.Count == 0 || want.Host.Memory.TotalBytes == nil {
				t.Error("the fixture has nothing to compare")
			}
		})
	}
}

// numberInodes replaces inode numbers by the order in which they appear: which
// are equal stays to be seen.
func numberInodes(s *snapshot.Snapshot) {
	numbers := map[uint64]uint64{0: 0}
	number := func(inode *uint64) {
		if _, seen := numbers[*inode]; !seen {
			numbers[*inode] = uint64(len(numbers))
		}
		*inode = numbers[*inode]
	}
	for i := range s.Slices {
		number(&s.Slices[i].CgroupID)
	}
	for i := range s.Pods {
		number(&s.Pods[i].CgroupID)
		number(&s.Pods[i].NetworkID)
		for j := range s.Pods[i].Containers {
			number(&s.Pods[i].Containers[j].CgroupID)
		}
	}
	for i := range s.Containers {
		number(&s.Containers[i].CgroupID)
	}
}

// TestRecordedMachine records the machine that runs the test, whose numbers
// move meanwhile: what there is must be there.
func TestRecordedMachine(t *testing.T) {
	ownFolder(t)
	before := snapshotOf(t)
	file := filepath.Join(t.TempDir(), "node.tar.gz")
	output(t, "record", file)
	recorded := snapshotOf(t, "--root="+file)
	after := snapshotOf(t)
	if recorded.Node != before.Node || recorded.BootID != before.BootID || recorded.BootNanos < before.BootNanos || recorded.BootNanos > after.BootNanos {
		t.Errorf("recorded is %s %s at %d, want %s %s between %d and %d",
			recorded.Node, recorded.BootID, recorded.BootNanos, before.Node, before.BootID, before.BootNanos, after.BootNanos)
	}
	want, got, last := things(before), things(recorded), things(after)
	for thing := range want {
		if last[thing] && !got[thing] {
			t.Errorf("the recording lacks %s", thing)
		}
	}
	for thing := range got {
		if !want[thing] && !last[thing] {
			t.Errorf("the recording has %s, the machine does not", thing)
		}
	}
	between(t, "CPU time", before.Host.CPU.UsageMicros, recorded.Host.CPU.UsageMicros, after.Host.CPU.UsageMicros)
	if diff := cmp.Diff(before.Host.Memory.TotalBytes, recorded.Host.Memory.TotalBytes); diff != "" {
		t.Errorf("memory (-machine +recording):\n%s", diff)
	}
}

func between(t *testing.T, what string, before, recorded, after *uint64) {
	t.Helper()
	if before == nil || recorded == nil || after == nil || *recorded < *before || *recorded > *after {
		t.Errorf("%s = %v, want a value between %v and %v", what, recorded, before, after)
	}
}

// things are the names of what a node has. Short-lived ones are in only one of
// two snapshots.
func things(s *snapshot.Snapshot) map[string]bool {
	found := make(map[string]bool)
	for _, slice := range s.Slices {
		found["slice "+slice.Cgroup] = true
	}
	for _, pod := range s.Pods {
		found["pod "+pod.UID+" "+pod.Name] = true
		for _, container := range pod.Containers {
			found["container "+container.ID+" "+container.Name] = true
		}
	}
	for _, disk := range s.Host.Disks {
		found["disk "+disk.Device+" "+disk.Name] = true
	}
	for _, i := range s.Host.Network {
		found["interface "+i.Interface] = true
	}
	for _, f := range s.Host.Filesystems {
		found["file system "+f.Mount] = true
	}
	for _, warning := range s.Warnings {
		found["warning of "+warning.Source] = true
	}
	return found
}

// TestRecordingsAreDiscreet looks at every name in a recording of this machine.
func TestRecordingsAreDiscreet(t *testing.T) {
	archive, err := gzip.NewReader(bytes.NewReader(output(t, "record", "-")))
	if err != nil {
		t.Fatal(err)
	}
	known := []string{
		"node.json", "ERRORS", "boot_id", "loadavg", "meminfo", "diskstats", "cgroups", "stat", "cgroup", "dev",
		"route", "ipv6_route", "mountinfo", "cpu", "memory", "io",
	}
	processes := 0
	for files := tar.NewReader(archive); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg || header.Size == 0 {
			continue // a name says nothing but itself
		}
		controlGroup := strings.HasPrefix(header.Name, "cgroup/")
		if !controlGroup && !slices.Contains(known, path.Base(header.Name)) {
			t.Errorf("the recording has a file %s", header.Name)
		}
		if path.Base(header.Name) == "stat" {
			processes++
		}
	}
	if processes < 2 {
		t.Errorf("the recording has %d files stat, want those of the machine and of its processes", processes)
	}
}

// TestServeRecording serves a recorded node: each answer is the same.
func TestServeRecording(t *testing.T) {
	ownFolder(t)
	_, node := capture(t)
	file := filepath.Join(t.TempDir(), "node.tar.gz")
	output(t, append([]string{"record", file}, node[1:]...)...)
	url, stop := start(t, []string{"--listen=127.0.0.1:0", "--root=" + file})
	var answers []*snapshot.Snapshot
	for range 2 {
		status, contentType, body := get(t, url+"/snapshot", snapshot.ContentTypeJSON)
		s, err := snapshot.Decode(body, contentType)
		if err != nil || status != http.StatusOK {
			t.Fatalf("snapshot: %d, %v", status, err)
		}
		answers = append(answers, s)
	}
	if answers[0].Node != "node1" || len(answers[0].Pods) != 1 || answers[0].Pods[0].Name != "web" {
		t.Errorf("snapshot = %+v, want node1 with the pod web", answers[0])
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("the second answer differs (-first +second):\n%s", diff)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	named := snapshotOf(t, "--root="+file, "--node-name=other")
	if diff := cmp.Diff(answers[0], named, cmpopts.IgnoreFields(snapshot.Snapshot{}, "Node"), cmpopts.IgnoreTypes(uint64(0))); diff != "" || named.Node != "other" {
		t.Errorf("node %s, (-served +printed):\n%s", named.Node, diff)
	}
}

// TestSnapshotTable prints what people see unless they ask for more.
func TestSnapshotTable(t *testing.T) {
	_, node := capture(t)
	text := string(output(t, append([]string{"snapshot"}, node[1:]...)...))
	for _, want := range []string{"node1 at ", "CPU-SECONDS", "\nshop/web ", "\n  web ", "\nWARNING "} {
		if !strings.Contains(text, want) {
			t.Errorf("the table has no %q:\n%s", want, text)
		}
	}
}

// TestRecordLeavesNothingHalf has a target that cannot be replaced.
func TestRecordLeavesNothingHalf(t *testing.T) {
	_, node := capture(t)
	folder := t.TempDir()
	if err := os.MkdirAll(folder+"/taken/by a folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{folder + "/taken": "taken: ", folder + "/gone/node": "gone/node: open "} {
		err := run(t.Context(), slog.New(slog.DiscardHandler), io.Discard, append([]string{"record", target}, node[1:]...), noEnv, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("record %s: %v, want one line with %q", target, err, want)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v; want nothing new", entries, err)
	}
}
