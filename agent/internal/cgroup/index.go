package cgroup

import "fmt"

// index makes the tree's lists from its folders, in the order of their paths.
func (t *Tree) index() {
	t.Slices, t.Pods, t.Containers, t.Problems = nil, nil, nil, nil
	x := indexing{tree: t, podAt: make(map[string]int), containers: make(map[string]string)}
	for _, slice := range t.root.below {
		switch {
		case slice.kind == leftOut:
		case len(t.Slices) == maxSlices:
			x.problem("%s is left out: there are more than %d slices", slice.path, maxSlices)
		case t.group(slice, nil):
			t.Slices = append(t.Slices, slice.group)
		}
		x.visit(slice, slice.group)
	}
	if err := t.root.err; err != nil {
		t.Problems = append(t.Problems, err)
	}
}

// group makes the group of a folder that is read from now on. It is false when
// the folder is gone.
func (t *Tree) group(f *folder, above *Group) bool {
	if f.group == nil {
		g, err := NewGroup(t.fsys, f.path, above)
		if err != nil {
			return false
		}
		f.group = g
	}
	return true
}

// An indexing is the lists in the making.
type indexing struct {
	tree       *Tree
	podAt      map[string]int    // UID to index in Pods
	containers map[string]string // ID to path
}

func (x *indexing) problem(format string, args ...any) {
	x.tree.Problems = append(x.tree.Problems, fmt.Errorf(format, args...))
}

// visit looks at a folder. above is the nearest group above it that is read.
func (x *indexing) visit(f *folder, above *Group) {
	if f.err != nil {
		x.tree.Problems = append(x.tree.Problems, f.err)
	}
	switch f.kind {
	case leftOut:
		x.problem("%q is left out: its name is not UTF-8", f.path)
		return
	case podFolder:
		x.addPod(f, above)
		return
	case otherContainer:
		if container := x.container(f, above); container != nil {
			x.tree.Containers = append(x.tree.Containers, container)
		}
		return
	}
	for _, child := range f.below {
		x.visit(child, above)
	}
}

// addPod adds a pod. After a change of the cgroup driver a pod can have a
// second group, without containers, which is not the one that counts.
func (x *indexing) addPod(f *folder, above *Group) {
	uid, _ := PodUID(f.name)
	at, seen := x.podAt[uid]
	if !seen && len(x.tree.Pods) == maxContainers {
		x.problem("%s is left out: there are more than %d pods", f.path, maxContainers)
		return
	}
	if !x.tree.group(f, above) {
		return
	}
	if f.pod == nil {
		f.pod = &Pod{UID: uid, QOSClass: QOSClass(f.path), Group: f.group}
	}
	pod := f.pod
	pod.Containers = nil
	x.addContainers(f, pod)
	if !seen {
		x.podAt[uid] = len(x.tree.Pods)
		x.tree.Pods = append(x.tree.Pods, pod)
		return
	}
	if len(x.tree.Pods[at].Containers) == 0 {
		pod, x.tree.Pods[at] = x.tree.Pods[at], pod
	}
	x.problem("%s is left out: the pod's group is %s", pod.Path, x.tree.Pods[at].Path)
}

// addContainers adds the containers below a pod's folder, at whatever depth.
func (x *indexing) addContainers(f *folder, pod *Pod) {
	for _, child := range f.below {
		if child.err != nil {
			x.tree.Problems = append(x.tree.Problems, child.err)
		}
		switch child.kind {
		case leftOut:
			x.problem("%q is left out: its name is not UTF-8", child.path)
		case inPod:
			x.addContainers(child, pod)
		case podContainer:
			if container := x.container(child, pod.Group); container != nil {
				pod.Containers = append(pod.Containers, container)
			}
		}
	}
}

// container returns the container of a folder, nil when it is left out.
func (x *indexing) container(f *folder, above *Group) *Container {
	id, _ := ContainerID(f.name)
	if first, seen := x.containers[id]; seen {
		x.problem("%s is left out: the container's group is %s", f.path, first)
		return nil
	}
	if len(x.containers) == maxContainers {
		x.problem("%s is left out: there are more than %d containers", f.path, maxContainers)
		return nil
	}
	if !x.tree.group(f, above) {
		return nil
	}
	x.containers[id] = f.path
	if f.container == nil {
		f.container = &Container{ID: id, Group: f.group}
	}
	return f.container
}
