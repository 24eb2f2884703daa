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
var notDisks = [...]uint64{1, 2, 7, 11} // ram, floppy, loop, CD-ROM

// A disk is what is known of one block device.
type disk struct {
	device  string // "major:minor"
	name    string
	counted bool
}

func deviceOf(d procfs.Disk) cgroup.Device { return cgroup.Device{Major: d.Major, Minor: d.Minor} }

// knowsDisks reports whether the facts know every device that there is now.
func (r *reading) knowsDisks() bool {
	for i := range r.disks {
		known, ok := r.facts.disks[deviceOf(r.disks[i])]
		if !ok || known.name != string(r.disks[i].Name) {
			return false
		}
	}
	return true
}

// findDisks applies the one rule of which block devices count, for host.disks
// and for the io of every group: each byte once. The kernel counts I/O at every
// layer of stacked devices, so only the lowest layer counts: whole devices
// without slaves. Partitions are not in /sys/block; device mapper and RAID have
// slaves; ram, loop and zram devices end in memory or in a file of another disk.
// disks stays nil, with a warning, where sysfs cannot tell.
func (f *factFinder) findDisks(present []procfs.Disk) {
	entries, err := fs.ReadDir(f.node.Sys, "block")
	if err != nil {
		f.warn("io", fmt.Errorf("whole disks cannot be told from stacked devices: %w", err))
		return
	}
	f.disks = make(map[cgroup.Device]disk)
	for i := range present {
		f.disks[deviceOf(present[i])] = disk{name: procfs.Text(present[i].Name)}
	}
	for _, entry := range entries {
		device, counted, err := f.wholeDisk(entry.Name())
		if err != nil && !cgroup.IsGone(err) {
			f.warn("io", err)
		}
		if counted {
			f.disks[device] = disk{
				device: fmt.Sprintf("%d:%d", device.Major, device.Minor), name: f.disks[device].name, counted: true,
			}
		}
	}
}

// wholeDisk says whether a device in /sys/block counts.
func (f *factFinder) wholeDisk(name string) (device cgroup.Device, counted bool, err error) {
	if strings.HasPrefix(name, "zram") { // its major number is given at run time
		return device, false, nil
	}
	dir := path.Join("block", name)
	text, err := fs.ReadFile(f.node.Sys, path.Join(dir, "dev"))
	if err != nil {
		return device, false, err
	}
	if device, err = cgroup.ParseDevice(bytes.TrimSpace(text)); err != nil {
		return device, false, fmt.Errorf("parse %s/dev: %w", dir, err)
	}
	for _, major := range notDisks {
		if device.Major == major {
			return device, false, nil
		}
	}
	slaves, err := fs.ReadDir(f.node.Sys, path.Join(dir, "slaves"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return device, false, err
	}
	return device, len(slaves) == 0, nil
}

// hostDisks is nil when the disks cannot be read or told.
func (r *reading) hostDisks() []snapshot.Disk {
	if err := r.files.diskstats.err; err != nil {
		r.warn("disks", err)
		return nil
	}
	if r.facts.disks == nil {
		return nil
	}
	disks := make([]snapshot.Disk, 0, len(r.disks))
	for i := range r.disks {
		d := &r.disks[i]
		if known := r.facts.disks[deviceOf(*d)]; known.counted {
			disks = append(disks, snapshot.Disk{
				Device: known.device, Name: known.name,
				ReadBytes: d.ReadBytes, WrittenBytes: d.WrittenBytes, ReadOps: d.ReadOps, WriteOps: d.WriteOps, BusyMicros: d.BusyMicros,
			})
		}
	}
	return disks
}

// groupIO takes the disks that count from a group's io. It is nil when the
// group's io cannot be read.
func (r *reading) groupIO(g *cgroup.Group) []snapshot.DeviceIO {
	if !r.sources.IO {
		return nil
	}
	if g.IOErr != nil {
		r.warnings.addGroup("io", g.IOErr)
		return nil
	}
	first := len(r.parts.devices)
	for i := range g.IO {
		d := &g.IO[i]
		if known := r.facts.disks[d.Device]; known.counted {
			hold(&r.parts.devices, snapshot.DeviceIO{
				Device: known.device, ReadBytes: d.ReadBytes, WrittenBytes: d.WrittenBytes, ReadOps: d.ReadOps, WriteOps: d.WriteOps,
			})
		}
	}
	return r.parts.devices[first:len(r.parts.devices):len(r.parts.devices)]
}
