package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/kubemon/kubemon/agent/internal/cgroup"
	"github.com/kubemon/kubemon/agent/internal/procfs"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// Major numbers of devices that are no disks, from
// Documentation/admin-guide/devices.txt in the kernel.
var notDisks = [...]string{"1:", "2:", "7:", "11:"} // ram, floppy, loop, CD-ROM

// wholeDisks is the one rule of which block devices count, for host.disks and
// for the io of every group: each byte once. The kernel counts I/O at every
// layer of stacked devices, so only the lowest layer counts: whole devices
// without slaves. Partitions are not in /sys/block; device mapper and RAID have
// slaves; ram, loop and zram devices end in memory or in a file of another disk.
// The map has the counted devices as "major:minor"; it is nil, with a warning,
// where sysfs cannot tell.
func (r *reading) wholeDisks() map[string]bool {
	entries, err := fs.ReadDir(r.node.Sys, "block")
	if err != nil {
		r.warn("io", fmt.Errorf("whole disks cannot be told from stacked devices: %w", err))
		return nil
	}
	disks := make(map[string]bool)
	for _, entry := range entries {
		device, err := r.wholeDisk(entry.Name())
		if err != nil && !cgroup.IsGone(err) {
			r.warn("io", err)
		}
		if device != "" {
			disks[device] = true
		}
	}
	return disks
}

// wholeDisk returns the "major:minor" of a device in /sys/block that counts,
// "" of any other.
func (r *reading) wholeDisk(name string) (string, error) {
	if strings.HasPrefix(name, "zram") { // its major number is given at run time
		return "", nil
	}
	dir := path.Join("block", name)
	data, err := fs.ReadFile(r.node.Sys, path.Join(dir, "dev"))
	if err != nil {
		return "", err
	}
	device := string(bytes.TrimSpace(data))
	for _, major := range notDisks {
		if strings.HasPrefix(device, major) {
			return "", nil
		}
	}
	slaves, err := fs.ReadDir(r.node.Sys, path.Join(dir, "slaves"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(slaves) > 0 {
		return "", err
	}
	return device, nil
}

// hostDisks is nil when the disks cannot be read or told.
func (r *reading) hostDisks() []snapshot.Disk {
	if r.disks == nil {
		return nil
	}
	all, err := procfs.ReadDiskstats(r.node.Proc)
	if err != nil {
		r.warn("disks", err)
		return nil
	}
	disks := []snapshot.Disk{}
	for _, disk := range all {
		if r.disks[disk.Device] {
			disks = append(disks, snapshot.Disk(disk))
		}
	}
	return disks
}

// groupIO reads the io of one group, of the disks that count. It is nil when
// the group's io cannot be read.
func (r *reading) groupIO(dir string) []snapshot.DeviceIO {
	if r.disks == nil {
		return nil
	}
	all, err := cgroup.ReadIO(r.node.Cgroup, dir)
	if err != nil {
		r.warnMissing("io", err)
		return nil
	}
	devices := []snapshot.DeviceIO{}
	for _, device := range all {
		if r.disks[device.Device] {
			devices = append(devices, snapshot.DeviceIO(device))
		}
	}
	return devices
}
