package record

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"
)

// maxProblems bounds ERRORS.
const maxProblems = 10_000

// An archive is a recording that is being written. After its first error it
// does nothing more.
type archive struct {
	tar     *tar.Writer
	zip     *gzip.Writer
	at      time.Time
	left    limits
	stopped func() error
	// linkedTo has the name of the first file of each inode that was recorded
	// with its links.
	linkedTo map[fileID]string
	problems []string
	err      error
}

type fileID struct{ device, inode uint64 }

func newArchive(w io.Writer, at time.Time, most limits, stopped func() error) *archive {
	zip := gzip.NewWriter(w)
	return &archive{tar: tar.NewWriter(zip), zip: zip, at: at, left: most, stopped: stopped, linkedTo: make(map[fileID]string)}
}

// close writes what was not readable and ends the archive.
func (a *archive) close() error {
	if len(a.problems) > 0 {
		a.put(errorsFile, []byte(strings.Join(a.problems, "\n")+"\n"))
	}
	if a.err != nil {
		return a.err
	}
	if err := a.tar.Close(); err != nil {
		return err
	}
	return a.zip.Close()
}

// add writes one entry.
func (a *archive) add(header *tar.Header, data []byte) {
	if a.err == nil {
		a.err = a.stopped()
	}
	// An entry takes its header, another with a long name, and whole blocks.
	const overhead = 4 << 10
	a.left.entries--
	a.left.bytes -= int64(len(data)) + overhead
	if a.err == nil && (a.left.entries < 0 || a.left.bytes < 0) {
		a.err = fmt.Errorf("the node at %s: %w to be recorded", header.Name, errTooBig)
	}
	if a.err != nil {
		return
	}
	header.ModTime, header.Mode, header.Size = a.at, 0o600, int64(len(data))
	if header.Typeflag == tar.TypeDir {
		header.Mode = 0o700
	}
	if a.err = a.tar.WriteHeader(header); a.err == nil {
		_, a.err = a.tar.Write(data)
	}
}

// put writes a file.
func (a *archive) put(name string, data []byte) {
	a.add(&tar.Header{Typeflag: tar.TypeReg, Name: name}, data)
}

// folder writes a folder.
func (a *archive) folder(name string) {
	a.add(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/"}, nil)
}

// name writes a folder, or a file of which only the name is told.
func (a *archive) name(part, name string, folder bool) {
	if name = path.Join(part, name); folder {
		a.folder(name)
	} else {
		a.put(name, nil)
	}
}

// file copies a file, if it is there.
func (a *archive) file(fsys fs.FS, part, name string) {
	data, err := fs.ReadFile(fsys, name)
	recorded := path.Join(part, name)
	switch {
	case err != nil:
		a.problem(recorded, err)
	case int64(len(data)) > a.left.fileBytes:
		a.problem(recorded, fmt.Errorf("%d bytes: %w", len(data), errTooBig))
	default:
		a.put(recorded, data)
	}
}

// linked copies a file that may have several names. All but the first become
// links, of which the content is not read.
func (a *archive) linked(fsys fs.FS, part, name string) {
	recorded := path.Join(part, name)
	info, err := fs.Stat(fsys, name)
	if err != nil {
		a.problem(recorded, err)
		return
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		a.file(fsys, part, name)
		return
	}
	id := fileID{stat.Dev, stat.Ino}
	if first, seen := a.linkedTo[id]; seen {
		a.add(&tar.Header{Typeflag: tar.TypeLink, Name: recorded, Linkname: first}, nil)
		return
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		a.problem(recorded, err)
		return
	}
	a.put(recorded, data)
	a.linkedTo[id] = recorded
}

// symlink copies a symbolic link and returns the name to which it leads, "" when
// that is not in fsys. What is no link is where it is.
func (a *archive) symlink(fsys fs.FS, part, name string) string {
	target, err := fs.ReadLink(fsys, name)
	if err != nil {
		info, err := fs.Stat(fsys, name)
		if err != nil {
			a.problem(path.Join(part, name), err)
			return ""
		}
		a.name(part, name, info.IsDir())
		return name
	}
	leadsTo := path.Join(path.Dir(name), target)
	if path.IsAbs(target) || !fs.ValidPath(leadsTo) {
		a.problem(path.Join(part, name), fmt.Errorf("a link to %s, outside of %s", target, part))
		return ""
	}
	a.add(&tar.Header{Typeflag: tar.TypeSymlink, Name: path.Join(part, name), Linkname: target}, nil)
	return leadsTo
}

// list lists a folder, if it is there.
func (a *archive) list(fsys fs.FS, part, name string) []fs.DirEntry {
	entries, err := fs.ReadDir(fsys, name)
	if err != nil {
		a.problem(path.Join(part, name), err)
	}
	return entries
}

// folderOf writes a folder, if it is there, and lists what is in it.
func (a *archive) folderOf(fsys fs.FS, part, name string) []fs.DirEntry {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		a.problem(path.Join(part, name), err)
		return nil
	}
	if !info.IsDir() {
		return nil
	}
	a.name(part, name, true)
	return a.list(fsys, part, name)
}

// problem notes that something could not be read, unless it is just not there:
// no kernel has every file, and processes and groups end.
func (a *archive) problem(recorded string, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.ENOTDIR) {
		return
	}
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if len(a.problems) < maxProblems {
		a.problems = append(a.problems, fmt.Sprintf("%q: %v", recorded, err))
	}
}
