package kernel

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const cgroupRoot = "/sys/fs/cgroup"

// patience bounds every wait for something that the kernel or a load is sure
// to do; how long it takes is never judged.
const patience = 30 * time.Second

// A group is a control group, by the path of its folder.
type group string

// A pod is the group of a pod, shaped as the kubelet's cgroupfs driver does.
type pod struct {
	group
	uid string
	// controllers are enabled for the pod's containers.
	controllers string
}

// A container is the group of a container.
type container struct {
	group
	id string
}

// A tree is where an agent looks for pods: a cgroup2 mount, or a group of one
// that stands for a mount.
type tree struct {
	mount group
	// controllers are those that pods and containers have, as
	// cgroup.subtree_control takes them: "+cpu +memory".
	controllers string
}

// qosGroup is where the pods of the tests are, below the mount.
const qosGroup = "kubepods/burstable"

// prepare makes the groups above the pods'.
func (tr tree) prepare() error {
	for _, dir := range []group{tr.mount, tr.mount.join("kubepods"), tr.mount.join(qosGroup)} {
		if err := dir.make(tr.controllers); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the groups of the tree have a controller.
func (tr tree) has(controller string) bool {
	return slices.Contains(strings.Fields(tr.controllers), "+"+controller)
}

// newPod names a pod that is not made yet.
func (tr tree) newPod() pod {
	uid := random(16)
	uid = strings.Join([]string{uid[:8], uid[8:12], uid[12:16], uid[16:20], uid[20:]}, "-")
	return pod{tr.mount.join(qosGroup, "pod"+uid), uid, tr.controllers}
}

// makePod makes the group of a new pod, removed after the test with all in it.
func (tr tree) makePod(t *testing.T) pod {
	t.Helper()
	p := tr.newPod()
	t.Cleanup(func() { must(t, p.removeAll()) })
	must(t, p.make(p.controllers))
	return p
}

// newContainer names a container of the pod that is not made yet.
func (p pod) newContainer() container {
	id := random(32)
	return container{p.join(id), id}
}

// makeContainer makes the group of a new container.
func (p pod) makeContainer(t *testing.T) container {
	t.Helper()
	c := p.newContainer()
	must(t, c.make(""))
	return c
}

func random(bytes int) string {
	data := make([]byte, bytes)
	rand.Read(data) // never fails
	return hex.EncodeToString(data)
}

func (g group) join(elements ...string) group {
	return group(filepath.Join(append([]string{string(g)}, elements...)...))
}

// make makes the group unless it is there, and gives its children the
// controllers.
func (g group) make(controllers string) error {
	if err := os.Mkdir(string(g), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if controllers == "" {
		return nil
	}
	return g.write("cgroup.subtree_control", controllers)
}

func (g group) write(file, value string) error {
	return os.WriteFile(string(g.join(file)), []byte(value), 0)
}

// enter moves a process into the group.
func (g group) enter(pid int) error { return g.write("cgroup.procs", strconv.Itoa(pid)) }

// id is the inode of the group's folder.
func (g group) id() (uint64, error) {
	var stat syscall.Stat_t
	if err := syscall.Stat(string(g), &stat); err != nil {
		return 0, fmt.Errorf("stat %s: %w", g, err)
	}
	return stat.Ino, nil
}

// remove removes a group without children. Processes that were in it may take
// a moment to be gone for good.
func (g group) remove() error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		err := syscall.Rmdir(string(g))
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(end) {
			if err != nil {
				return fmt.Errorf("remove %s: %w", g, err)
			}
			return nil
		}
	}
}

// removeAll ends what runs in the group and removes it with all below it. It
// is no error if it is gone.
func (g group) removeAll() error {
	entries, err := os.ReadDir(string(g))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = g.write("cgroup.kill", "1")
	}
	if errors.Is(err, syscall.EOPNOTSUPP) { // in a threaded group; its parent kills
		err = nil
	}
	for _, entry := range entries {
		if entry.IsDir() && err == nil {
			err = g.join(entry.Name()).removeAll()
		}
	}
	return errors.Join(err, g.remove())
}

// read returns a file of the group.
func (g group) read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(string(g.join(file)))
	must(t, err)
	return string(data)
}

// keyed returns the numbers of a file of "KEY NUMBER" lines.
func (g group) keyed(t *testing.T, file string) map[string]uint64 {
	t.Helper()
	values := make(map[string]uint64)
	for line := range strings.Lines(g.read(t, file)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		values[key] = number(t, value)
	}
	return values
}

func number(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	must(t, err)
	return n
}

// has reports whether the group has a file.
func (g group) has(t *testing.T, file string) bool {
	t.Helper()
	_, err := os.Stat(string(g.join(file)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}
