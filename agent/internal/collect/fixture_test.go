package collect_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/fixture"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// layOut writes the node of a description below folder: its proc, sys, cgroup,
// podlogs and containerlogs.
func layOut(file, folder string) error {
	d, err := fixture.Read(file)
	if err != nil {
		return err
	}
	return d.Layout.Write(folder)
}

// TestDescribedNodes compares the snapshot of every described node with the one
// that its description wants. Inode numbers are the file system's: they are
// checked for what they must tell apart, and left out.
func TestDescribedNodes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.node")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".node")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testDescribedNode(t, name)
		})
	}
}

func testDescribedNode(t *testing.T, name string) {
	file := filepath.Join("testdata", name+".node")
	d, err := fixture.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := newExpectation(d.Expect)
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	node, _ := openNode(t, name)
	refuse(&node, d.Layout.Fails)
	got := collectTwice(t, node)
	inOrder(got)
	inOrder(want)
	takeInodes(t, got)
	numberNetworks(want)
	shortenReasons(got.Warnings, want.Warnings)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// collectTwice returns the second snapshot of one collector, which must be the
// same as the first: nothing of the node has changed, but the collector knows it
// already.
func collectTwice(t *testing.T, node collect.Node) *snapshot.Snapshot {
	t.Helper()
	collector := collect.New(node, options)
	defer collector.Close()
	var snapshots [2]*snapshot.Snapshot
	for i := range snapshots {
		s, err := collector.Collect()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("the snapshot is not valid: %v", err)
		}
		snapshots[i] = s
	}
	if diff := cmp.Diff(snapshots[0], snapshots[1]); diff != "" {
		t.Errorf("the second snapshot of an unchanged node (-first +second):\n%s", diff)
	}
	return snapshots[1]
}

// numberNetworks numbers the network namespaces in the order of their pods, as
// takeInodes does.
func numberNetworks(s *snapshot.Snapshot) {
	numbers := make(map[uint64]uint64)
	for i := range s.Pods {
		id := &s.Pods[i].NetworkID
		if *id != 0 && numbers[*id] == 0 {
			numbers[*id] = uint64(len(numbers) + 1)
		}
		*id = numbers[*id]
	}
}

// shortenReasons replaces each reason by the wanted one where that is a part of
// it: a description need not repeat the paths in it.
func shortenReasons(got, want []snapshot.Warning) {
	for i := range got {
		for _, w := range want {
			if got[i].Source == w.Source && strings.Contains(got[i].Reason, w.Reason) {
				got[i].Reason = w.Reason
			}
		}
	}
}

// refuse makes reading fail of the files that exist and cannot be read, which no
// file on a disk does. After ENODEV, with which the kernel answers for a control
// group that was removed, the group's folder is gone as well.
func refuse(node *collect.Node, fails map[string]syscall.Errno) {
	for folder, fsys := range map[string]*hostfs.FS{"proc": &node.Proc, "sys": &node.Sys, "cgroup": &node.Cgroup} {
		if *fsys != nil {
			*fsys = refusing{*fsys, folder, fails, make(map[string]bool)}
		}
	}
}

type refusing struct {
	hostfs.FS
	root  string
	fails map[string]syscall.Errno
	gone  map[string]bool
}

func (r refusing) Reader(folder, name string, keep hostfs.Keep) hostfs.Reader {
	reader := r.FS.Reader(folder, name, keep)
	if errno, fails := r.fails[path.Join(r.root, folder, name)]; fails {
		return refusingReader{reader, folder, errno, r.gone}
	}
	return reader
}

func (r refusing) Inode(name string) (uint64, error) {
	if r.gone[name] {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
	}
	return r.FS.Inode(name)
}

type refusingReader struct {
	hostfs.Reader
	folder string
	errno  syscall.Errno
	gone   map[string]bool
}

func (r refusingReader) Read([]byte) ([]byte, error) {
	r.gone[r.folder] = r.errno == syscall.ENODEV
	return nil, &fs.PathError{Op: "read", Path: r.Name(), Err: r.errno}
}

// TestExpectationMistakes has one mistake each, on line 3 unless it is below
// another; the error must name the line.
func TestExpectationMistakes(t *testing.T) {
	tests := []struct{ name, expect, want string }{
		{"unknown claim", "gruop a", "3: gruop is no part of a snapshot"},
		{"unknown field", "host cpu.color=1", "3: cpu.color: there is no field color"},
		{"bad value", "host cpu.count=two", "3: cpu.count=two: invalid character"},
		{"slice without a path", "slice n=2", "3: slice with 0 words"},
		{"pod without its group", "pod {p1} Burstable", "3: pod with the words"},
		{"a slice in a pod", "pod {p1} Burstable cgroup=x\n    slice a", "4: slice in a pod, want container or network"},
		{"container without its group", "container {c1}", "3: container without cgroup=PATH"},
		{"process without a PID", "process a b", "3: process a, want its PID"},
		{"warning without a reason", "warning io", "3: warning with 1 words"},
		{"not of a group", "every pod io=null", `3: every ["pod"], want every group`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.node")
			if err := os.WriteFile(file, []byte("# A comment.\nexpect\n  "+tt.expect+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			d, err := fixture.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newExpectation(d.Expect); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestEachFixtureIsRead looks for files that no test reads.
func TestEachFixtureIsRead(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case name == "fuzz", filepath.Ext(name) == ".node", filepath.Ext(name) == ".md":
		default:
			t.Errorf("testdata/%s is read by no test", name)
		}
	}
}
