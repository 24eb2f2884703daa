package hostfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestDirIsAFileSystem(t *testing.T) {
	folder := t.TempDir()
	big := bytes.Repeat([]byte("0123456789abcdef"), 4096/16*3)
	files := map[string][]byte{
		"empty": {}, "small": []byte("1\n"), "page": big[:4096], "page+1": big[:4097], "big": big, "group/cpu.stat": []byte("usage_usec 1\n"),
	}
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("group", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	dir, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(dir, "empty", "small", "page", "page+1", "big", "group/cpu.stat"); err != nil {
		t.Error(err)
	}
	for name, want := range files {
		if got, err := dir.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("ReadFile(%s): %d bytes, %v; want %d bytes", name, len(got), err, len(want))
		}
	}
	if target, err := fs.ReadLink(dir, "link"); err != nil || target != "group" {
		t.Errorf("ReadLink = %q, %v, want group", target, err)
	}
	if _, err := dir.ReadFile("group/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of a missing file: %v, want fs.ErrNotExist", err)
	}
	if _, err := dir.ReadFile("../x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("ReadFile(../x): %v, want fs.ErrInvalid", err)
	}
	if _, err := dir.ReadFile("group"); err == nil {
		t.Error("ReadFile of a folder gave no error")
	}
}

func TestOpenNamesTheFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{file, file + ".gone"} {
		if _, err := Open(folder); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("Open(%s): %v, want an error that names it", folder, err)
		}
	}
}

func TestInode(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a", "c"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(folder, "a"), filepath.Join(folder, "b")); err != nil {
		t.Fatal(err)
	}
	dir, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	inode := func(name string) uint64 {
		t.Helper()
		n, err := dir.Inode(name)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if inode("a") != inode("b") || inode("a") == inode("c") {
		t.Errorf("inodes of a, its hard link b, and c: %d, %d, %d", inode("a"), inode("b"), inode("c"))
	}
	if _, err := dir.Inode("gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Inode of a missing file: %v, want fs.ErrNotExist", err)
	}
}

func TestNowAdvances(t *testing.T) {
	_, first, err := Now()
	if err != nil {
		t.Fatal(err)
	}
	wall, second, err := Now()
	if err != nil || second < first || first <= 0 || wall.Location().String() != "UTC" {
		t.Errorf("Now = %v, %d after %d, %v", wall, second, first, err)
	}
}

func TestLiveProc(t *testing.T) {
	proc, err := Open("/proc")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !LiveProc(proc) || LiveProc(folder) {
		t.Errorf("LiveProc(/proc) = %v, LiveProc(folder) = %v", LiveProc(proc), LiveProc(folder))
	}
}

func TestNodeRoot(t *testing.T) {
	folder := t.TempDir()
	write := func(name, data string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := Dir{path: folder}
	first := filepath.Join(folder, "1/root")
	if got := NodeRoot(dir); got != first {
		t.Errorf("NodeRoot without mounts = %s, want %s", got, first)
	}
	write("1/mountinfo", "27 1 254:0 / /")
	write("self/mountinfo", "99 1 254:0 / /")
	if got := NodeRoot(dir); got != first {
		t.Errorf("NodeRoot with other mounts = %s, want %s", got, first)
	}
	write("self/mountinfo", "27 1 254:0 / /")
	if got := NodeRoot(dir); got != "/" {
		t.Errorf("NodeRoot with the same mounts = %s, want /", got)
	}
}

func TestStatMount(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	mount, err := StatMount(root, "/data")
	if err != nil || mount.TotalBytes == 0 || mount.AvailableBytes > mount.TotalBytes {
		t.Errorf("StatMount = %+v, %v", mount, err)
	}
	if _, err := StatMount(root, "/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("StatMount(/gone): %v, want fs.ErrNotExist", err)
	}
}

func BenchmarkReadFile(b *testing.B) {
	dir, err := Open("/proc")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dir.ReadFile("loadavg"); err != nil {
			b.Fatal(err)
		}
	}
}
