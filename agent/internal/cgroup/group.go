package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// The resources that pressure is told of.
const (
	CPUPressure = iota
	MemoryPressure
	IOPressure
	resources
)

// A Group is one control group whose files are read again and again. After
// Read, each part is what the kernel said last, or has an error.
//
// Not every file is read each time. A limit moves only when a program writes
// it, which the [Tree] is told of. The OOM kills of a group count in the group
// above as well, so where those stand, these do. Of nothing else is that true.
type Group struct {
	Path string
	ID   uint64 // the folder's inode: a new one is a new group

	CPU         CPU
	CPUErr      error
	Memory      Memory
	MemoryErr   error
	IO          []DeviceIO
	IOErr       error
	PIDs        PIDs
	PIDsErr     error
	Pressure    [resources]Stall
	PressureErr [resources]error

	fsys  hostfs.FS
	above *Group // the nearest group above that is read, nil at the top
	files [numFiles]groupFile
	doubt bool // a file was found by its name: it may be another group's
	// vanished are files that went and were there: the group is being removed,
	// file by file, or has lost a controller.
	vanished [numFiles]bool
	oomRest  bool // OOM kills have not moved since they were read before
}

// A groupFile is one file of a group.
type groupFile struct {
	reader hostfs.Reader
	absent error // why the group does not have it, as far as is known
	known  bool  // it was read before
	// written is true for a limit that may have been written since it was read.
	written bool
}

// file is an index of a group's files.
type file int

const (
	cpuStat file = iota
	memoryCurrent
	memoryStat
	memoryPeak
	ioStat
	pidsCurrent
	cpuPressure
	memoryPressure
	ioPressure
	memoryEvents
	swapCurrent
	cpuMax
	memoryMax
	pidsMax
	numFiles
)

// keep says which files stay open: those that are read nearly every time.
func (f file) keep() hostfs.Keep {
	if f <= ioPressure {
		return hostfs.KeepOpen
	}
	return hostfs.OpenEachTime
}

func (f file) String() string {
	return [numFiles]string{
		"cpu.stat", "memory.current", "memory.stat", "memory.peak", "io.stat", "pids.current",
		"cpu.pressure", "memory.pressure", "io.pressure", "memory.events", "memory.swap.current",
		"cpu.max", "memory.max", "pids.max",
	}[f]
}

// Sources says what a node has that is worth reading in its groups.
type Sources struct {
	Pressure bool // the kernel has pressure stall information
	IO       bool // it is known which devices count
	Swap     bool // there is swap space: without, nothing is in it
	// LocalEvents is true when memory.events counts the group's own events
	// only, which is a mount option.
	LocalEvents bool
}

// NewGroup returns the group at path. above is the nearest group above it that
// is read before it each time, nil if there is none.
func NewGroup(fsys hostfs.FS, path string, above *Group) (*Group, error) {
	id, err := fsys.Inode(path)
	if err != nil {
		return nil, err
	}
	g := &Group{Path: path, ID: id, fsys: fsys, above: above}
	for f := range numFiles {
		g.files[f].reader = fsys.Reader(path, f.String(), f.keep())
	}
	g.limitsWritten()
	return g, nil
}

// Close gives all descriptors back.
func (g *Group) Close() {
	for f := range g.files {
		g.files[f].reader.Close()
	}
}

// Reopen makes the next Read look for files that were not there, and read what
// does not have to be read.
func (g *Group) Reopen() {
	g.limitsWritten()
	for f := range g.files {
		g.files[f].absent = nil
		g.files[f].known = false
	}
}

// limitsWritten makes the next Read read the limits.
func (g *Group) limitsWritten() {
	for _, limit := range [...]file{cpuMax, memoryMax, pidsMax} {
		g.files[limit].written = true
	}
}

// Read brings the group up to date. It is false when the group is gone, or is
// going, which it can at any moment; then nothing of what was read counts, and
// [Tree.Gone] has to be told.
func (g *Group) Read(buf *hostfs.Buffer, sources Sources) bool {
	g.doubt, g.vanished, g.oomRest = false, [numFiles]bool{}, false
	g.readCPU(buf)
	g.readMemory(buf, sources)
	g.readPIDs(buf)
	if sources.IO {
		g.readIO(buf)
	}
	if sources.Pressure {
		for resource := range resources {
			g.readPressure(buf, resource)
		}
	}
	switch {
	case g.files[cpuStat].absent != nil: // only a removed group has none, since Linux 4.18
		return false
	case g.isGoing(buf):
		return false
	case !g.doubt:
		return true
	}
	id, err := g.fsys.Inode(g.Path)
	return err == nil && id == g.ID
}

// isGoing reports whether the kernel is removing the group, which it does file
// by file. A group that has only lost a controller tells so itself.
func (g *Group) isGoing(buf *hostfs.Buffer) bool {
	for f, vanished := range g.vanished {
		if vanished && g.has(buf, file(f)) {
			return true
		}
	}
	return false
}

// has reports whether the group should have a file.
func (g *Group) has(buf *hostfs.Buffer, f file) bool {
	g.doubt = true
	switch f {
	case cpuStat:
		return true
	case cpuPressure, memoryPressure, ioPressure:
		text, err := buf.Read(g.fsys.Reader(g.Path, "cgroup.pressure", hostfs.OpenEachTime))
		return err != nil || string(bytes.TrimSpace(text)) != "0"
	}
	controller, _, _ := strings.Cut(f.String(), ".")
	text, err := buf.Read(g.fsys.Reader(g.Path, "cgroup.controllers", hostfs.OpenEachTime))
	return err != nil || slices.Contains(ParseControllers(text), controller)
}

// text reads one file. What is not there is not looked for again until Reopen.
func (g *Group) text(buf *hostfs.Buffer, f file) ([]byte, error) {
	file := &g.files[f]
	if file.absent != nil {
		return nil, file.absent
	}
	if !file.reader.Kept() {
		g.doubt = true
	}
	wasThere := file.known
	text, err := buf.Read(file.reader)
	file.known = err == nil
	switch {
	case err == nil:
	case errors.Is(err, syscall.ENODEV):
		g.vanished[f] = true
		file.reader.Close()
	case errors.Is(err, fs.ErrNotExist):
		g.vanished[f] = wasThere
		file.absent = err
	}
	return text, err
}

// read reads a file that the group always has, if it has the controller, with
// one of the parsers.
func read[T any](g *Group, buf *hostfs.Buffer, f file, parse func([]byte) (T, error), to *T) error {
	text, err := g.text(buf, f)
	if err != nil {
		return err
	}
	value, err := parse(text)
	if err != nil {
		g.files[f].known = false
		return fmt.Errorf("parse %s/%s: %w", g.Path, f, err)
	}
	*to = value
	return nil
}

// readOptional is read for a file that not every group or kernel has.
func readOptional[T any](g *Group, buf *hostfs.Buffer, f file, parse func([]byte) (T, error), to *T) error {
	err := read(g, buf, f, parse, to)
	if err == nil {
		return nil
	}
	var unknown T
	*to = unknown
	if IsGone(err) {
		return nil
	}
	return err
}

// readLimit is readOptional for a file that only programs write. One that could
// not be read is read the next time.
func readLimit[T any](g *Group, buf *hostfs.Buffer, f file, parse func([]byte) (T, error), to *T) error {
	if !g.files[f].written {
		return nil
	}
	err := readOptional(g, buf, f, parse, to)
	g.files[f].written = err != nil
	return err
}

func (g *Group) readCPU(buf *hostfs.Buffer) {
	limit := g.CPU.Limit
	g.CPUErr = read(g, buf, cpuStat, ParseCPUStat, &g.CPU)
	g.CPU.Limit = limit
	if g.CPUErr == nil {
		g.CPUErr = readLimit(g, buf, cpuMax, parseCPUMax, &g.CPU.Limit)
	}
}

func (g *Group) readMemory(buf *hostfs.Buffer, sources Sources) {
	m := &g.Memory
	g.MemoryErr = read(g, buf, memoryCurrent, ParseNumber, &m.CurrentBytes)
	for _, part := range [...]func() error{
		func() error { return read(g, buf, memoryStat, ParseMemoryStat, &m.MemoryStat) },
		func() error { return readOptional(g, buf, memoryPeak, parseCount, &m.PeakBytes) },
		func() error { return g.readSwap(buf, sources) },
		func() error { return g.readOOMKills(buf, sources) },
		func() error { return readLimit(g, buf, memoryMax, parseLimit, &m.LimitBytes) },
	} {
		if g.MemoryErr == nil {
			g.MemoryErr = part()
		}
	}
	if g.MemoryErr != nil { // look again, even if the group above stands
		g.files[memoryEvents].known = false
	}
}

func parseCount(text []byte) (Count, error) {
	n, err := ParseNumber(text)
	return Count{n, err == nil}, err
}

func (g *Group) readSwap(buf *hostfs.Buffer, sources Sources) error {
	if g.files[swapCurrent].known && !sources.Swap && g.Memory.SwapBytes.Value == 0 {
		return nil // and 0 it is
	}
	return readOptional(g, buf, swapCurrent, parseCount, &g.Memory.SwapBytes)
}

func (g *Group) readOOMKills(buf *hostfs.Buffer, sources Sources) error {
	if g.files[memoryEvents].known && g.above != nil && g.above.oomRest && !sources.LocalEvents {
		g.oomRest = true
		return nil
	}
	known, before := g.files[memoryEvents].known, g.Memory.OOMKills
	err := readOptional(g, buf, memoryEvents, parseOOMKills, &g.Memory.OOMKills)
	g.oomRest = known && err == nil && g.files[memoryEvents].known && before == g.Memory.OOMKills
	return err
}

func (g *Group) readPIDs(buf *hostfs.Buffer) {
	g.PIDsErr = read(g, buf, pidsCurrent, ParseNumber, &g.PIDs.Current)
	if g.PIDsErr == nil {
		g.PIDsErr = readLimit(g, buf, pidsMax, parseLimit, &g.PIDs.Limit)
	}
}

// readPressure reads a pressure file. The group above does not tell whether it
// has to be: the kernel weighs the processors' stalls for each group by itself,
// so a group's total can move while that of the group above stands.
func (g *Group) readPressure(buf *hostfs.Buffer, resource int) {
	g.PressureErr[resource] = read(g, buf, cpuPressure+file(resource), ParseStall, &g.Pressure[resource])
}

// readIO reads io.stat, also where that of the group above stands: from Linux
// 6.2 to 6.9 a group's I/O reached only the group right above it.
func (g *Group) readIO(buf *hostfs.Buffer) {
	text, err := g.text(buf, ioStat)
	if err == nil {
		if g.IO, err = appendIO(g.IO[:0], text); err != nil {
			err = fmt.Errorf("parse %s/%s: %w", g.Path, ioStat, err)
		}
	}
	g.IOErr = err
}
