package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// TestTreeAfterLostChanges has more changes between two looks than the kernel
// keeps, among them that a folder was replaced by another of its name. The tree
// must know what is there, and be told of what comes after.
func TestTreeAfterLostChanges(t *testing.T) {
	class := "kubepods/burstable"
	dir := groups(t, class+"/pod"+uid+"/"+hexID("1"))
	tree := NewTree(dir, newWatcher(t, true), nil)
	t.Cleanup(tree.Close)
	look := func(want string) {
		t.Helper()
		if err := tree.Update(); err != nil {
			t.Fatal(err)
		}
		if len(tree.Pods) != 1 || len(tree.Pods[0].Containers) != 1 || tree.Pods[0].Containers[0].ID != want {
			t.Errorf("pods %+v, want one with the container %s", see(tree).Pods, want)
		}
		if all := len(seeFolders(tree)); tree.folders != all {
			t.Errorf("%d folders are counted, and %d are there", tree.folders, all)
		}
	}
	pod := filepath.Join(dir.String(), class, "pod"+uid)
	look(hexID("1"))
	crowdOut(t, dir.String())
	renew(t, filepath.Join(dir.String(), class), filepath.Join(pod, hexID("2")))
	look(hexID("2"))
	renew(t, filepath.Join(pod, hexID("2")), filepath.Join(pod, hexID("3")))
	look(hexID("3"))
}

// crowdOut makes more changes in a folder than the kernel keeps.
func crowdOut(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var files [2]*os.File // by turns, for the kernel tells of two equal changes once
	for i := range files {
		if files[i], err = os.Create(filepath.Join(folder, strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	for i := range most + 1 {
		if _, err := files[i%2].WriteAt([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// renew removes a folder and makes another.
func renew(t *testing.T, old, made string) {
	t.Helper()
	if err := os.RemoveAll(old); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(made, 0o755); err != nil {
		t.Fatal(err)
	}
}

// seeFolders are the paths of all folders that a tree knows, but the root.
func seeFolders(tree *Tree) (paths []string) {
	for f := range tree.root.all() {
		if f != tree.root {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// scarce lets so many folders be watched, like a kernel whose watches others
// have used up.
type scarce struct {
	hostfs.Dir
	left int
}

func (s *scarce) Watch(w *hostfs.Watcher, folder string) (int, error) {
	if s.left--; s.left < 0 {
		return 0, syscall.ENOSPC
	}
	return s.Dir.Watch(w, folder)
}

// TestTreeWithoutEnoughWatches runs out of watches at each folder in turn, and
// goes on without any: a watched folder goes, an unwatched one comes.
func TestTreeWithoutEnoughWatches(t *testing.T) {
	pod := "kubepods/burstable/pod" + uid
	for left := range 5 {
		dir := groups(t, pod+"/"+hexID("1"))
		tree := NewTree(&scarce{dir, left}, newWatcher(t, true), nil)
		for _, step := range []struct {
			do   func() error
			want int // pods
		}{
			{func() error { return nil }, 1},
			{func() error { return os.RemoveAll(filepath.Join(dir.String(), "kubepods")) }, 0},
			{func() error { return os.MkdirAll(filepath.Join(dir.String(), pod, hexID("2")), 0o755) }, 1},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if err := tree.Update(); err != nil {
				t.Fatal(err)
			}
			if len(tree.Pods) != step.want || !errors.Is(tree.Unwatched, syscall.ENOSPC) {
				t.Errorf("%d watches: %d pods, unwatched %v; want %d and ENOSPC", left, len(tree.Pods), tree.Unwatched, step.want)
			}
		}
		tree.Close()
	}
}
