package hostfs

import (
	"errors"
	"io/fs"
	"slices"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Reader reads one file of the node again and again.
type Reader interface {
	// Read reads the file from its start to its end, into buf as far as that
	// is long enough, and returns what it read.
	Read(buf []byte) ([]byte, error)
	// Kept reports whether the next Read uses a descriptor of an earlier one:
	// then it reads that very file, or fails with ENODEV or ESRCH, even if
	// another file has its name by now.
	Kept() bool
	// Inode is that of the file that Read opened last.
	Inode() uint64
	// Name is the file's path in its FS, for errors.
	Name() string
	// Close gives the descriptor back. The next Read opens the file anew.
	Close()
}

// Keep says whether a reader keeps its file open between two readings.
type Keep int

const (
	// OpenEachTime is for what is read now and then, and for files that must
	// not be held: an open /proc/PID/net/dev keeps the network namespace alive.
	OpenEachTime Keep = iota
	// KeepOpen is for what is read every time: one system call instead of four.
	KeepOpen
	// KeepOpenToEnd is KeepOpen for a file whose records can be long, as that
	// of a disk with many partitions in /proc/diskstats: only an empty read
	// shows its end.
	KeepOpenToEnd
)

// Descriptors bounds how many files are kept open. A kept kernel file costs
// some 6 kB of kernel memory, charged to the agent's own control group: the
// page that the kernel prints into, the inode, the name.
type Descriptors struct{ left atomic.Int64 }

// NewDescriptors allows so many kept files, but leaves a part of what the
// process may have open to everything else in it.
func NewDescriptors(most int) *Descriptors {
	const others = 256
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && limit.Cur < uint64(most)+others {
		most = max(0, int(limit.Cur)-others)
	}
	d := &Descriptors{}
	d.left.Store(int64(most))
	return d
}

// take reports whether one more file may be kept.
func (d *Descriptors) take() bool {
	if d == nil {
		return false
	}
	if d.left.Add(-1) < 0 {
		d.left.Add(1)
		return false
	}
	return true
}

func (d *Descriptors) giveBack() { d.left.Add(1) }

// closed is the descriptor of a file that is not open.
const closed = -1

// A File is the [Reader] of a [Dir].
type File struct {
	root, folder, name string
	fd                 int
	keep               Keep
	inode              uint64
	descriptors        *Descriptors
}

// Kept implements [Reader].
func (f *File) Kept() bool { return f.fd != closed }

// Inode implements [Reader].
func (f *File) Inode() uint64 { return f.inode }

// Name implements [Reader].
func (f *File) Name() string {
	if f.folder == "." {
		return f.name
	}
	return f.folder + "/" + f.name
}

// Close implements [Reader].
func (f *File) Close() {
	if f.fd != closed {
		syscall.Close(f.fd)
		f.fd = closed
		f.descriptors.giveBack()
	}
}

// Read implements [Reader].
func (f *File) Read(buf []byte) ([]byte, error) {
	if f.fd != closed {
		return f.readWhole(f.fd, buf)
	}
	fd, err := f.open()
	if err != nil {
		return nil, err
	}
	data, err := f.readOpened(fd, buf)
	if err == nil && f.keep != OpenEachTime && f.descriptors.take() {
		f.fd = fd
		return data, nil
	}
	syscall.Close(fd)
	return data, err
}

func (f *File) readOpened(fd int, buf []byte) ([]byte, error) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, f.error("stat", err)
	}
	f.inode = stat.Ino
	return f.readWhole(fd, buf)
}

// error is made only when there is one, so that a reading without errors
// allocates nothing.
func (f *File) error(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.Name(), Err: err}
}

const pageBytes = 4096

// readWhole reads a kernel file with one call where that is enough. The kernel
// prints as many whole records as fit a page; in the files that are read this
// way none comes near half a page, so who gets less than that has met the end.
func (f *File) readWhole(fd int, buf []byte) ([]byte, error) {
	if cap(buf) < pageBytes {
		buf = make([]byte, 0, pageBytes)
	}
	n, err := pread(fd, buf[:cap(buf)], 0)
	data := buf[:n]
	if err == nil && n > 0 && (n >= pageBytes/2 || f.keep == KeepOpenToEnd) {
		data, err = readToEnd(fd, data)
	}
	if err != nil {
		return nil, f.error("read", err)
	}
	return data, nil
}

// readToEnd appends the rest of a file to what was read of it. Only an empty
// read shows the end of a kernel file.
func readToEnd(fd int, data []byte) ([]byte, error) {
	for {
		data = slices.Grow(data, pageBytes)
		n, err := pread(fd, data[len(data):cap(data)], len(data))
		if err != nil || n == 0 {
			return data, err
		}
		data = data[:len(data)+n]
	}
}

// pread repeats the call when a signal interrupted it.
func pread(fd int, buf []byte, offset int) (int, error) {
	for {
		n, err := syscall.Pread(fd, buf, int64(offset))
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return 0, err
		}
	}
}

// longestPath is the kernel's PATH_MAX, the closing zero included.
const longestPath = 4096

// appendPath writes the file's path with a closing zero.
func (f *File) appendPath(path []byte) ([]byte, error) {
	path = append(append(path, f.root...), '/')
	if f.folder != "." {
		path = append(append(path, f.folder...), '/')
	}
	path = append(append(path, f.name...), 0)
	if len(path) > longestPath {
		return nil, f.error("open", syscall.ENAMETOOLONG)
	}
	return path, nil
}

// open opens the file for reading. It is openat without the copy of the path
// that package syscall makes on the heap each time.
func (f *File) open() (int, error) {
	var room [longestPath]byte
	path, err := f.appendPath(room[:0])
	if err != nil {
		return closed, err
	}
	for {
		fd, _, errno := syscall.Syscall6(unix.SYS_OPENAT, cwd(), uintptr(unsafe.Pointer(&path[0])),
			syscall.O_RDONLY|syscall.O_CLOEXEC|unix.O_LARGEFILE, 0, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EINTR:
		default:
			return closed, f.error("open", errno)
		}
	}
}

// lookUp returns the inode number of the file without opening it.
func (f *File) lookUp() (uint64, error) {
	var room [longestPath]byte
	path, err := f.appendPath(room[:0])
	if err != nil {
		return 0, err
	}
	var stat unix.Statx_t
	_, _, errno := syscall.Syscall6(unix.SYS_STATX, cwd(), uintptr(unsafe.Pointer(&path[0])),
		0, unix.STATX_INO, uintptr(unsafe.Pointer(&stat)), 0)
	if errno != 0 {
		return 0, f.error("stat", errno)
	}
	return stat.Ino, nil
}

// cwd makes relative paths relative to the working directory.
func cwd() uintptr {
	at := unix.AT_FDCWD
	return uintptr(at)
}

// A Buffer is what files are read into, one after the other.
type Buffer struct{ bytes []byte }

// Read returns what r reads, valid until the next Read.
func (b *Buffer) Read(r Reader) ([]byte, error) {
	data, err := r.Read(b.bytes[:0])
	if cap(data) > cap(b.bytes) {
		b.bytes = data[:0]
	}
	return data, err
}
