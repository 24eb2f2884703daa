package guest

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A mount is one mount(2) call, the target made first.
type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return fmt.Errorf("make mount point: %w", err)
	}
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err)
	}
	return nil
}

func mountAll(mounts []mount) error {
	for _, m := range mounts {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

const (
	// staging is an existing folder of the host on which the guest builds its
	// root. It is covered by a tmpfs first, so nothing is made on the host.
	staging = "/mnt"
	// disk is the guest's own file system in its finished root.
	disk = "/var/lib/lab-disk"
	// diskDevice is in /dev from the start: the kernel mounts devtmpfs itself.
	diskDevice = "/dev/ubda"
)

// makeRoot gives the guest a root of its own: an overlay of the host's files
// (below, never written) and the guest's disk (above). It is entered with
// pivot_root rather than chroot, so that /proc/1/root and /proc/1/mountinfo
// are those of the node, as on a real one.
func makeRoot(folders []string) error {
	if err := loadOverlay(); err != nil {
		return err
	}
	own := filepath.Join(staging, "own")
	err := mountAll([]mount{
		{"tmpfs", staging, "tmpfs", 0, ""},
		{diskDevice, own, "ext4", 0, ""},
	})
	if err != nil {
		return err
	}
	upper, work := filepath.Join(own, "upper"), filepath.Join(own, "work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make overlay folder: %w", err)
		}
	}
	root := filepath.Join(staging, "root")
	layers := "lowerdir=/,upperdir=" + upper + ",workdir=" + work
	if err := (mount{"overlay", root, "overlay", 0, layers}).do(); err != nil {
		return err
	}
	if err := (mount{diskDevice, filepath.Join(root, disk), "ext4", 0, ""}).do(); err != nil {
		return err
	}
	if err := bindFolders(root, folders); err != nil {
		return err
	}
	return enterRoot(root)
}

// loadOverlay loads the overlay module from its file, since modprobe finds
// modules only once the guest's root is there.
func loadOverlay() error {
	files, err := filepath.Glob(kernelModules + "/*/kernel/fs/overlayfs/overlay.ko")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find module overlay below %s: %w", kernelModules, cmp.Or(err, fs.ErrNotExist))
	}
	module, err := os.Open(files[0])
	if err != nil {
		return fmt.Errorf("open module overlay: %w", err)
	}
	defer module.Close()
	if err := unix.FinitModule(int(module.Fd()), "", 0); err != nil {
		return fmt.Errorf("load module overlay: %w", err)
	}
	return nil
}

// bindFolders makes each folder on the guest's disk and binds it to its path
// below root.
func bindFolders(root string, folders []string) error {
	for _, folder := range folders {
		source := filepath.Join(root, disk, "folders", folder)
		if err := os.MkdirAll(source, 0o755); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		if err := (mount{source, filepath.Join(root, folder), "", unix.MS_BIND, ""}).do(); err != nil {
			return err
		}
	}
	return nil
}

// enterRoot makes root the root of every process and lets the old one go.
func enterRoot(root string) error {
	old := filepath.Join(root, staging)
	if err := unix.PivotRoot(root, old); err != nil {
		return fmt.Errorf("pivot to root %s: %w", root, err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	if err := unix.Unmount(staging, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount old root: %w", err)
	}
	return nil
}

// mountKernel mounts the kernel's own file systems and the memory-backed ones
// that a node has. The tree is shared at the end, as systemd leaves it, since
// that is what container runtimes and the kubelet expect of a node.
func mountKernel() error {
	err := mountAll([]mount{
		{"proc", "/proc", "proc", 0, ""},
		{"sysfs", "/sys", "sysfs", 0, ""},
		{"devtmpfs", "/dev", "devtmpfs", 0, ""},
		{"devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666"},
		{"tmpfs", "/dev/shm", "tmpfs", 0, ""},
		{"tmpfs", "/run", "tmpfs", 0, "mode=0755"},
		{"tmpfs", "/tmp", "tmpfs", 0, "mode=1777"},
		{"cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""},
	})
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("share mounts: %w", err)
	}
	return nil
}
