package collect

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// maxFilesystems bounds the list on a node with very many volumes.
const maxFilesystems = 64

// filesystems measures the node's file systems on disks, each once. It is nil,
// with a warning, where they cannot be measured.
func (r *reading) filesystems() []snapshot.Filesystem {
	if r.node.StatMount == nil {
		return nil
	}
	measured := make([]snapshot.Filesystem, 0, len(r.facts.mounts))
	for _, mount := range r.facts.mounts {
		filesystem, err := r.node.StatMount(mount)
		if err != nil {
			r.warn("filesystems", err)
			continue
		}
		measured = append(measured, filesystem)
	}
	if len(measured) == 0 {
		return nil // each has warned
	}
	return measured
}

// findMounts finds what is mounted where.
func (f *factFinder) findMounts() {
	var mounts []procfs.Mount
	text, err := fs.ReadFile(f.node.Proc, "1/mountinfo")
	if err == nil {
		mounts, err = procfs.ParseMountinfo(text)
	}
	f.localEvents = err != nil || slices.ContainsFunc(mounts, func(m procfs.Mount) bool {
		return m.Type == "cgroup2" && slices.Contains(strings.Split(m.Options, ","), "memory_localevents")
	})
	switch {
	case f.node.StatMount == nil:
		f.warnings.add("filesystems", "a copy of /proc has no mounts that could be measured")
	case err != nil:
		f.warn("filesystems", err)
	}
	for _, mount := range diskMounts(mounts) {
		f.mounts = append(f.mounts, mount.Point)
	}
}

// diskMounts picks the mounts to measure: the root, and what is on a block
// device or in a pool of disks. Read-only images are always full, and network
// and user-space file systems can hang whoever asks. Of several mounts of one
// file system the shortest path stands for it.
func diskMounts(mounts []procfs.Mount) []procfs.Mount {
	var picked []procfs.Mount
	for _, mount := range mounts {
		if onDisk(mount) {
			picked = append(picked, mount)
		}
	}
	slices.SortStableFunc(picked, func(a, b procfs.Mount) int {
		return cmp.Or(cmp.Compare(len(a.Point), len(b.Point)), cmp.Compare(a.Point, b.Point))
	})
	seen := make(map[string]bool)
	picked = slices.DeleteFunc(picked, func(mount procfs.Mount) bool {
		repeated := seen[mount.Device]
		seen[mount.Device] = true
		return repeated
	})
	return picked[:min(len(picked), maxFilesystems)]
}

func onDisk(mount procfs.Mount) bool {
	switch kind := mount.Type; {
	case kind == "squashfs", kind == "iso9660", kind == "erofs", kind == "cramfs":
		return false
	case strings.HasPrefix(kind, "fuse"), strings.HasPrefix(kind, "nfs"), kind == "cifs", kind == "smb3", kind == "ceph", kind == "9p":
		return false
	case mount.Point == "/", kind == "btrfs", kind == "zfs":
		return true
	}
	// The major number 0 is for file systems without a device.
	return !strings.HasPrefix(mount.Device, "0:")
}
