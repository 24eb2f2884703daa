package collect_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// layOut writes the node of a fixture below folder: its proc, sys, cgroup,
// podlogs and containerlogs.
func layOut(fixture, folder string) error {
	if described := strings.TrimSuffix(fixture, ".txtar") + ".node"; fixture != described {
		if _, err := os.Stat(described); err != nil {
			return layOutArchive(fixture, folder)
		}
		fixture = described
	}
	d, err := readDescription(fixture)
	if err != nil {
		return err
	}
	l, err := newLayout(d.node)
	if err != nil {
		return fmt.Errorf("%s:%w", fixture, err)
	}
	return l.write(folder)
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
	d, err := readDescription(file)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLayout(d.node)
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	want, err := newExpectation(d.expect)
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	node, _ := openNode(t, name)
	refuse(&node, l.fails)
	got := mustCollect(t, node, options)
	inOrder(got)
	inOrder(want)
	takeInodes(t, got)
	numberNetworks(want)
	shortenReasons(got.Warnings, want.Warnings)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
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
// file on a disk does.
func refuse(node *collect.Node, fails map[string]syscall.Errno) {
	for folder, fsys := range map[string]*fs.FS{"proc": &node.Proc, "sys": &node.Sys, "cgroup": &node.Cgroup} {
		if dir, ok := (*fsys).(hostfs.Dir); ok {
			*fsys = refusing{dir, folder + "/", fails}
		}
	}
}

type refusing struct {
	hostfs.Dir
	folder string
	fails  map[string]syscall.Errno
}

func (r refusing) ReadFile(name string) ([]byte, error) {
	if errno, fails := r.fails[r.folder+name]; fails {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errno}
	}
	return r.Dir.ReadFile(name)
}

// layOutArchive writes the node of an archive below folder.
//
// One txtar archive is one node's /proc, /sys, control groups and log folders.
// In it a file named "a -> b" becomes a symbolic link, and one named "a = b" a
// hard link: two processes in one network namespace have one /proc/PID/net/dev.
func layOutArchive(archive, folder string) error {
	node, err := txtar.ParseFile(archive)
	if err != nil {
		return err
	}
	if len(node.Files) == 0 {
		return errors.New("no files in " + archive)
	}
	for _, file := range node.Files {
		if err := layOutFile(file, folder); err != nil {
			return fmt.Errorf("lay out %s: %w", archive, err)
		}
	}
	return nil
}

func layOutFile(file txtar.File, folder string) error {
	symlink, target, isSymlink := strings.Cut(file.Name, " -> ")
	link, existing, isLink := strings.Cut(symlink, " = ")
	name := filepath.Join(folder, link)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch {
	case isSymlink:
		return os.Symlink(target, name)
	case isLink:
		return os.Link(filepath.Join(folder, existing), name)
	}
	return os.WriteFile(name, file.Data, 0o644)
}
