package procfs

import (
	"bytes"
	"fmt"
	"io/fs"
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
	Device       string // "major:minor"
	Name         string
	ReadBytes    uint64
	WrittenBytes uint64
	ReadOps      uint64
	WriteOps     uint64
	BusyMicros   uint64
}

// ReadDiskstats reads /proc/diskstats: whole disks, partitions and all other
// block devices alike.
func ReadDiskstats(proc fs.FS) ([]Disk, error) { return read(proc, "diskstats", parseDiskstats) }

func parseDiskstats(data []byte) ([]Disk, error) {
	var disks []Disk
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		disk, err := parseDisk(fields)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		disks = append(disks, disk)
	}
	return disks, nil
}

func parseDisk(fields [][]byte) (Disk, error) {
	const wanted = 13
	if len(fields) < wanted {
		return Disk{}, fmt.Errorf("%d fields, want at least %d", len(fields), wanted)
	}
	var n [wanted]uint64
	for i, field := range fields[:wanted] {
		if i == 2 {
			continue // the name
		}
		var err error
		if n[i], err = number(field); err != nil {
			return Disk{}, err
		}
	}
	return Disk{
		Device: fmt.Sprintf("%d:%d", n[0], n[1]), Name: text(fields[2]),
		ReadOps: n[3], ReadBytes: n[5] * bytesPerSector,
		WriteOps: n[7], WrittenBytes: n[9] * bytesPerSector,
		BusyMicros: n[12] * 1000,
	}, nil
}
