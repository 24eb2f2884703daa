package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// A play is a tree of groups and what happens to it, made of any bytes: each
// step is two bytes, what is done and to which of the folders there are.
type play struct {
	root  string
	paths []string // the folders there are, those above first
	named int      // how many got a made-up name
}

// playNames are what a folder of a play may be called: each means something to the
// tree somewhere, and some only nearly do.
func playNames() []string {
	one, two := hexID("1"), hexID("2")
	return []string{
		"kubepods", "kubepods.slice", "kubelet-kubepods.slice", "burstable", "kubepods-besteffort.slice", "guaranteed",
		"pod" + uid, "kubepods-burstable-pod" + uidUnder + ".slice", "pod" + hash, "kubepods-pod" + hash + ".slice", "podruntime",
		one, "cri-containerd-" + one + ".scope", "crio-" + two, "crio-conmon-" + two + ".scope", "docker-" + two + ".scope",
		"kubepods-pod" + uidUnder + ".slice:cri-containerd:" + two, "libpod_pod_" + one + ".slice", "run-" + one + ".mount",
		"system.slice", "a.service", "init", "docker", "\xff", "a b", "kubepods\xff", "...",
	}
}

// maxPaths keeps a play short.
const maxPaths = 48

// step does one thing. What cannot be done is left.
func (p *play) step(t *testing.T, what, where byte) {
	t.Helper()
	names := playNames()
	at := p.paths[int(where)%len(p.paths)]
	switch name := int(what) % (len(names) + 4); {
	case name < len(names):
		p.make(t, filepath.Join(at, names[name]))
	case name == len(names): // a name of its own
		p.named++
		p.make(t, filepath.Join(at, fmt.Sprintf("%064x", p.named)))
	case at != p.root:
		p.remove(t, at)
		if name == len(names)+1 { // another of the same name
			p.make(t, at)
		}
	}
}

func (p *play) make(t *testing.T, path string) {
	t.Helper()
	if len(p.paths) >= maxPaths || strings.Count(path, "/") > strings.Count(p.root, "/")+8 {
		return
	}
	switch err := os.Mkdir(path, 0o755); {
	case err == nil:
		p.paths = append(p.paths, path)
	case !os.IsExist(err):
		t.Fatal(err)
	}
}

func (p *play) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	left := p.paths[:0]
	for _, other := range p.paths {
		if other != path && !strings.HasPrefix(other, path+"/") {
			left = append(left, other)
		}
	}
	p.paths = left
}

// FuzzTree plays with a tree of groups while two trees follow it, one told of
// changes and one not. At every look they must know what a tree knows that is
// made just then.
func FuzzTree(f *testing.F) {
	watcher, err := hostfs.NewWatcher()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(watcher.Close)
	for _, seed := range [][]byte{{0, 0, 6, 1, 11, 2}, {19, 0, 16, 1, 0xff, 0xff, 11, 1}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		dir := quickFolder(t)
		p := &play{root: dir.String(), paths: []string{dir.String()}}
		trees := map[string]*Tree{"watched": NewTree(dir, watcher, nil), "unwatched": NewTree(dir, nil, nil)}
		for _, tree := range trees {
			t.Cleanup(tree.Close)
		}
		for i := 0; i+1 < len(steps) && i < 4*maxPaths; i += 2 {
			if steps[i] != lookNow {
				p.step(t, steps[i], steps[i+1])
				continue
			}
			compareTrees(t, dir, trees)
		}
		compareTrees(t, dir, trees)
		checkTree(t, p, trees["watched"])
	})
}

// quickFolder is a new folder, in memory where that can be: a play makes and
// removes a hundred folders, and there are thousands of plays.
func quickFolder(t *testing.T) hostfs.Dir {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "tree-*")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	dir, err := hostfs.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// lookNow is the step that looks at the trees instead of changing them.
const lookNow = 0xff

// compareTrees brings trees up to date and compares them with a new one.
func compareTrees(t *testing.T, dir hostfs.Dir, trees map[string]*Tree) {
	t.Helper()
	fresh := NewTree(dir, nil, nil)
	defer fresh.Close()
	if err := fresh.Update(); err != nil {
		t.Fatal(err)
	}
	for name, tree := range trees {
		if err := tree.Update(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(see(fresh), see(tree)); diff != "" {
			t.Errorf("the %s tree differs from a new one (-new +%s):\n%s", name, name, diff)
		}
		if diff := cmp.Diff(fmt.Sprint(fresh.Problems), fmt.Sprint(tree.Problems)); diff != "" {
			t.Errorf("the %s tree has other problems than a new one (-new +%s):\n%s", name, name, diff)
		}
		if all := len(seeFolders(tree)); tree.folders != all {
			t.Errorf("the %s tree counts %d folders and has %d", name, tree.folders, all)
		}
	}
}

// checkTree holds what a tree lists against the folders that there are.
func checkTree(t *testing.T, p *play, tree *Tree) {
	t.Helper()
	there := make(map[string]bool, len(p.paths))
	for _, path := range p.paths {
		there[strings.TrimPrefix(path, p.root+"/")] = true
	}
	seen := make(map[string]bool)
	once := func(what, identity, path string) {
		if !there[path] || !utf8.ValidString(path) {
			t.Errorf("%s %s is at %q, where no group can be", what, identity, path)
		}
		if seen[what+identity] {
			t.Errorf("%s %s is listed twice", what, identity)
		}
		seen[what+identity] = true
	}
	for _, slice := range tree.Slices {
		once("slice", slice.Path, slice.Path)
	}
	containers := tree.Containers
	for _, pod := range tree.Pods {
		once("pod", pod.UID, pod.Path)
		if !InPod("/" + pod.Path) {
			t.Errorf("pod %s is at %s, which is in no pod", pod.UID, pod.Path)
		}
		for _, container := range pod.Containers {
			if !strings.HasPrefix(container.Path, pod.Path+"/") {
				t.Errorf("container %s is not below its pod %s", container.Path, pod.Path)
			}
		}
		containers = append(containers, pod.Containers...)
	}
	for _, container := range containers {
		once("container", container.ID, container.Path)
		wantNoneBelow(t, container, containers)
	}
}

// wantNoneBelow holds that what is below a container is an engine's in it.
func wantNoneBelow(t *testing.T, above *Container, containers []*Container) {
	t.Helper()
	for _, container := range containers {
		if strings.HasPrefix(container.Path, above.Path+"/") {
			t.Errorf("container %s is listed, and is below the container %s", container.Path, above.Path)
		}
	}
}
