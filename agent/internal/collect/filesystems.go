package collect

import (
	"cmp"
	"errors"
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
		r.warn("filesystems", errors.New("a copy of /proc has no mounts that could be measured"))
		return nil
	}
	mounts, err := procfs.ReadMountinfo(r.node.Proc, "1")
	if err != nil {
		r.warn("filesystems", err)
		return nil
	}
	measured := []snapshot.Filesystem{}
	for _, mount := range diskMounts(mounts) {
		filesystem, err := r.node.StatMount(mount.Point)
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
