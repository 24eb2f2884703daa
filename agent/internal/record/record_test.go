package record

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/snapshot"
)

func moment() Moment {
	return Moment{
		Agent: "test", Node: "node1", Time: time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC), BootNanos: 5, PageBytes: 16384,
		Mounts: []Mount{
			{Filesystem: snapshot.Filesystem{Mount: "/", TotalBytes: 9, AvailableBytes: 8, TotalInodes: 7, FreeInodes: 6}},
			{Filesystem: snapshot.Filesystem{Mount: "/data"}, Error: "statfs /data: permission denied"},
		},
	}
}

// small is a node of a few files in memory.
func small() Source {
	return Source{
		Moment: moment(),
		Proc:   fstest.MapFS{"stat": {Data: []byte("cpu 1\n")}, "7/stat": {Data: []byte("7 (a) S\n")}, "7/cmdline": {Data: []byte("secret")}},
		Sys:    fstest.MapFS{},
		Cgroup: fstest.MapFS{"cgroup.controllers": {}, "a.slice/cpu.stat": {Data: []byte("usage_usec 1\n")}, "b.slice": {Mode: fs.ModeDir}},
	}
}

// laidOut writes a node with links as a kernel has them.
func laidOut(t *testing.T) fs.FS {
	t.Helper()
	folder := t.TempDir()
	for name, data := range map[string]string{
		"proc/1/net/dev": "lo: 1\n", "proc/8/net/dev": "eth0: 1\n", "proc/8/environ": "TOKEN=secret",
		"sys/devices/pci/net/eth0/address":          "02:00",
		"sys/devices/virtual/net/bond0/x":           "",
		"sys/devices/pci/block/sda/dev":             "8:0\n",
		"sys/devices/virtual/block/dm-0/dev":        "253:0\n",
		"sys/devices/virtual/block/dm-0/slaves/sda": "",
		"sys/block/README":                          "no device",
		"podlogs/shop_web_uid/web/0.log":            "a log line",
		"containerlogs/web_shop_web-1.log":          "a log line",
	} {
		writeFile(t, filepath.Join(folder, name), data)
	}
	for link, target := range map[string]string{
		"sys/class/net/eth0":                      "../../devices/pci/net/eth0",
		"sys/class/net/bond0":                     "../../devices/virtual/net/bond0",
		"sys/class/net/gone":                      "../../devices/gone",
		"sys/class/net/evil":                      "/etc",
		"sys/devices/virtual/net/bond0/lower_eth": "../../../pci/net/eth0",
		"sys/devices/pci/net/eth0/master":         "../../../virtual/net/bond0",
		"sys/block/sda":                           "../devices/pci/block/sda",
		"sys/block/dm-0":                          "../devices/virtual/block/dm-0",
	} {
		link = filepath.Join(folder, link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(target, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(folder, "proc/9/net"), 0o755),
		os.Link(filepath.Join(folder, "proc/8/net/dev"), filepath.Join(folder, "proc/9/net/dev"))); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(folder)
}

func writeFile(t *testing.T, name, data string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(data), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func sub(t *testing.T, fsys fs.FS, folder string) fs.FS {
	t.Helper()
	below, err := fs.Sub(fsys, folder)
	if err != nil {
		t.Fatal(err)
	}
	return below
}

// replay records a source and opens the recording.
func replay(t *testing.T, source Source) *Recording {
	t.Helper()
	file := filepath.Join(t.TempDir(), "node.tar.gz")
	var archive bytes.Buffer
	if err := Write(t.Context(), &archive, source); err != nil {
		t.Fatal(err)
	}
	writeFile(t, file, archive.String())
	t.Setenv("TMPDIR", t.TempDir())
	recording, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := recording.Close(); err != nil {
			t.Error(err)
		}
		wantNothingIn(t, os.TempDir())
	})
	return recording
}

func wantNothingIn(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%s has %v, %v; want nothing left behind", folder, left, err)
	}
}

// contents describes every file, folder and link.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	fsys := os.DirFS(folder)
	found := make(map[string]string)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Type() == fs.ModeSymlink:
			target, err := fs.ReadLink(fsys, name)
			found[name] = "-> " + target
			return err
		case entry.IsDir():
			if entries, err := fs.ReadDir(fsys, name); err != nil || len(entries) > 0 {
				return err
			}
			found[name] = "an empty folder"
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRoundTrip(t *testing.T) {
	recording := replay(t, small())
	got := contents(t, recording.folder)
	delete(got, momentFile)
	want := map[string]string{
		"proc/stat": "cpu 1\n", "proc/7/stat": "7 (a) S\n", "sys": "an empty folder",
		"cgroup/cgroup.controllers": "", "cgroup/a.slice/cpu.stat": "usage_usec 1\n", "cgroup/b.slice": "an empty folder",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if len(recording.Errors) != 0 {
		t.Errorf("errors = %q", recording.Errors)
	}
}

func TestMoment(t *testing.T) {
	recording := replay(t, small())
	want := moment()
	want.Version = version
	if diff := cmp.Diff(want, recording.Moment); diff != "" {
		t.Errorf("moment (-want +got):\n%s", diff)
	}
	if wall, boot, err := recording.Now(); !wall.Equal(want.Time) || boot != 5 || err != nil {
		t.Errorf("Now = %v, %d, %v", wall, boot, err)
	}
	if got, err := recording.StatMount("/"); err != nil || got != want.Mounts[0].Filesystem {
		t.Errorf("StatMount(/) = %+v, %v", got, err)
	}
	for point, reason := range map[string]string{"/data": "statfs /data: permission denied", "/other": "/other was not measured"} {
		if _, err := recording.StatMount(point); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("StatMount(%s): %v, want %q", point, err, reason)
		}
	}
}

// TestLinksStayLinks has what tells network namespaces and hardware apart.
func TestLinksStayLinks(t *testing.T) {
	node := laidOut(t)
	recording := replay(t, Source{
		Moment: moment(), Proc: sub(t, node, "proc"), Sys: sub(t, node, "sys"),
		PodLogs: sub(t, node, "podlogs"), ContainerLogs: sub(t, node, "containerlogs"),
	})
	got := contents(t, recording.folder)
	delete(got, momentFile)
	want := map[string]string{
		"proc/1/net/dev": "lo: 1\n", "proc/8/net/dev": "eth0: 1\n", "proc/9/net/dev": "eth0: 1\n",
		"sys/class/net/eth0":                      "-> ../../devices/pci/net/eth0",
		"sys/class/net/bond0":                     "-> ../../devices/virtual/net/bond0",
		"sys/class/net/gone":                      "-> ../../devices/gone",
		"sys/devices/virtual/net/bond0/lower_eth": "-> ../../../pci/net/eth0",
		"sys/devices/pci/net/eth0/master":         "-> ../../../virtual/net/bond0",
		"sys/block/sda/dev":                       "8:0\n",
		"sys/block/dm-0/dev":                      "253:0\n",
		"sys/block/dm-0/slaves/sda":               "",
		"sys/block/README":                        "",
		"podlogs/shop_web_uid":                    "an empty folder",
		"containerlogs/web_shop_web-1.log":        "",
		"cgroup/memory/cgroup.procs":              "",
		"ERRORS":                                  "\"sys/class/net/evil\": a link to /etc, outside of sys\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	stat := func(pid string) os.FileInfo {
		t.Helper()
		info, err := os.Stat(filepath.Join(recording.Proc(), pid, "net/dev"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if !os.SameFile(stat("8"), stat("9")) || os.SameFile(stat("1"), stat("8")) {
		t.Error("processes 8 and 9 shared a network namespace, and 1 had another: that is lost")
	}
}

// failing makes files unreadable.
type failing struct {
	fstest.MapFS
	errs map[string]error
}

func (f failing) ReadFile(name string) ([]byte, error) {
	if err := f.errs[name]; err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return f.MapFS.ReadFile(name)
}

// closed is a folder that may not be opened.
type closed struct{}

func (closed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// TestUnreadableFilesAreNamed has files that are gone, which nobody misses, and
// files that cannot be read, which must not be taken for gone.
func TestUnreadableFilesAreNamed(t *testing.T) {
	source := small()
	source.Proc = failing{
		fstest.MapFS{"stat": {}, "loadavg": {}, "pressure/cpu": {}, "7/stat": {}, "7/cgroup": {}},
		map[string]error{"pressure/cpu": syscall.EOPNOTSUPP, "7/stat": syscall.ESRCH, "7/cgroup": fs.ErrPermission},
	}
	source.Cgroup = failing{
		fstest.MapFS{"a.slice/cpu.stat": {}, "a.slice/io.stat": {}},
		map[string]error{"a.slice/cpu.stat": syscall.ENODEV, "a.slice/io.stat": syscall.EIO},
	}
	source.PodLogs = closed{}
	recording := replay(t, source)
	want := []string{
		`"proc/pressure/cpu": operation not supported`,
		`"proc/7/cgroup": permission denied`,
		`"cgroup/a.slice/io.stat": input/output error`,
		`"podlogs": permission denied`,
	}
	if diff := cmp.Diff(want, recording.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestWriteIsBounded(t *testing.T) {
	big := small()
	big.Proc = fstest.MapFS{"stat": {Data: make([]byte, 2000)}}
	var archive bytes.Buffer
	if err := write(t.Context(), &archive, big, limits{entries: 100, bytes: 1 << 20, fileBytes: 1000}); err != nil {
		t.Errorf("Write with a big file: %v, want it left out", err)
	}
	for name, most := range map[string]limits{
		"entries": {entries: 4, bytes: 1 << 20, fileBytes: 1 << 20},
		"bytes":   {entries: 100, bytes: 20 << 10, fileBytes: 1 << 20},
	} {
		if err := write(t.Context(), &archive, big, most); !errors.Is(err, errTooBig) {
			t.Errorf("Write beyond the limit of %s: %v, want errTooBig", name, err)
		}
	}
}

func TestWriteEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, &bytes.Buffer{}, small()); !errors.Is(err, context.Canceled) {
		t.Errorf("Write after the end of its context: %v", err)
	}
	if err := Write(t.Context(), fullDisk{}, small()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Write to a full disk: %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
