package record

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// nodeFiles are the files of /proc that tell of the node as a whole.
func nodeFiles() []string {
	return []string{
		"stat", "meminfo", "loadavg", "diskstats", "cgroups", "sys/kernel/random/boot_id",
		"pressure/cpu", "pressure/memory", "pressure/io",
		"1/mountinfo", "self/mountinfo", "1/net/route", "1/net/ipv6_route",
	}
}

// processFiles are recorded of every process. cmdline, environ and whatever
// else tells what a process was given or holds are not among them.
func processFiles() []string { return []string{"stat", "cgroup"} }

// netdevFile is recorded of every process, once for each network namespace.
const netdevFile = "net/dev"

// groupFiles are recorded of every control group.
func groupFiles() []string {
	return []string{
		"cgroup.controllers", "cgroup.procs",
		"cpu.stat", "cpu.max", "cpu.pressure",
		"memory.current", "memory.stat", "memory.max", "memory.events", "memory.peak", "memory.swap.current", "memory.pressure",
		"io.stat", "io.pressure",
		"pids.current", "pids.max",
	}
}

// proc records procfs.
func (a *archive) proc(proc fs.FS) {
	a.folder(procFolder)
	for _, file := range nodeFiles() {
		a.file(proc, procFolder, file)
	}
	for _, entry := range a.list(proc, procFolder, ".") {
		if pid := entry.Name(); pid[0] >= '1' && pid[0] <= '9' {
			for _, file := range processFiles() {
				a.file(proc, procFolder, path.Join(pid, file))
			}
			a.linked(proc, procFolder, path.Join(pid, netdevFile))
		}
	}
}

// sys records which block devices are stacked on which, and which network
// interfaces are hardware and what they stand on.
func (a *archive) sys(sys fs.FS) {
	a.folder(sysFolder)
	for _, device := range a.folderOf(sys, sysFolder, "block") {
		dir := path.Join("block", device.Name())
		if info, err := fs.Stat(sys, dir); err != nil || !info.IsDir() {
			a.name(sysFolder, dir, false)
			continue
		}
		a.name(sysFolder, dir, true)
		a.file(sys, sysFolder, path.Join(dir, "dev"))
		for _, slave := range a.folderOf(sys, sysFolder, path.Join(dir, "slaves")) {
			a.name(sysFolder, path.Join(dir, "slaves", slave.Name()), false)
		}
	}
	for _, device := range a.folderOf(sys, sysFolder, "class/net") {
		a.networkDevice(sys, path.Join("class/net", device.Name()))
	}
}

// networkDevice records a link in /sys/class/net, and in the folder to which it
// leads the links to the interface's master and to those below it.
func (a *archive) networkDevice(sys fs.FS, name string) {
	dir := a.symlink(sys, sysFolder, name)
	if dir == "" {
		return
	}
	for _, entry := range a.folderOf(sys, sysFolder, dir) {
		if entry.Name() == "master" || strings.HasPrefix(entry.Name(), "lower_") {
			a.symlink(sys, sysFolder, path.Join(dir, entry.Name()))
		}
	}
}

// cgroup records every control group. On a node with cgroup v1 only, the file
// by which such a mount is known stands for all of it.
func (a *archive) cgroup(groups fs.FS) {
	if groups == nil {
		a.put(path.Join(cgroupFolder, "memory/cgroup.procs"), nil)
		return
	}
	walk := func(dir string, entry fs.DirEntry, err error) error {
		if a.err != nil {
			return fs.SkipAll
		}
		if err != nil {
			a.problem(path.Join(cgroupFolder, dir), err)
			return fs.SkipDir
		}
		if !entry.IsDir() {
			return nil
		}
		a.name(cgroupFolder, dir, true)
		for _, file := range groupFiles() {
			a.file(groups, cgroupFolder, path.Join(dir, file))
		}
		return nil
	}
	if err := fs.WalkDir(groups, ".", walk); err != nil && !errors.Is(err, fs.SkipDir) {
		a.problem(cgroupFolder, err)
	}
}

// names records the names in a log folder, and nothing of the logs.
func (a *archive) names(logs fs.FS, folder string) {
	if logs == nil {
		return
	}
	for _, entry := range a.folderOf(logs, folder, ".") {
		a.name(folder, entry.Name(), entry.IsDir())
	}
}
