package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// groups is a tree of control groups with these paths.
func groups(paths ...string) fstest.MapFS {
	fsys := fstest.MapFS{"cgroup.controllers": {}, "cgroup.procs": {}}
	for _, p := range paths {
		fsys[path.Join(p, "cpu.stat")] = &fstest.MapFile{}
	}
	return fsys
}

// hexID is a container ID that ends in digit.
func hexID(digit string) string { return strings.Repeat("c", 63) + digit }

// TestWalk has the layouts that are met on nodes, one a row.
func TestWalk(t *testing.T) {
	burstable := "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidUnder + ".slice"
	inKind := "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" + uidUnder + ".slice"
	one, two := hexID("1"), hexID("2")
	// pod is the tree's one pod at dir with the containers below it.
	pod := func(uid, class, dir string, containers ...ContainerGroup) []PodGroup {
		return []PodGroup{{UID: uid, QOSClass: class, Path: dir, Containers: containers}}
	}
	tests := []struct {
		name       string
		paths      []string
		pods       []PodGroup
		containers []ContainerGroup
	}{
		{
			"containerd, systemd", []string{burstable + "/cri-containerd-" + one + ".scope", burstable + "/cri-containerd-" + two + ".scope"},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/cri-containerd-" + one + ".scope"}, ContainerGroup{two, burstable + "/cri-containerd-" + two + ".scope"}), nil,
		},
		{
			"containerd, systemd, guaranteed", []string{"kubepods.slice/kubepods-pod" + uidUnder + ".slice/cri-containerd-" + one + ".scope"},
			pod(uid, Guaranteed, "kubepods.slice/kubepods-pod"+uidUnder+".slice", ContainerGroup{one, "kubepods.slice/kubepods-pod" + uidUnder + ".slice/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"containerd, cgroupfs", []string{"kubepods/besteffort/pod" + uid + "/" + one},
			pod(uid, BestEffort, "kubepods/besteffort/pod"+uid, ContainerGroup{one, "kubepods/besteffort/pod" + uid + "/" + one}), nil,
		},
		{
			"static pod", []string{"kubepods/burstable/pod" + hash + "/" + one},
			pod(hash, Burstable, "kubepods/burstable/pod"+hash, ContainerGroup{one, "kubepods/burstable/pod" + hash + "/" + one}), nil,
		},
		{
			"drivers differ, no scope", []string{burstable + "/cri-containerd-" + one},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/cri-containerd-" + one}), nil,
		},
		{
			"drivers differ, outside", []string{burstable, "system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + one},
			pod(uid, Burstable, burstable),
			[]ContainerGroup{{one, "system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + one}},
		},
		{
			"CRI-O, systemd, crun", []string{
				burstable + "/crio-" + one + ".scope/container", burstable + "/crio-conmon-" + one + ".scope", burstable + "/crio-" + two,
			},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/crio-" + one + ".scope"}, ContainerGroup{two, burstable + "/crio-" + two}), nil,
		},
		{
			"CRI-O, cgroupfs", []string{"kubepods/pod" + uid + "/crio-" + one},
			pod(uid, Guaranteed, "kubepods/pod"+uid, ContainerGroup{one, "kubepods/pod" + uid + "/crio-" + one}), nil,
		},
		{
			"docker, systemd", []string{burstable + "/docker-" + one + ".scope"},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/docker-" + one + ".scope"}), nil,
		},
		{
			"kind", []string{inKind + "/cri-containerd-" + one + ".scope", "kubelet/unused"},
			pod(uid, Burstable, inKind, ContainerGroup{one, inKind + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"kind before 1.24", []string{"kubelet/kubepods/burstable/pod" + uid + "/" + one},
			pod(uid, Burstable, "kubelet/kubepods/burstable/pod"+uid, ContainerGroup{one, "kubelet/kubepods/burstable/pod" + uid + "/" + one}), nil,
		},
		{
			"k3d from the outside", []string{"docker/" + one + "/kubepods/burstable/pod" + uid + "/" + two},
			nil, []ContainerGroup{{one, "docker/" + one}},
		},
		{
			"Talos", []string{"kubepods/guaranteed/pod" + uid + "/" + one, "podruntime/kubelet", "init"},
			pod(uid, Guaranteed, "kubepods/guaranteed/pod"+uid, ContainerGroup{one, "kubepods/guaranteed/pod" + uid + "/" + one}), nil,
		},
		{
			"Bottlerocket", []string{burstable + "/cri-containerd-" + one + ".scope", "runtime.slice/kubelet.service"},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"docker in docker", []string{burstable + "/cri-containerd-" + one + ".scope/docker/" + two},
			pod(uid, Burstable, burstable, ContainerGroup{one, burstable + "/cri-containerd-" + one + ".scope"}), nil,
		},
		{
			"mount unit", []string{"system.slice/var-lib-docker-" + one + "-merged.mount", "system.slice/ssh.service"}, nil, nil,
		},
		{
			"a pod of nobody's", []string{"user.slice/pod" + uid + "/" + one}, nil, []ContainerGroup{{one, "user.slice/pod" + uid + "/" + one}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Walk(groups(tt.paths...))
			if err != nil {
				t.Fatal(err)
			}
			want := Tree{Slices: got.Slices, Pods: tt.pods, Containers: tt.containers}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWalkListsSlices(t *testing.T) {
	tree, err := Walk(groups("system.slice/a.service", "user.slice", "kubepods"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kubepods", "system.slice", "user.slice"}, tree.Slices); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}

// TestWalkKeepsOneOfEach has a pod with a group left over from the other cgroup
// driver, and one container's ID twice.
func TestWalkKeepsOneOfEach(t *testing.T) {
	one := hexID("1")
	tree, err := Walk(groups(
		"kubepods/burstable/pod"+uid,
		"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"+uidUnder+".slice/cri-containerd-"+one+".scope",
		"system.slice/containerd.service/"+one,
	))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Pods) != 1 || len(tree.Pods[0].Containers) != 1 || len(tree.Containers) != 0 || len(tree.Problems) != 2 {
		t.Errorf("tree = %+v, want one pod with its container, and two problems", tree)
	}
}

// crowded is a tree with more pods and containers than any node has.
type crowded struct{ fs.FS }

func (crowded) ReadDir(dir string) ([]fs.DirEntry, error) {
	var names []string
	switch dir {
	case ".":
		names = []string{"kubepods", "user.slice"}
	case "kubepods":
		for i := range maxContainers + 2 {
			names = append(names, fmt.Sprintf("pod%08x-0000-4000-8000-000000000000", i))
		}
	case "user.slice":
		for i := range maxContainers + 2 {
			names = append(names, fmt.Sprintf("%064x", i))
		}
	}
	var entries []fs.DirEntry
	for _, name := range names {
		entries = append(entries, folder(name))
	}
	return entries, nil
}

// A folder is a directory entry of that name.
type folder string

func (f folder) Name() string             { return string(f) }
func (folder) IsDir() bool                { return true }
func (folder) Type() fs.FileMode          { return fs.ModeDir }
func (folder) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

func TestWalkIsBounded(t *testing.T) {
	tree, err := Walk(crowded{})
	if err != nil || len(tree.Containers) != maxContainers || len(tree.Pods) != maxContainers || len(tree.Problems) != 4 {
		t.Errorf("%d containers, %d pods, %d problems, %v; want %d, %d, 4", len(tree.Containers), len(tree.Pods), len(tree.Problems), err, maxContainers, maxContainers)
	}
}

// unreadable refuses to list one folder.
type unreadable struct {
	fs.FS
	dir string
	err error
}

func (u unreadable) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == u.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: u.err}
	}
	return fs.ReadDir(u.FS, name)
}

func TestWalkUnreadable(t *testing.T) {
	tree := groups("system.slice/a.service", "kubepods/pod"+uid)
	if _, err := Walk(unreadable{tree, ".", fs.ErrPermission}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Walk without the root: %v, want fs.ErrPermission", err)
	}
	got, err := Walk(unreadable{tree, "system.slice", fs.ErrPermission})
	if err != nil || len(got.Problems) != 1 || !errors.Is(got.Problems[0], fs.ErrPermission) || len(got.Pods) != 1 {
		t.Errorf("Walk without system.slice = %+v, %v, want the pod and one problem", got, err)
	}
	got, err = Walk(unreadable{tree, "system.slice", fs.ErrNotExist})
	if err != nil || len(got.Problems) != 0 {
		t.Errorf("Walk when system.slice vanished = %+v, %v, want no problem", got, err)
	}
}

func TestLocate(t *testing.T) {
	file := &fstest.MapFile{}
	tests := []struct {
		name string
		tree fstest.MapFS
		want string
		err  string
	}{
		{"unified", fstest.MapFS{"cgroup.controllers": file}, ".", ""},
		{"hybrid", fstest.MapFS{"memory/cgroup.procs": file, "unified/cgroup.controllers": file}, "unified", ""},
		{"v1", fstest.MapFS{"memory/cgroup.procs": file, "cpu,cpuacct/cgroup.procs": file}, "", "cgroup v1 only"},
		{"something else", fstest.MapFS{"etc/passwd": file}, "", "no control groups are mounted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Locate(tt.tree)
			if got != tt.want || tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("Locate = %q, %v, want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
}
