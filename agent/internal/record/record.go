// Package record writes down one moment of a node and plays it back, so that
// somebody elsewhere sees what the agent saw.
//
// [Write] copies what the collector reads into an archive; [Open] unpacks one
// into a folder of its own, which the collector then reads like a node. The
// archive is a tar, compressed with gzip, that ordinary tools open:
//
//	node.json               the [Moment]: clocks and sizes, which no file tells
//	ERRORS                  a line for each file that could not be read
//	proc/ sys/ cgroup/      the node's kernel files, by the names they had
//	podlogs/ containerlogs/ the names in the kubelet's log folders, as empty files
//
// Only the files that nodefiles.go lists are recorded: no command line, no
// environment, no log, nothing of any process's memory. A file that vanishes
// meanwhile is left out, as it is from a snapshot; one that cannot be read is
// left out and named in ERRORS. Links stay links: that two processes have one
// /proc/PID/net/dev shows that they share a network namespace.
//
// Archives are bounded in number and size of what they hold, when they are
// written and when they are opened. An archive that is damaged, or made to do
// harm, gives an error that names the entry, and leaves nothing behind.
package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// version is that of the archive's layout. Open refuses any other.
const version = 1

// The names in an archive.
const (
	momentFile = "node.json"
	errorsFile = "ERRORS"

	procFolder          = "proc"
	sysFolder           = "sys"
	cgroupFolder        = "cgroup"
	podLogsFolder       = "podlogs"
	containerLogsFolder = "containerlogs"
)

// A Moment is what was true of a node when it was recorded and stands in no
// file.
type Moment struct {
	Version   int       `json:"version"`
	Agent     string    `json:"agent"` // version of the program that recorded
	Node      string    `json:"node"`
	Time      time.Time `json:"time"`
	BootNanos int64     `json:"bootNanos"` // CLOCK_BOOTTIME
	PageBytes uint64    `json:"pageBytes"`
	// Mounts are the file systems that were measured. Nil means that the node
	// was itself a copy, which has none.
	Mounts []Mount `json:"mounts,omitzero"`
}

// A Mount is a file system as statfs counted it, or the error of asking.
type Mount struct {
	snapshot.Filesystem
	Error string `json:"error,omitempty"`
}

// A Source is a node to record. The folders are those of a collect.Node: Cgroup
// is nil on a node with cgroup v1 only, the log folders where there are none.
type Source struct {
	Moment        Moment
	Proc, Sys     fs.FS
	Cgroup        fs.FS
	PodLogs       fs.FS
	ContainerLogs fs.FS
}

// limits bound an archive.
type limits struct {
	entries   int   // files, folders and links
	bytes     int64 // of the uncompressed archive
	fileBytes int64
}

// defaultLimits leave room for a node of 10,000 control groups and as many
// processes, ten times over in bytes.
func defaultLimits() limits {
	return limits{entries: 400_000, bytes: 1 << 30, fileBytes: 16 << 20}
}

// Write writes an archive of the node to w. Its error is one of writing, the
// context's, or that the node is too big to be recorded; what of the node could
// not be read is in the archive.
func Write(ctx context.Context, w io.Writer, source Source) error {
	return write(ctx, w, source, defaultLimits())
}

func write(ctx context.Context, w io.Writer, source Source, most limits) error {
	source.Moment.Version = version
	moment, err := json.MarshalIndent(source.Moment, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", momentFile, err)
	}
	a := newArchive(w, source.Moment.Time, most, ctx.Err)
	a.put(momentFile, append(moment, '\n'))
	a.proc(source.Proc)
	a.sys(source.Sys)
	a.cgroup(source.Cgroup)
	a.names(source.PodLogs, podLogsFolder)
	a.names(source.ContainerLogs, containerLogsFolder)
	if err := a.close(); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return nil
}

// errTooBig is the error of an archive beyond the limits.
var errTooBig = errors.New("too big")
