package hostfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// openWith returns a new folder with one file, of which so many may be kept.
func openWith(t *testing.T, data string, kept int) (Dir, string) {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "group", "cpu.stat")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	dir, err := Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	return dir.Keeping(NewDescriptors(kept)), file
}

func mustRead(t *testing.T, r Reader, want string) {
	t.Helper()
	data, err := r.Read(nil)
	if err != nil || string(data) != want {
		t.Errorf("Read = %q, %v, want %q", data, err, want)
	}
}

// TestKeptFileIsTheSame replaces a file by another of its name: a reader that
// keeps it open goes on with the first, until it is closed.
func TestKeptFileIsTheSame(t *testing.T) {
	for _, keep := range []Keep{KeepOpen, OpenEachTime} {
		dir, file := openWith(t, "old", 1)
		reader := dir.Reader("group", "cpu.stat", keep)
		mustRead(t, reader, "old")
		inode := reader.Inode()
		if err := os.WriteFile(file+".new", []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		if reader.Kept() != (keep == KeepOpen) {
			t.Errorf("Kept = %v, want %v", reader.Kept(), keep)
		}
		want := map[Keep]string{KeepOpen: "old", OpenEachTime: "new"}[keep]
		mustRead(t, reader, want)
		if same := reader.Inode() == inode; same != (keep == KeepOpen) {
			t.Errorf("the inode is the same: %v, want %v", same, keep)
		}
		reader.Close()
		mustRead(t, reader, "new")
		reader.Close()
	}
}

// TestDescriptorsAreBounded has more readers than may keep their files.
func TestDescriptorsAreBounded(t *testing.T) {
	dir, _ := openWith(t, "1", 2)
	var readers []Reader
	for range 4 {
		reader := dir.Reader("group", "cpu.stat", KeepOpen)
		mustRead(t, reader, "1")
		readers = append(readers, reader)
	}
	kept := func() (n int) {
		for _, reader := range readers {
			if reader.Kept() {
				n++
			}
		}
		return n
	}
	if got := kept(); got != 2 {
		t.Errorf("%d files kept, want 2", got)
	}
	readers[0].Close()
	mustRead(t, readers[3], "1")
	if got := kept(); got != 2 || !readers[3].Kept() {
		t.Errorf("%d files kept after one was closed, want 2 with the last", got)
	}
}

func TestReadOfAllLengths(t *testing.T) {
	for _, length := range []int{0, 1, pageBytes/2 - 1, pageBytes / 2, pageBytes - 1, pageBytes, pageBytes + 1, 5 * pageBytes} {
		want := strings.Repeat("x", length)
		dir, _ := openWith(t, want, 1)
		reader := dir.Reader("group", "cpu.stat", KeepOpen)
		var buf Buffer
		for range 2 {
			data, err := buf.Read(reader)
			if err != nil || string(data) != want {
				t.Errorf("Read of %d bytes = %d bytes, %v", length, len(data), err)
			}
		}
		reader.Close()
	}
}

func TestReadErrorsNameTheFile(t *testing.T) {
	dir, _ := openWith(t, "1", 1)
	for name, want := range map[string]error{"gone": fs.ErrNotExist, strings.Repeat("x", longestPath): syscall.ENAMETOOLONG} {
		_, err := dir.Reader("group", name, KeepOpen).Read(nil)
		if err == nil || !strings.Contains(err.Error(), "group/"+name) {
			t.Errorf("Read: %v, want an error that names group/%.10s", err, name)
		}
		if !errors.Is(err, want) {
			t.Errorf("Read: %v, want %v", err, want)
		}
	}
	if _, err := dir.Reader(".", "group", KeepOpen).Read(nil); err == nil {
		t.Error("reading a folder gave no error")
	}
}

// TestReadingAllocatesNothing holds whether a file is kept or opened each time.
func TestReadingAllocatesNothing(t *testing.T) {
	for _, keep := range []Keep{KeepOpen, OpenEachTime} {
		dir, _ := openWith(t, "usage_usec 1\n", 1)
		reader := dir.Reader("group", "cpu.stat", keep)
		var buf Buffer
		buf.Read(reader)
		if allocs := testing.AllocsPerRun(100, func() { buf.Read(reader) }); allocs != 0 {
			t.Errorf("%v allocations with keep=%v, want none", allocs, keep)
		}
		if allocs := testing.AllocsPerRun(100, func() { dir.Inode("group/cpu.stat") }); allocs != 0 {
			t.Errorf("%v allocations for an inode, want none", allocs)
		}
		reader.Close()
	}
}

func TestWatcher(t *testing.T) {
	dir, file := openWith(t, "1", 0)
	watcher, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	watch, err := dir.Watch(watcher, "group")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Watch(watcher, "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Watch of a missing folder: %v, want fs.ErrNotExist", err)
	}
	if err := os.WriteFile(file, []byte("2"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(file), "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	written, listed := false, false
	for change := range watcher.Changes() {
		if change.Watch != watch {
			t.Errorf("a change in folder %d, want %d", change.Watch, watch)
		}
		written = written || change.Kind == Written && bytes.Equal(change.Name, []byte("cpu.stat")) && !change.IsFolder
		listed = listed || change.Kind == Listed && bytes.Equal(change.Name, []byte("below")) && change.IsFolder
	}
	if !written || !listed {
		t.Errorf("written %v, listed %v; want both told", written, listed)
	}
	for change := range watcher.Changes() {
		t.Errorf("%+v is told a second time", change)
	}
	watcher.Forget(watch)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for change := range watcher.Changes() {
		t.Errorf("%+v is told of a forgotten folder", change)
	}
}
