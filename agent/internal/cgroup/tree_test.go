package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// groups is a tree of control groups with these paths.
func groups(t *testing.T, paths ...string) hostfs.Dir {
	t.Helper()
	folder := t.TempDir()
	for _, p := range paths {
		if err := os.MkdirAll(filepath.Join(folder, p), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := hostfs.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return dir.Keeping(hostfs.NewDescriptors(100))
}

// A seen tree is what is compared of a [Tree].
type seen struct {
	Slices     []string
	Pods       []seenPod
	Containers []seenContainer
}

type seenPod struct {
	UID, QOSClass, Path string
	Containers          []seenContainer
}

type seenContainer struct{ ID, Path string }

// look returns what a tree that nothing watches has.
func look(t *testing.T, fsys hostfs.FS) (seen, *Tree) {
	t.Helper()
	tree := NewTree(fsys, nil, nil)
	t.Cleanup(tree.Close)
	if err := tree.Update(); err != nil {
		t.Fatal(err)
	}
	return see(tree), tree
}

func see(tree *Tree) seen {
	s := seen{Containers: seeContainers(tree.Containers)}
	for _, slice := range tree.Slices {
		s.Slices = append(s.Slices, slice.Path)
	}
	for _, pod := range tree.Pods {
		s.Pods = append(s.Pods, seenPod{pod.UID, pod.QOSClass, pod.Path, seeContainers(pod.Containers)})
	}
	return s
}

func seeContainers(containers []*Container) (list []seenContainer) {
	for _, container := range containers {
		list = append(list, seenContainer{container.ID, container.Path})
	}
	return list
}

// hexID is a container ID that ends in digit.
func hexID(digit string) string { return strings.Repeat("c", 63) + digit }

// TestTree has the layouts that are met on nodes, one a row.
func TestTree(t *testing.T) {
	burstable := "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidUnder + ".slice"
	inKind := "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" + uidUnder + ".slice"
	one, two := hexID("1"), hexID("2")
	// pod is the tree's one pod at dir with the containers below it.
	pod := func(uid, class, dir string, containers ...seenContainer) []seenPod {
		return []seenPod{{UID: uid, QOSClass: class, Path: dir, Containers: containers}}
	}
	tests := []struct {
		name       string
		paths      []string
		pods       []seenPod
		containers []seenContainer
	}{
		{
			"containerd, systemd", []string{burstable + "/cri-containerd-" + one + ".scope", burstable + "/cri-containerd-" + two + ".scope"},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/cri-containerd-" + one + ".scope"}, seenContainer{two, burstable + "/cri-containerd-" + two + ".scope"}), nil,
		},
		{
			"containerd, systemd, guaranteed", []string{"kubepods.slice/kubepods-pod" + uidUnder + ".slice/cri-containerd-" + one + ".scope"},
			pod(uid, Guaranteed, "kubepods.slice/kubepods-pod"+uidUnder+".slice", seenContainer{one, "kubepods.slice/kubepods-pod" + uidUnder + ".slice/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"containerd, cgroupfs", []string{"kubepods/besteffort/pod" + uid + "/" + one},
			pod(uid, BestEffort, "kubepods/besteffort/pod"+uid, seenContainer{one, "kubepods/besteffort/pod" + uid + "/" + one}), nil,
		},
		{
			"static pod", []string{"kubepods/burstable/pod" + hash + "/" + one},
			pod(hash, Burstable, "kubepods/burstable/pod"+hash, seenContainer{one, "kubepods/burstable/pod" + hash + "/" + one}), nil,
		},
		{
			"drivers differ, no scope", []string{burstable + "/cri-containerd-" + one},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/cri-containerd-" + one}), nil,
		},
		{
			"drivers differ, outside", []string{burstable, "system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + one},
			pod(uid, Burstable, burstable),
			[]seenContainer{{one, "system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + one}},
		},
		{
			"CRI-O, systemd, crun", []string{
				burstable + "/crio-" + one + ".scope/container", burstable + "/crio-conmon-" + one + ".scope", burstable + "/crio-" + two,
			},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/crio-" + one + ".scope"}, seenContainer{two, burstable + "/crio-" + two}), nil,
		},
		{
			"CRI-O, cgroupfs", []string{"kubepods/pod" + uid + "/crio-" + one},
			pod(uid, Guaranteed, "kubepods/pod"+uid, seenContainer{one, "kubepods/pod" + uid + "/crio-" + one}), nil,
		},
		{
			"docker, systemd", []string{burstable + "/docker-" + one + ".scope"},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/docker-" + one + ".scope"}), nil,
		},
		{
			"kind", []string{inKind + "/cri-containerd-" + one + ".scope", "kubelet/unused"},
			pod(uid, Burstable, inKind, seenContainer{one, inKind + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"kind before 1.24", []string{"kubelet/kubepods/burstable/pod" + uid + "/" + one},
			pod(uid, Burstable, "kubelet/kubepods/burstable/pod"+uid, seenContainer{one, "kubelet/kubepods/burstable/pod" + uid + "/" + one}), nil,
		},
		{
			"k3d from the outside", []string{"docker/" + one + "/kubepods/burstable/pod" + uid + "/" + two},
			nil, []seenContainer{{one, "docker/" + one}},
		},
		{
			"Talos", []string{"kubepods/guaranteed/pod" + uid + "/" + one, "podruntime/kubelet", "init"},
			pod(uid, Guaranteed, "kubepods/guaranteed/pod"+uid, seenContainer{one, "kubepods/guaranteed/pod" + uid + "/" + one}), nil,
		},
		{
			"Bottlerocket", []string{burstable + "/cri-containerd-" + one + ".scope", "runtime.slice/kubelet.service"},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"docker in docker", []string{burstable + "/cri-containerd-" + one + ".scope/docker/" + two},
			pod(uid, Burstable, burstable, seenContainer{one, burstable + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"mount unit", []string{"system.slice/var-lib-docker-" + one + "-merged.mount", "system.slice/ssh.service"}, nil, nil,
		},
		{
			"a pod of nobody's", []string{"user.slice/pod" + uid + "/" + one}, nil, []seenContainer{{one, "user.slice/pod" + uid + "/" + one}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, tree := look(t, groups(t, tt.paths...))
			want := seen{got.Slices, tt.pods, tt.containers}
			if diff := cmp.Diff(want, got); diff != "" || len(tree.Problems) > 0 {
				t.Errorf("problems %v (-want +got):\n%s", tree.Problems, diff)
			}
		})
	}
}

func TestTreeListsSlices(t *testing.T) {
	tree, _ := look(t, groups(t, "system.slice/a.service", "user.slice", "kubepods"))
	if diff := cmp.Diff([]string{"kubepods", "system.slice", "user.slice"}, tree.Slices); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}

// TestTreeKeepsOneOfEach has a pod with a group left over from the other cgroup
// driver, and one container's ID twice.
func TestTreeKeepsOneOfEach(t *testing.T) {
	one := hexID("1")
	_, tree := look(t, groups(t,
		"kubepods/burstable/pod"+uid,
		"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"+uidUnder+".slice/cri-containerd-"+one+".scope",
		"system.slice/containerd.service/"+one,
	))
	if len(tree.Pods) != 1 || len(tree.Pods[0].Containers) != 1 || len(tree.Containers) != 0 || len(tree.Problems) != 2 {
		t.Errorf("tree = %+v, want one pod with its container, and two problems", tree)
	}
}

// crowded is a tree with more pods and containers than any node has.
type crowded struct{ hostfs.Dir }

func (crowded) Inode(string) (uint64, error) { return 1, nil }

func (crowded) ReadDir(dir string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for i := range maxContainers + 2 {
		switch dir {
		case "kubepods":
			entries = append(entries, entry(fmt.Sprintf("pod%08x-0000-4000-8000-000000000000", i)))
		case "user.slice":
			entries = append(entries, entry(fmt.Sprintf("%064x", i)))
		}
	}
	if dir == "." {
		entries = []fs.DirEntry{entry("kubepods"), entry("user.slice")}
	}
	return entries, nil
}

// An entry is a folder of that name.
type entry string

func (e entry) Name() string             { return string(e) }
func (entry) IsDir() bool                { return true }
func (entry) Type() fs.FileMode          { return fs.ModeDir }
func (entry) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

func TestTreeIsBounded(t *testing.T) {
	_, tree := look(t, crowded{})
	if len(tree.Containers) != maxContainers || len(tree.Pods) != maxContainers || len(tree.Problems) != 4 {
		t.Errorf("%d containers, %d pods, %d problems; want %d, %d, 4", len(tree.Containers), len(tree.Pods), len(tree.Problems), maxContainers, maxContainers)
	}
}

// unreadable refuses to list one folder.
type unreadable struct {
	hostfs.Dir
	dir string
	err error
}

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == u.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: u.err}
	}
	return u.Dir.ReadDir(name)
}

func TestTreeUnreadable(t *testing.T) {
	dir := groups(t, "system.slice/a.service", "kubepods/pod"+uid)
	if err := NewTree(unreadable{dir, ".", fs.ErrPermission}, nil, nil).Update(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Update without the root: %v, want fs.ErrPermission", err)
	}
	_, tree := look(t, unreadable{dir, "system.slice", fs.ErrPermission})
	if len(tree.Problems) != 1 || !errors.Is(tree.Problems[0], fs.ErrPermission) || len(tree.Pods) != 1 {
		t.Errorf("problems %v without system.slice, want one, and the pod", tree.Problems)
	}
	_, tree = look(t, unreadable{dir, "system.slice", fs.ErrNotExist})
	if len(tree.Problems) != 0 {
		t.Errorf("problems %v when system.slice vanished, want none", tree.Problems)
	}
}

// TestTreeFollows makes and removes groups between two looks, with a watcher
// and without: both must see the same.
func TestTreeFollows(t *testing.T) {
	for _, watched := range []bool{true, false} {
		t.Run(fmt.Sprintf("watched=%v", watched), func(t *testing.T) {
			pod, one, two := "kubepods/burstable/pod"+uid, hexID("1"), hexID("2")
			dir := groups(t, pod+"/"+one, "system.slice")
			tree := NewTree(dir, newWatcher(t, watched), nil)
			t.Cleanup(tree.Close)
			steps := []struct {
				do   func() error
				want int // containers of the pod, -1 without the pod
			}{
				{func() error { return nil }, 1},
				{func() error { return os.Mkdir(filepath.Join(dir.String(), pod, two), 0o755) }, 2},
				{func() error { return os.Remove(filepath.Join(dir.String(), pod, one)) }, 1},
				{func() error { return os.RemoveAll(filepath.Join(dir.String(), "kubepods")) }, -1},
				{func() error { return os.MkdirAll(filepath.Join(dir.String(), pod, one, "inner"), 0o755) }, 1},
			}
			for i, step := range steps {
				if err := step.do(); err != nil {
					t.Fatal(err)
				}
				if err := tree.Update(); err != nil {
					t.Fatal(err)
				}
				got := -1
				if len(tree.Pods) > 0 {
					got = len(tree.Pods[0].Containers)
				}
				if got != step.want {
					t.Errorf("step %d: %d containers, want %d", i, got, step.want)
				}
			}
		})
	}
}

func newWatcher(t *testing.T, watched bool) *hostfs.Watcher {
	t.Helper()
	if !watched {
		return nil
	}
	watcher, err := hostfs.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Close)
	return watcher
}

// TestTreeIsNotListedForNothing counts what a watched tree lists.
func TestTreeIsNotListedForNothing(t *testing.T) {
	counted := &counting{Dir: groups(t, "kubepods/burstable/pod"+uid+"/"+hexID("1"), "system.slice/a.service")}
	tree := NewTree(counted, newWatcher(t, true), nil)
	t.Cleanup(tree.Close)
	for range 3 {
		if err := tree.Update(); err != nil {
			t.Fatal(err)
		}
	}
	if counted.lists != 6 { // the root, kubepods, burstable, the pod, system.slice, a.service
		t.Errorf("%d lists in three updates, want the 6 of the first", counted.lists)
	}
}

type counting struct {
	hostfs.Dir
	lists int
}

func (c *counting) ReadDir(name string) ([]fs.DirEntry, error) {
	c.lists++
	return c.Dir.ReadDir(name)
}
