// Package hostfs is the agent's door to the node: its folders as file systems,
// its clock, the sizes of its mounts.
//
// Everything else in the agent reads through an fs.FS that this package opened,
// so that a captured tree and a live kernel are read by the same code. The
// package reads and reports; it parses nothing.
package hostfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// A Dir is the file system below one folder of the node.
//
// It is not an os.Root and not an os.DirFS: the agent reads thousands of kernel
// files a round, of which each reports the size 0, never blocks, and would be
// registered with the poller and asked for its size by the os package: nine
// system calls where four do. Symbolic links are followed, because sysfs is
// made of them; nobody but the kernel and the kubelet names what is read here.
type Dir struct{ path string }

// Open returns the file system below folder, or an error that names it when it
// is no folder that can be listed.
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
	return Dir{folder}, nil
}

// Sub returns the file system below a folder of d.
func (d Dir) Sub(folder string) (Dir, error) {
	name, err := d.real("open", folder)
	if err != nil {
		return Dir{}, err
	}
	return Open(name)
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
	real, err := d.real("open", name)
	if err != nil {
		return nil, err
	}
	fd, err := retry(func() (int, error) { return syscall.Open(real, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(fd)
	data, err := readAll(fd)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// readAll reads to the end, which a kernel file shows only by an empty read.
// Nearly every file fits the array, which is on the stack: one allocation, of
// the right size.
func readAll(fd int) ([]byte, error) {
	var page [4096]byte
	var data []byte
	used := 0
	for {
		n, err := retry(func() (int, error) { return syscall.Read(fd, page[used:]) })
		if err != nil {
			return nil, err
		}
		if used += n; n == 0 {
			return append(data, page[:used]...), nil
		}
		if used == len(page) {
			data = append(data, page[:]...)
			used = 0
		}
	}
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
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

// Inode returns the inode number of a file or folder of fsys, which tells two
// control groups of the same name apart, and two network namespaces.
func Inode(fsys fs.FS, name string) (uint64, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("inode of %s: %w", name, errors.ErrUnsupported)
	}
	return stat.Ino, nil
}
