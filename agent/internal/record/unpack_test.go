package record

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const goodMoment = `{"version":1,"node":"node1","time":"2026-01-02T03:04:05Z","bootNanos":1,"pageBytes":4096}`

// pack makes an archive of the entries of a good one, and of more.
func pack(t testing.TB, moment string, more ...tar.Header) []byte {
	t.Helper()
	good := []tar.Header{{Name: momentFile, Size: int64(len(moment))}, folder("proc/"), folder("sys/"), folder("cgroup/")}
	return compress(t, tarOf(t, moment, append(good, more...)...))
}

func tarOf(t testing.TB, moment string, entries ...tar.Header) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, header := range entries {
		header.Mode = 0o7777
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		content := bytes.Repeat([]byte("x"), int(header.Size))
		if header.Name == momentFile {
			content = []byte(moment)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func compress(t testing.TB, content []byte) []byte {
	t.Helper()
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	_, err := zip.Write(content)
	if err := errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	return compressed.Bytes()
}

func folder(name string) tar.Header             { return tar.Header{Typeflag: tar.TypeDir, Name: name} }
func file(name string, size int64) tar.Header   { return tar.Header{Name: name, Size: size} }
func symlink(name, target string) tar.Header    { return link(tar.TypeSymlink, name, target) }
func hardLink(name, existing string) tar.Header { return link(tar.TypeLink, name, existing) }
func link(kind byte, name, to string) tar.Header {
	return tar.Header{Typeflag: kind, Name: name, Linkname: to}
}

// TestOpenRefuses has archives that are damaged or made to do harm: a clear
// error, and nothing left, neither in the temporary folder nor beside it.
func TestOpenRefuses(t *testing.T) {
	good := pack(t, goodMoment)
	tests := map[string]struct {
		archive []byte
		want    string
	}{
		"empty":                      {nil, "EOF"},
		"no archive":                 {[]byte("kubemon"), "EOF"},
		"text":                       {bytes.Repeat([]byte("kubemon"), 100), "gzip: invalid header"},
		"cut short":                  {good[:len(good)-20], "unexpected EOF"},
		"damaged":                    {append(bytes.Clone(good[:len(good)-8]), 1, 2, 3, 4, 5, 6, 7, 8), "gzip: invalid checksum"},
		"moment is empty":            {pack(t, ""), "decode node.json"},
		"moment is no JSON":          {pack(t, "node1"), "decode node.json"},
		"another archive":            {compress(t, tarOf(t, "", folder("home/"))), "it has no folder proc"},
		"no moment":                  {compress(t, tarOf(t, "", folder("proc/"), folder("sys/"), folder("cgroup/"))), "node.json: no such file"},
		"another version":            {pack(t, strings.Replace(goodMoment, `"version":1`, `"version":2`, 1)), "version 2, this program knows 1"},
		"no clock":                   {pack(t, strings.Replace(goodMoment, `"bootNanos":1`, `"bootNanos":0`, 1)), "lacks one of node, time, bootNanos"},
		"a name that leads out":      {pack(t, goodMoment, file("../evil", 1)), `"../evil": not a name`},
		"an absolute name":           {pack(t, goodMoment, file("/tmp/evil", 1)), `"/tmp/evil": not a name`},
		"a name that is not clean":   {pack(t, goodMoment, file("proc/../../evil", 1)), "not a name"},
		"a name without end":         {pack(t, goodMoment, file(strings.Repeat("a/", 3000)+"b", 1)), "not a name"},
		"a name twice":               {pack(t, goodMoment, file("proc/a", 1), file("proc/a", 1)), "file exists"},
		"a file below a file":        {pack(t, goodMoment, file("proc/a", 1), file("proc/a/b", 1)), "file exists"},
		"a device":                   {pack(t, goodMoment, tar.Header{Typeflag: tar.TypeChar, Name: "proc/null"}), "want a file, a folder or a link"},
		"a pipe":                     {pack(t, goodMoment, tar.Header{Typeflag: tar.TypeFifo, Name: "proc/pipe"}), "want a file, a folder or a link"},
		"an absolute link":           {pack(t, goodMoment, symlink("proc/etc", "/etc")), `"proc/etc", a link to "/etc"`},
		"a link that leads out":      {pack(t, goodMoment, symlink("sys/a", "../../..")), "escapes"},
		"links that lead out":        {pack(t, goodMoment, symlink("sys/b/c/d", "../../.."), symlink("sys/b/c/e", "d/../..")), "escapes"},
		"a file through a link":      {pack(t, goodMoment, symlink("sys/a", "../proc"), file("sys/a/b", 1)), "file exists"},
		"a link through a link":      {pack(t, goodMoment, symlink("sys/a/b", "../.."), symlink("sys/a/b/c", "../../..")), "file exists"},
		"a circle of links":          {pack(t, goodMoment, symlink("sys/a", "b"), symlink("sys/b", "a")), "too many"},
		"a hard link that leads out": {pack(t, goodMoment, hardLink("proc/passwd", "../../../../etc/passwd")), "escapes"},
		"a hard link to nothing":     {pack(t, goodMoment, hardLink("proc/a", "proc/b")), "no such file"},
		"a big file":                 {pack(t, goodMoment, file("proc/big", 5001)), `"proc/big": too big`},
		"many bytes":                 {pack(t, goodMoment, file("proc/1", 5000), file("proc/2", 5000), file("proc/3", 5000), file("proc/4", 5000)), "too big"},
		"many entries":               {pack(t, goodMoment, slices.Repeat([]tar.Header{folder("proc/a")}, 20)...), "too big"},
	}
	most := limits{entries: 20, bytes: 20_000, fileBytes: 5000}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			around := t.TempDir()
			inside := filepath.Join(around, "a/b")
			if err := os.MkdirAll(inside, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("TMPDIR", inside)
			archive := filepath.Join(t.TempDir(), "node.tar.gz")
			writeFile(t, archive, string(tests[name].archive))
			recording, err := open(t.Context(), archive, most)
			if err == nil {
				recording.Close()
				t.Fatal("the archive was opened")
			}
			if !strings.Contains(err.Error(), archive+" is no recording") || !strings.Contains(err.Error(), tests[name].want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want one line with the file's name and %q", err, tests[name].want)
			}
			wantNothingIn(t, inside)
			if beside, err := filepath.Glob(around + "/*"); err != nil || len(beside) != 1 {
				t.Errorf("beside the folder: %q, %v", beside, err)
			}
		})
	}
}

func TestOpenTakesWhatIsSound(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	archive := filepath.Join(t.TempDir(), "node.tar.gz")
	writeFile(t, archive, string(pack(t, goodMoment,
		symlink("sys/class/net/eth0", "../../devices/eth0"), file("sys/devices/eth0/x", 1), symlink("sys/class/net/gone", "../../devices/gone"))))
	recording, err := Open(t.Context(), archive)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(recording.Sys(), "class/net/eth0/x"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file behind the link: %v, %v; want one that its owner alone may read", info, err)
	}
	if err := recording.Close(); err != nil {
		t.Error(err)
	}
	wantNothingIn(t, os.TempDir())
}

func TestOpenEnds(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	archive := filepath.Join(t.TempDir(), "node.tar.gz")
	writeFile(t, archive, string(pack(t, goodMoment)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, archive); !errors.Is(err, context.Canceled) {
		t.Errorf("Open after the end of its context: %v", err)
	}
	wantNothingIn(t, os.TempDir())
	if _, err := Open(t.Context(), archive+".gone"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a missing file: %v", err)
	}
}

// FuzzOpen feeds tar archives: whatever is in them, what is unpacked is gone
// after Close, and nothing is written elsewhere.
func FuzzOpen(f *testing.F) {
	good := []tar.Header{{Name: momentFile, Size: int64(len(goodMoment))}, folder("proc/"), folder("sys/"), folder("cgroup/")}
	f.Add(tarOf(f, goodMoment, good...))
	f.Add(tarOf(f, goodMoment, append(good, file("proc/a", 1), hardLink("proc/b", "proc/a"), symlink("sys/a", "b/../.."))...))
	f.Fuzz(func(t *testing.T, content []byte) {
		around := t.TempDir()
		inside := filepath.Join(around, "inside")
		if err := os.Mkdir(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", inside)
		name := filepath.Join(around, "archive")
		writeFile(t, name, string(compress(t, content)))
		recording, err := open(t.Context(), name, limits{entries: 100, bytes: 1 << 20, fileBytes: 1 << 18})
		if err == nil {
			if err := recording.Close(); err != nil {
				t.Error(err)
			}
		}
		wantNothingIn(t, inside)
		if beside, err := os.ReadDir(around); err != nil || len(beside) != 2 {
			t.Errorf("beside the folder: %v, %v", beside, err)
		}
	})
}
