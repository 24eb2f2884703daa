package hostfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Watcher tells what changed in the folders that are watched, by inotify. It
// is asked, it does not interrupt: nothing runs between two readings.
//
// The kernel reports what programs do in a folder of the cgroup2 mount: make
// and remove groups, write a limit. What the kernel itself counts in the files
// it does not report.
type Watcher struct {
	fd     int
	events []byte
}

// NewWatcher returns an error when the node's share of inotify instances is
// used up (fs.inotify.max_user_instances).
func NewWatcher() (*Watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch folders: %w", err)
	}
	return &Watcher{fd: fd, events: make([]byte, 16<<10)}, nil
}

// Close ends all watching. Another Close does nothing.
func (w *Watcher) Close() {
	if w.fd != closed {
		syscall.Close(w.fd)
		w.fd = closed
	}
}

// add watches a folder. A folder that is watched already keeps its number.
func (w *Watcher) add(folder string) (int, error) {
	const mask = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_MODIFY | unix.IN_ONLYDIR
	watch, err := unix.InotifyAddWatch(w.fd, folder, mask)
	if err != nil {
		return 0, fmt.Errorf("watch %s: %w", folder, err)
	}
	return watch, nil
}

// Forget ends the watching of one folder. One that was removed is forgotten
// already.
func (w *Watcher) Forget(watch int) { unix.InotifyRmWatch(w.fd, uint32(watch)) }

// A Change is something that happened in a watched folder.
type Change struct {
	Watch int    // the number of the folder
	Name  []byte // of the file or folder in it, valid until the next change
	// IsFolder is true when that is a folder.
	IsFolder bool
	Kind     ChangeKind
}

// ChangeKind is what happened.
type ChangeKind int

// The kinds of changes.
const (
	Listed  ChangeKind = iota // a name appeared or went
	Written                   // a program wrote to the file
	Lost                      // there were too many changes: anything may have happened
)

// Changes yields what happened since it was last asked.
func (w *Watcher) Changes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for {
			n, err := unix.Read(w.fd, w.events)
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil || n <= 0 {
				return // EAGAIN: nothing more happened
			}
			if !yieldChanges(w.events[:n], yield) {
				return
			}
		}
	}
}

// yieldChanges decodes what inotify(7) calls struct inotify_event: watch, mask,
// cookie, the length of a name that is padded with zeros, the name. It is false
// when no more changes are wanted. What is cut off may have told of anything.
func yieldChanges(events []byte, yield func(Change) bool) bool {
	const header = unix.SizeofInotifyEvent
	for len(events) > 0 {
		if len(events) < header {
			return yield(Change{Kind: Lost})
		}
		mask := binary.NativeEndian.Uint32(events[4:])
		length := uint64(binary.NativeEndian.Uint32(events[12:]))
		if length > uint64(len(events)-header) {
			return yield(Change{Kind: Lost})
		}
		name, _, _ := bytes.Cut(events[header:header+length], []byte{0})
		change := Change{Watch: int(int32(binary.NativeEndian.Uint32(events))), Name: name, IsFolder: mask&unix.IN_ISDIR != 0}
		events = events[header+length:]
		switch {
		case mask&unix.IN_Q_OVERFLOW != 0:
			change.Kind = Lost
		case mask&unix.IN_IGNORED != 0:
			continue // the folder is gone; its parent tells
		case mask&unix.IN_MODIFY != 0:
			change.Kind = Written
		}
		if !yield(change) {
			return false
		}
	}
	return true
}
