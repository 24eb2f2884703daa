// Package table renders a snapshot as text for people.
//
// A snapshot has counters, not rates: what a heading calls CPU-SECONDS, READ or
// RX is the sum since the node, the pod or the container started. Bytes are
// written with binary suffixes. "-" is what the node did not say, which is not
// 0; "none" is a limit that is not set; "host" stands for the traffic of a pod
// that has none of its own because it is the node's.
//
// The package is pure: it writes to the writer that it is given and does
// nothing else. Names come from the node, so what a terminal would obey rather
// than show is replaced.
package table

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// Write renders s. Its error is that of w.
func Write(w io.Writer, s *snapshot.Snapshot) error {
	var text bytes.Buffer
	title(&text, s)
	host(&text, s.Host)
	topGroups(&text, s.Slices)
	pods(&text, s.Pods)
	containers(&text, s.Containers)
	warnings(&text, s.Warnings)
	_, err := w.Write(text.Bytes())
	return err
}

func title(w io.Writer, s *snapshot.Snapshot) {
	up := time.Duration(s.BootNanos).Truncate(time.Second)
	fmt.Fprintf(w, "%s at %s, up %v, cgroup %s", clean(s.Node), s.Time.UTC().Format(time.DateTime+" UTC"), up, clean(s.Agent.Cgroup.Mode))
	if s.Agent.Cgroup.Nested {
		fmt.Fprint(w, ", nested in another machine")
	}
	fmt.Fprintf(w, ", agent %s\nCounters are sums since the start of what they count, not rates; - is unknown.\n", clean(s.Agent.Version))
}

// A table is lines of cells below a heading.
type table struct {
	out  io.Writer
	tabs *tabwriter.Writer
}

// begin starts a table after an empty line.
func begin(w io.Writer, headings ...string) table {
	fmt.Fprintln(w)
	t := table{w, tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(headings...)
	return t
}

func (t table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = clean(cell)
	}
	fmt.Fprintln(t.tabs, strings.Join(cells, "\t"))
}

func (t table) end() { t.tabs.Flush() } // the buffer below takes everything

func host(w io.Writer, h snapshot.Host) {
	t := begin(w, "CPUS", "CPU-SECONDS", "USER", "SYSTEM", "IOWAIT", "STEAL", "LOAD")
	t.row(count(h.CPU.Count), seconds(h.CPU.UsageMicros), seconds(h.CPU.UserMicros), seconds(h.CPU.SystemMicros),
		seconds(h.CPU.IOWaitMicros), seconds(h.CPU.StealMicros), load(h.Load))
	t.end()
	m := h.Memory
	t = begin(w, "MEMORY-TOTAL", "AVAILABLE", "WORKING-SET", "RSS", "CACHE", "SWAP", "SWAP-FREE")
	t.row(size(m.TotalBytes), size(m.AvailableBytes), size(m.WorkingSetBytes), size(m.AnonBytes), size(m.FileBytes),
		size(m.SwapTotalBytes), size(m.SwapFreeBytes))
	t.end()
	disks(w, h.Disks)
	interfaces(w, h.Network)
	filesystems(w, h.Filesystems)
}

func disks(w io.Writer, disks []snapshot.Disk) {
	t := begin(w, "DISK", "DEVICE", "READ", "WRITTEN", "READ-OPS", "WRITE-OPS", "BUSY-SECONDS")
	for _, d := range disks {
		t.row(d.Name, d.Device, size(&d.ReadBytes), size(&d.WrittenBytes), number(&d.ReadOps), number(&d.WriteOps), seconds(&d.BusyMicros))
	}
	t.unknown(disks == nil)
	t.end()
}

func interfaces(w io.Writer, interfaces []snapshot.Interface) {
	t := begin(w, "NETWORK", "RX", "TX", "RX-PACKETS", "TX-PACKETS", "RX-ERRORS", "TX-ERRORS", "RX-DROPPED", "TX-DROPPED")
	for _, i := range interfaces {
		t.row(i.Interface, size(&i.RxBytes), size(&i.TxBytes), number(&i.RxPackets), number(&i.TxPackets),
			number(&i.RxErrors), number(&i.TxErrors), number(&i.RxDropped), number(&i.TxDropped))
	}
	t.unknown(interfaces == nil)
	t.end()
}

func filesystems(w io.Writer, filesystems []snapshot.Filesystem) {
	t := begin(w, "FILESYSTEM", "SIZE", "AVAILABLE", "INODES", "INODES-FREE")
	for _, f := range filesystems {
		t.row(f.Mount, size(&f.TotalBytes), size(&f.AvailableBytes), number(&f.TotalInodes), number(&f.FreeInodes))
	}
	t.unknown(filesystems == nil)
	t.end()
}

// unknown ends a list that could not be read with a line that says so.
func (t table) unknown(is bool) {
	if is {
		t.row(unknown)
	}
}

func warnings(w io.Writer, warnings []snapshot.Warning) {
	if len(warnings) == 0 {
		return
	}
	t := begin(w, "WARNING", "REASON")
	for _, warning := range warnings {
		t.row(warning.Source, warning.Reason)
	}
	t.end()
}

// clean replaces what is not for display: a name may hold any byte, also those
// that move a terminal's cursor.
func clean(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, text)
}
