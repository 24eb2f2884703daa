package hostfs

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Now returns the node's wall clock and CLOCK_BOOTTIME, the nanoseconds since
// boot, which no clock step moves and which counts suspended time.
func Now() (wall time.Time, bootNanos int64, err error) {
	var boot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot); err != nil {
		return time.Time{}, 0, fmt.Errorf("read CLOCK_BOOTTIME: %w", err)
	}
	return time.Now().UTC(), boot.Nano(), nil
}

// PageSize is the node's page size in bytes.
func PageSize() int { return os.Getpagesize() }

// LiveProc reports whether proc is a mounted procfs and not a copy of one.
func LiveProc(proc Dir) bool {
	var stat syscall.Statfs_t
	return syscall.Statfs(proc.path, &stat) == nil && int64(stat.Type) == unix.PROC_SUPER_MAGIC
}

// A Mount is one mounted file system of the node as statfs counts it.
type Mount struct {
	TotalBytes     uint64
	AvailableBytes uint64 // to unprivileged users
	TotalInodes    uint64
	FreeInodes     uint64
}

// NodeRoot is a path of the node's root folder: that of the node's first
// process, for an agent in a container. An agent that sees the very mounts
// which that process sees has it at "/", and needs no right to look into the
// process.
func NodeRoot(proc Dir) string {
	nodes, err := proc.ReadFile("1/mountinfo")
	own, ownErr := proc.ReadFile("self/mountinfo")
	if err == nil && ownErr == nil && bytes.Equal(nodes, own) { // mount IDs included
		return "/"
	}
	return path.Join(proc.path, "1/root")
}

// StatMount asks for the file system at a mount point below a root folder.
func StatMount(root, mountPoint string) (Mount, error) {
	name := path.Join(root, mountPoint)
	var stat syscall.Statfs_t
	if err := syscall.Statfs(name, &stat); err != nil {
		return Mount{}, fmt.Errorf("statfs %s: %w", name, err)
	}
	// f_frsize is the unit of the counts; old file systems leave it 0.
	unit := uint64(stat.Frsize)
	if unit == 0 {
		unit = uint64(stat.Bsize)
	}
	return Mount{
		TotalBytes:     stat.Blocks * unit,
		AvailableBytes: stat.Bavail * unit,
		TotalInodes:    stat.Files,
		FreeInodes:     stat.Ffree,
	}, nil
}
