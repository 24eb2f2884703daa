package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// facts are what hardly ever changes on a node. They are looked up anew after
// a minute, and at once when an interface or a disk appears that they do not
// know.
type facts struct {
	untilNanos int64 // boot time
	bootID     string
	agent      snapshot.Agent
	disks      map[cgroup.Device]disk // every device; nil if they cannot be told
	links      map[string]link        // every interface of the node, by name
	mounts     []string               // where the file systems are that are measured
	// localEvents is that of cgroup.Sources.
	localEvents bool
	warnings    warnings // as long as the facts hold
}

// updateFacts makes the facts ready for a reading.
func (r *reading) updateFacts() {
	if r.bootNanos < r.facts.untilNanos && r.knowsDisks() && r.knowsLinks() {
		return
	}
	f := &factFinder{node: r.node}
	f.findBootID()
	f.findCgroup(r.options.Version)
	f.findMounts()
	f.findDisks(r.disks)
	f.findLinks(r.links)
	f.untilNanos = r.bootNanos + int64(refreshEvery)
	r.facts = f.facts
}

// A factFinder is the facts in the making.
type factFinder struct {
	facts
	node Node
}

func (f *factFinder) warn(source string, err error) { f.warnings.addError(source, err) }

func (f *factFinder) findBootID() {
	text, err := fs.ReadFile(f.node.Proc, "sys/kernel/random/boot_id")
	if err == nil {
		f.bootID, err = procfs.ParseBootID(text)
	}
	if err != nil {
		f.warn("bootID", fmt.Errorf("read the boot ID: %w", err))
	}
}

// findCgroup says what the agent is and what control groups it met.
func (f *factFinder) findCgroup(version string) {
	f.agent = snapshot.Agent{Version: version, Cgroup: snapshot.Cgroup{Mode: snapshot.ModeUnified, Controllers: []string{}}}
	group := &f.agent.Cgroup
	if f.node.Cgroup == nil {
		group.Mode = snapshot.ModeV1
		f.warnings.add("cgroup", "cgroup v1 is not supported: there are no numbers of pods, the node's come from /proc")
		return
	}
	controllers, err := fs.ReadFile(f.node.Cgroup, "cgroup.controllers")
	if err != nil {
		f.warn("cgroup", err)
	}
	group.Controllers = append(group.Controllers, cgroup.ParseControllers(controllers)...)
	slices.Sort(group.Controllers)
	if v1 := f.v1Controllers(); len(v1) > 0 {
		group.Mode = snapshot.ModeHybrid
		f.warnings.add("cgroup", "hybrid control groups are not supported: "+strings.Join(v1, ", ")+
			" belong to cgroup v1; there are no numbers of pods, the node's CPU time and pressure are true")
	}
	_, err = fs.Stat(f.node.Cgroup, "memory.current")
	group.Nested = err == nil
	if err != nil && !cgroup.IsGone(err) {
		f.warn("cgroup", fmt.Errorf("tell a nested node from a machine: %w", err))
	}
}

// v1Controllers is empty on a kernel without /proc/cgroups.
func (f *factFinder) v1Controllers() []string {
	text, err := fs.ReadFile(f.node.Proc, "cgroups")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var v1 []string
	if err == nil {
		v1, err = procfs.ParseV1Controllers(text)
	}
	if err != nil {
		f.warn("cgroup", fmt.Errorf("tell cgroup v1 from v2: %w", err))
	}
	return v1
}
