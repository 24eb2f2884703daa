package procfs

import (
	"bytes"
	"fmt"
)

// bytesPerSector is the unit of /proc/diskstats, whatever the device's sectors.
const bytesPerSector = 512

// A Disk is one line of /proc/diskstats:
//
//	254       0 vda 145841 10439 4311738 196717 22928 111817 16715304 26174 0 23336 225705 11846 91 6285760 2797 561 16
//
// After major, minor and name come reads completed, merged, sectors read and
// milliseconds; the same four of writes; requests in flight, milliseconds with
// any in flight. See Documentation/admin-guide/iostats.rst in the kernel.
type Disk struct {
	Major, Minor uint64
	Name         []byte // a part of the text
	ReadBytes    uint64
	WrittenBytes uint64
	ReadOps      uint64
	WriteOps     uint64
	BusyMicros   uint64
}

// AppendDiskstats appends what /proc/diskstats has: whole disks, partitions and
// all other block devices alike.
func AppendDiskstats(disks []Disk, text []byte) ([]Disk, error) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		rest := bytes.TrimSpace(line)
		if len(rest) == 0 {
			continue
		}
		disk, err := parseDisk(rest)
		if err != nil {
			return disks, fmt.Errorf("%q: %w", line, err)
		}
		disks = append(disks, disk)
	}
	return disks, nil
}

func parseDisk(line []byte) (Disk, error) {
	var device [2]uint64
	if err := numbers(line, device[:]); err != nil {
		return Disk{}, err
	}
	_, rest := cutField(line)
	_, rest = cutField(rest)
	name, rest := cutField(rest)
	var n [10]uint64
	if err := numbers(rest, n[:]); err != nil {
		return Disk{}, err
	}
	return Disk{
		Major: device[0], Minor: device[1], Name: name,
		ReadOps: n[0], ReadBytes: n[2] * bytesPerSector,
		WriteOps: n[4], WrittenBytes: n[6] * bytesPerSector,
		BusyMicros: n[9] * 1000,
	}, nil
}

// cutField cuts off the first field of a line.
func cutField(line []byte) (field, rest []byte) {
	line = bytes.TrimLeft(line, " \t")
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		return line, nil
	}
	return line[:end], line[end:]
}
