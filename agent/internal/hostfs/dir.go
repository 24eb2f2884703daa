// Package hostfs is the agent's door to the node: its folders as file systems,
// files that are read again and again, folders that are watched, its clock, the
// sizes of its mounts.
//
// Everything else in the agent reads through an [FS] that this package opened,
// so that a captured tree and a live kernel are read by the same code. The
// package reads and reports; it parses nothing.
package hostfs

import (
	"io/fs"
	"os"
	"syscall"
)

// An FS is one folder of the node with all that is below it. [Dir] is the one
// there is; tests put faults in front of it that no file on a disk can have.
type FS interface {
	fs.ReadDirFS
	fs.StatFS
	fs.ReadLinkFS
	// Reader returns a reader of the file of that name in a folder, "." for the
	// FS itself. Nothing is opened yet.
	Reader(folder, name string, keep Keep) Reader
	// Inode returns the inode number of a file or folder, which tells two
	// control groups of the same name apart, and two network namespaces.
	Inode(name string) (uint64, error)
	// Watch makes w tell of changes in a folder, by the number returned.
	Watch(w *Watcher, folder string) (int, error)
}

// A Dir is the file system below one folder of the node.
//
// It is not an os.Root and not an os.DirFS: the agent reads thousands of kernel
// files a round, of which each reports the size 0, never blocks, and would be
// registered with the poller and asked for its size by the os package: nine
// system calls where one to four do. Symbolic links are followed, because sysfs
// is made of them; nobody but the kernel and the kubelet names what is read
// here.
type Dir struct {
	path        string
	descriptors *Descriptors
}

// Open returns the file system below folder, or an error that names it when it
// is no folder that can be listed. Its readers keep no files open.
func Open(folder string) (Dir, error) {
	f, err := os.Open(folder)
	if err != nil {
		return Dir{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Dir{}, err
	}
	if !info.IsDir() {
		return Dir{}, &fs.PathError{Op: "open", Path: folder, Err: syscall.ENOTDIR}
	}
	return Dir{path: folder}, nil
}

// Keeping returns d with readers that may keep files open, as many as
// descriptors allows.
func (d Dir) Keeping(descriptors *Descriptors) Dir {
	d.descriptors = descriptors
	return d
}

// Sub returns the file system below a folder of d.
func (d Dir) Sub(folder string) (Dir, error) {
	name, err := d.real("open", folder)
	if err != nil {
		return Dir{}, err
	}
	below, err := Open(name)
	return below.Keeping(d.descriptors), err
}

// String is the folder's path on this machine.
func (d Dir) String() string { return d.path }

// real is the path on this machine of a name in d.
func (d Dir) real(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return d.path, nil
	}
	return d.path + "/" + name, nil
}

// Open implements fs.FS.
func (d Dir) Open(name string) (fs.File, error) {
	real, err := d.real("open", name)
	if err != nil {
		return nil, err
	}
	return os.Open(real)
}

// ReadFile implements fs.ReadFileFS.
func (d Dir) ReadFile(name string) ([]byte, error) {
	if _, err := d.real("open", name); err != nil {
		return nil, err
	}
	f := File{root: d.path, folder: ".", name: name, fd: closed}
	fd, err := f.open()
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	data, err := readToEnd(fd, make([]byte, 0, pageBytes))
	if err != nil {
		return nil, f.error("read", err)
	}
	return data, nil
}

// ReadDir implements fs.ReadDirFS.
func (d Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	real, err := d.real("open", name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(real)
}

// Stat implements fs.StatFS.
func (d Dir) Stat(name string) (fs.FileInfo, error) {
	real, err := d.real("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(real)
}

// Lstat and ReadLink implement fs.ReadLinkFS.
func (d Dir) Lstat(name string) (fs.FileInfo, error) {
	real, err := d.real("lstat", name)
	if err != nil {
		return nil, err
	}
	return os.Lstat(real)
}

// ReadLink implements fs.ReadLinkFS.
func (d Dir) ReadLink(name string) (string, error) {
	real, err := d.real("readlink", name)
	if err != nil {
		return "", err
	}
	return os.Readlink(real)
}

// Watch implements [FS].
func (d Dir) Watch(w *Watcher, folder string) (int, error) {
	real, err := d.real("watch", folder)
	if err != nil {
		return 0, err
	}
	return w.add(real)
}

// Reader implements [FS].
func (d Dir) Reader(folder, name string, keep Keep) Reader {
	return &File{root: d.path, folder: folder, name: name, fd: closed, keep: keep, descriptors: d.descriptors}
}

// Inode implements [FS].
func (d Dir) Inode(name string) (uint64, error) {
	f := File{root: d.path, folder: ".", name: name}
	return f.lookUp()
}
