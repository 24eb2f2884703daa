package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"strings"
)

// ErrV1 is the error of a node that has cgroup v1 only.
var ErrV1 = errors.New("cgroup v1 only: there is no cgroup2 mount")

// Locate finds the cgroup v2 hierarchy below a folder where control groups are
// mounted: the folder itself on a unified node, its "unified" on a hybrid one.
// The error wraps [ErrV1] when there are only v1 controllers, and says that the
// folder is no mount of control groups otherwise.
func Locate(fsys fs.FS) (dir string, err error) {
	for _, dir := range []string{".", "unified"} {
		_, err := fs.Stat(fsys, join(dir, "cgroup.controllers"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	for _, controller := range []string{"memory", "cpu", "cpu,cpuacct", "systemd"} {
		if _, err := fs.Stat(fsys, join(controller, "cgroup.procs")); err == nil {
			return "", ErrV1
		}
	}
	return "", fmt.Errorf("no control groups are mounted: there is neither cgroup.controllers nor a v1 controller")
}

// maxContainers bounds a tree. A node has some hundreds; more are the work of
// somebody who may make groups and means no good.
const maxContainers = 4000

// A Tree is where the interesting control groups are. All paths are relative
// to the mount.
type Tree struct {
	// Slices are the groups directly below the root.
	Slices []string
	Pods   []PodGroup
	// Containers are those outside every pod.
	Containers []ContainerGroup
	// Problems has an error for each group that is there but not in the tree:
	// it cannot be listed, a pod or container of its name came first, or there
	// are too many.
	Problems []error
}

// A PodGroup is the control group of a pod and of what runs in it.
type PodGroup struct {
	UID        string // with dashes, or a static pod's hash
	QOSClass   string
	Path       string
	Containers []ContainerGroup
}

// A ContainerGroup is the control group of one container or sandbox.
type ContainerGroup struct {
	ID   string
	Path string
}

// Walk finds the pods and containers by the names of their groups, wherever
// they are. It does not look below a container: what is there belongs to a
// container engine inside it. A group that vanishes meanwhile is left out. The
// error is that of listing the root.
func Walk(fsys fs.FS) (Tree, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return Tree{}, fmt.Errorf("list the control groups: %w", err)
	}
	tree := walk{fsys: fsys, podAt: make(map[string]int), containers: make(map[string]string)}
	for _, entry := range entries {
		if entry.IsDir() {
			tree.Slices = append(tree.Slices, entry.Name())
			tree.visit(entry.Name(), false)
		}
	}
	return tree.Tree, nil
}

// A walk is a tree in the making.
type walk struct {
	Tree
	fsys       fs.FS
	podAt      map[string]int    // UID to index in Pods
	containers map[string]string // ID to path
}

// visit looks at the group at dir. inKubepods is true below a folder that is
// named for kubepods: elsewhere pods are somebody else's.
func (w *walk) visit(dir string, inKubepods bool) {
	base := path.Base(dir)
	if id, ok := ContainerID(base); ok {
		w.addContainer(&w.Containers, id, dir)
		return
	}
	if uid, ok := PodUID(base); ok && inKubepods {
		w.addPod(uid, dir)
		return
	}
	inKubepods = inKubepods || strings.Contains(base, "kubepods")
	for child := range w.children(dir) {
		w.visit(child, inKubepods)
	}
}

// addPod adds the pod at dir. After a change of the cgroup driver a pod can
// have a second group, without containers, which is not the one that counts.
func (w *walk) addPod(uid, dir string) {
	pod := PodGroup{UID: uid, QOSClass: QOSClass(dir), Path: dir}
	w.visitPod(dir, &pod)
	at, seen := w.podAt[uid]
	if !seen && len(w.Pods) == maxContainers {
		w.Problems = append(w.Problems, fmt.Errorf("%s is left out: there are more than %d pods", dir, maxContainers))
		return
	}
	if !seen {
		w.podAt[uid] = len(w.Pods)
		w.Pods = append(w.Pods, pod)
		return
	}
	if len(w.Pods[at].Containers) == 0 {
		pod, w.Pods[at] = w.Pods[at], pod
	}
	w.Problems = append(w.Problems, fmt.Errorf("%s is left out: the pod's group is %s", pod.Path, w.Pods[at].Path))
}

// visitPod adds the containers below a pod's group, at whatever depth.
func (w *walk) visitPod(dir string, pod *PodGroup) {
	for child := range w.children(dir) {
		if id, ok := ContainerID(path.Base(child)); ok {
			w.addContainer(&pod.Containers, id, child)
			continue
		}
		w.visitPod(child, pod)
	}
}

func (w *walk) addContainer(list *[]ContainerGroup, id, dir string) {
	if first, seen := w.containers[id]; seen {
		w.Problems = append(w.Problems, fmt.Errorf("%s is left out: the container's group is %s", dir, first))
		return
	}
	if len(w.containers) == maxContainers {
		w.Problems = append(w.Problems, fmt.Errorf("%s is left out: there are more than %d containers", dir, maxContainers))
		return
	}
	w.containers[id] = dir
	*list = append(*list, ContainerGroup{id, dir})
}

// children yields the groups directly below dir.
func (w *walk) children(dir string) iter.Seq[string] {
	return func(yield func(string) bool) {
		entries, err := fs.ReadDir(w.fsys, dir)
		if err != nil && !IsGone(err) {
			w.Problems = append(w.Problems, err)
		}
		for _, entry := range entries {
			if entry.IsDir() && !yield(join(dir, entry.Name())) {
				return
			}
		}
	}
}
