package cgroup

import (
	"errors"
	"fmt"
	"iter"
	"path"
	"syscall"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// Bounds of a tree. A node has some hundreds of containers; more are the work
// of somebody who may make groups and means no good.
const (
	maxContainers = 4_000
	maxSlices     = 500
	maxFolders    = 20_000
)

// A Tree is where the interesting control groups are, found by the names of
// their folders, wherever they are. All paths are relative to the mount. It is
// for one goroutine.
//
// Update keeps it up to date: it lists only the folders in which something
// appeared or went, as a hostfs.Watcher tells; without one it lists them all.
// It does not look for containers below a container: what is there belongs to
// an engine inside it.
type Tree struct {
	// Slices are the groups directly below the root.
	Slices []*Group
	Pods   []*Pod
	// Containers are those outside every pod.
	Containers []*Container
	// Problems has an error for each group that is there but not in the tree:
	// it cannot be listed, its name is not UTF-8, a pod or container of its name
	// came first, or there are too many.
	Problems []error
	// Unwatched says why folders cannot be watched, nil if they are.
	Unwatched error

	fsys    hostfs.FS
	watcher *hostfs.Watcher
	root    *folder
	watched map[int]*folder
	folders int
	changed bool  // the lists have to be made anew
	pids    []int // room for those of one group
}

// A Pod is the control group of a pod and of what runs in it.
type Pod struct {
	UID      string // with dashes, or a static pod's hash
	QOSClass string
	*Group
	Containers []*Container
}

// A Container is the control group of one container or sandbox.
type Container struct {
	ID string
	*Group
}

// NewTree returns a tree that knows nothing yet. watcher may be nil, with the
// reason in unwatched.
func NewTree(fsys hostfs.FS, watcher *hostfs.Watcher, unwatched error) *Tree {
	t := &Tree{fsys: fsys, watcher: watcher, Unwatched: unwatched, watched: make(map[int]*folder)}
	t.root = &folder{path: ".", stale: true, watch: noWatch}
	return t
}

// Close gives all descriptors back and forgets what is known.
func (t *Tree) Close() {
	t.drop(t.root)
	t.root = &folder{path: ".", stale: true, watch: noWatch}
	t.folders, t.changed = 0, true
}

// Refresh makes the next Update and Read look at everything anew: a file can
// appear in a group without a program's doing, when its parent is given a
// controller.
func (t *Tree) Refresh() {
	for f := range t.root.all() {
		f.stale = true
		if f.group != nil {
			f.group.Reopen()
		}
	}
}

// Update brings the tree up to date. A group that vanishes meanwhile is left
// out. The error is that of listing the root.
func (t *Tree) Update() error {
	t.follow()
	if err := t.visit(t.root); err != nil {
		return fmt.Errorf("list the control groups: %w", err)
	}
	if t.changed {
		t.changed = false
		t.index()
	}
	return nil
}

// follow takes note of what the watcher tells.
func (t *Tree) follow() {
	if t.watcher == nil {
		t.mistrust()
		return
	}
	for change := range t.watcher.Changes() {
		switch f := t.watched[change.Watch]; {
		case change.Kind == hostfs.Lost: // what was watched may have been replaced
			t.Close()
		case f == nil: // dropped meanwhile
		case change.Kind == hostfs.Written:
			f.written(string(change.Name))
		default:
			t.listed(f, string(change.Name), change.IsFolder)
		}
	}
}

// mistrust makes the next visit list every folder, and read every limit.
func (t *Tree) mistrust() {
	for f := range t.root.all() {
		f.stale = true
		if f.group != nil {
			f.group.limitsWritten()
		}
	}
}

// listed takes note that a name appeared in a folder, or went. What has a known
// name now may be another group, with other files.
func (t *Tree) listed(f *folder, name string, isFolder bool) {
	f.stale = true
	if child := f.child(name); child != nil {
		t.remove(child)
	} else if !isFolder && f.group != nil { // on a copy of a tree
		f.group.Close()
		f.group.Reopen()
	}
}

// Gone takes note that a group turned out to be gone. If its folder is still
// there, it is looked at anew at the next Update.
func (t *Tree) Gone(g *Group) {
	for f := range t.root.all() {
		if f.group != g {
			continue
		}
		if id, err := t.fsys.Inode(f.path); err == nil && id == g.ID {
			g.Close()
			g.oomRest = false // of it, those below would not hear more
			f.group, f.pod, f.container = nil, nil, nil
			t.changed = true
			return
		}
		f.parent.stale = true
		t.remove(f)
		return
	}
}

// remove takes a folder out of the tree.
func (t *Tree) remove(f *folder) {
	f.parent.below = without(f.parent.below, f)
	t.drop(f)
	t.changed = true
}

// drop closes all that is open in a folder and below it.
func (t *Tree) drop(f *folder) {
	for f := range f.all() {
		t.folders--
		f.close()
		if f.watch != noWatch && t.watched[f.watch] == f {
			t.watcher.Forget(f.watch)
			delete(t.watched, f.watch)
		}
	}
}

// visit lists the folders in which something changed. The error is that of
// listing f itself.
func (t *Tree) visit(f *folder) error {
	if f.stale {
		if err := t.list(f); err != nil {
			return err
		}
	}
	for _, child := range f.below {
		err := t.visit(child)
		if err != nil && !IsGone(err) {
			t.note(child, err)
			child.stale = false // until Refresh
		}
	}
	return nil
}

// list brings the folders directly below f up to date.
func (t *Tree) list(f *folder) error {
	if f.kind != leftOut {
		if err := t.watch(f); err != nil { // before listing, so that nothing is missed
			return err
		}
	}
	if f.kind.isLeaf() {
		f.stale = false
		return nil
	}
	entries, err := t.fsys.ReadDir(f.path)
	if err != nil {
		return err
	}
	f.stale = false
	t.note(f, nil)
	old := f.below
	f.below = make([]*folder, 0, len(entries))
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		var child *folder
		if old, child = take(old, entry.Name()); child == nil {
			child = t.newFolder(f, entry.Name())
		}
		if child != nil {
			f.below = append(f.below, child)
		}
	}
	for _, child := range old {
		t.drop(child)
		t.changed = true
	}
	return nil
}

// note takes note of what is wrong with a folder, nil if nothing is.
func (t *Tree) note(f *folder, err error) {
	t.changed = t.changed || f.err != nil || err != nil
	f.err = err
}

// newFolder returns the folder of a name below parent, nil where there are too
// many.
func (t *Tree) newFolder(parent *folder, name string) *folder {
	if t.folders >= maxFolders {
		t.note(parent, fmt.Errorf("%s is left out: there are more than %d control groups", join(parent.path, name), maxFolders))
		return nil
	}
	t.folders++
	t.changed = true
	f := &folder{path: join(parent.path, name), name: name, parent: parent, kind: parent.kindOf(name), stale: true, watch: noWatch}
	return f
}

// watch watches a folder, once. Where that cannot be, the whole tree has to do
// without.
func (t *Tree) watch(f *folder) error {
	if t.watcher == nil || f.watch != noWatch {
		return nil
	}
	watch, err := t.fsys.Watch(t.watcher, f.path)
	switch {
	case err == nil:
		f.watch = watch
		t.watched[watch] = f
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.ENOMEM):
		t.watcher.Close()
		t.watcher, t.Unwatched = nil, err
		clear(t.watched)
	default:
		return err
	}
	return nil
}

// join is the name of a file, or child, of the group at dir, "." for the root.
func join(dir, file string) string {
	if dir == "." {
		return file
	}
	return path.Join(dir, file)
}

// HostPIDs yields the processes that are in no pod, with the paths of their
// groups.
func (t *Tree) HostPIDs(buf *hostfs.Buffer) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for f := range t.root.all() {
			if !f.kind.ofHost() {
				continue
			}
			var err error
			if t.pids, err = f.pids(t.fsys, buf, t.pids[:0]); err != nil {
				t.note(f, err)
			}
			for _, pid := range t.pids {
				if !yield(pid, f.path) {
					return
				}
			}
		}
	}
}
