package kernel

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// guestDisk is where the guest's own disk is mounted: ext4, which charges
// writeback to the group that made the pages dirty.
const guestDisk = "/var/lib/lab-disk"

const writtenBytes = 64 * mebibyte

// testDirect writes and reads a known number of bytes past the page cache.
func testDirect(t *testing.T, a *agent) {
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	file := onGuestDisk(t)
	startInUntil(t, c.group, "wrote", load("write", "--direct", "--mebibytes=64", "--file="+file)...)
	told := a.compareStill(t, p, c)
	checkWithin1Percent(t, "written by the pod", total(told.IO).WrittenBytes)
	checkWithin1Percent(t, "written by the container", total(told.Containers[0].IO).WrittenBytes)

	before := total(told.IO).ReadBytes
	runIn(t, c.group, "dd", "if="+file, "of=/dev/null", "bs=1M", "iflag=direct")
	told = a.compareStill(t, p, c)
	checkWithin1Percent(t, "read by the pod", total(told.IO).ReadBytes-before)
}

// testBuffered writes through the page cache: the disk is written later and by
// somebody else, and charged to the group all the same. The pod keeps it when
// the container is gone.
func testBuffered(t *testing.T, a *agent) {
	p := a.tree.makePod(t)
	c := p.makeContainer(t)
	runIn(t, c.group, "dd", "if=/dev/zero", "of="+onGuestDisk(t), "bs=1M", "count=64")
	told := a.compare(t, p, c)
	t.Logf("before writeback %d bytes are told as written and %d as page cache", total(told.IO).WrittenBytes, told.Memory.FileBytes)
	if told.Memory.FileBytes < writtenBytes {
		t.Errorf("the page cache is told as %d bytes, want %d or more", told.Memory.FileBytes, writtenBytes)
	}
	unix.Sync()
	told = a.compareStill(t, p, c)
	checkWithin1Percent(t, "written by the pod", total(told.IO).WrittenBytes)
	checkWithin1Percent(t, "written by the container", total(told.Containers[0].IO).WrittenBytes)
	must(t, c.remove())
	checkWithin1Percent(t, "written by the pod of a removed container", total(a.compareStill(t, p).IO).WrittenBytes)
}

// onGuestDisk names a file that is removed after the test.
func onGuestDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(guestDisk, "io-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "file")
}

// total sums over devices.
func total(devices []snapshot.DeviceIO) (sum snapshot.DeviceIO) {
	for _, device := range devices {
		sum.ReadBytes += device.ReadBytes
		sum.WrittenBytes += device.WrittenBytes
	}
	return sum
}

// checkWithin1Percent allows for the file system's own blocks.
func checkWithin1Percent(t *testing.T, what string, bytes uint64) {
	t.Helper()
	if bytes < writtenBytes || bytes > writtenBytes+writtenBytes/100 {
		t.Errorf("%s: %d bytes, want %d and at most 1 %% more", what, bytes, writtenBytes)
	}
}
