package cgroup

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
)

// A node is a folder of control groups whose readings are counted, and can be
// made to fail as only a kernel's do.
type node struct {
	hostfs.Dir
	reads map[string]int   // by name
	fails map[string]error // by name
}

// newNode allows so many kept files.
func newNode(t *testing.T, kept int) *node {
	t.Helper()
	dir := groups(t).Keeping(hostfs.NewDescriptors(kept))
	return &node{dir, make(map[string]int), make(map[string]error)}
}

func (n *node) Reader(folder, name string, keep hostfs.Keep) hostfs.Reader {
	return &nodeReader{n.Dir.Reader(folder, name, keep), n}
}

type nodeReader struct {
	hostfs.Reader
	node *node
}

func (r *nodeReader) Read(buf []byte) ([]byte, error) {
	r.node.reads[r.Name()]++
	if err := r.node.fails[r.Name()]; err != nil {
		return nil, &fs.PathError{Op: "read", Path: r.Name(), Err: err}
	}
	return r.Reader.Read(buf)
}

// readsOf is how often a file was read since it was asked before.
func (n *node) readsOf(group string, f file) int {
	name := group + "/" + f.String()
	defer delete(n.reads, name)
	return n.reads[name]
}

func (n *node) real(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(n.String(), name)
}

func (n *node) write(t *testing.T, group string, f file, text string) {
	t.Helper()
	if err := os.WriteFile(n.real(t, group+"/"+f.String()), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (n *node) remove(t *testing.T, group string, f file) {
	t.Helper()
	if err := os.Remove(n.real(t, group+"/"+f.String())); err != nil {
		t.Fatal(err)
	}
}

// make makes a group with all its files, whose numbers are made of by.
func (n *node) make(t *testing.T, group string, by uint64) {
	t.Helper()
	if err := os.MkdirAll(n.real(t, group), 0o755); err != nil {
		t.Fatal(err)
	}
	for f, text := range texts(by) {
		n.write(t, group, f, text)
	}
}

// replace puts another group in the place of one, which lives on elsewhere so
// that their inodes differ, as they do in a kernel.
func (n *node) replace(t *testing.T, group string, by uint64) {
	t.Helper()
	if err := os.Rename(n.real(t, group), filepath.Join(t.TempDir(), "old")); err != nil {
		t.Fatal(err)
	}
	n.make(t, group, by)
}

// failAll makes all readings of a group fail as the kernel fails those of files
// that were kept open when their group was removed.
func (n *node) failAll(group string) {
	for f := range numFiles {
		n.fails[group+"/"+f.String()] = syscall.ENODEV
	}
}

// group returns the group of a folder and reads nothing.
func (n *node) group(t *testing.T, path string, above *Group) *Group {
	t.Helper()
	g, err := NewGroup(n, path, above)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// texts are the files of a group.
func texts(by uint64) map[file]string {
	pressure := fmt.Sprintf("some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n", 6*by, 5*by)
	return map[file]string{
		cpuStat:       fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec %d\nnr_periods %d\nnr_throttled %d\nthrottled_usec %d\n", 9*by, 5*by, 4*by, 3*by, 2*by, by),
		memoryCurrent: fmt.Sprintf("%d\n", 40*by),
		memoryStat:    fmt.Sprintf("anon %d\nfile %d\ninactive_file %d\n", 20*by, 15*by, 10*by),
		memoryPeak:    fmt.Sprintf("%d\n", 50*by),
		ioStat:        fmt.Sprintf("8:0 rbytes=%d wbytes=%d rios=%d wios=%d\n", 80*by, 90*by, 8*by, 9*by),
		pidsCurrent:   fmt.Sprintf("%d\n", by),
		cpuPressure:   pressure, memoryPressure: pressure, ioPressure: pressure,
		memoryEvents: fmt.Sprintf("low 0\noom_kill %d\n", 3*by),
		swapCurrent:  fmt.Sprintf("%d\n", 6*by),
		cpuMax:       fmt.Sprintf("%d 100000\n", 100*by),
		memoryMax:    fmt.Sprintf("%d\n", 100*by),
		pidsMax:      fmt.Sprintf("%d\n", 10*by),
	}
}

// numbers are what a group says.
type numbers struct {
	CPU      CPU
	Memory   Memory
	IO       []DeviceIO
	PIDs     PIDs
	Pressure [resources]Stall
}

func numbersOf(g *Group) numbers { return numbers{g.CPU, g.Memory, g.IO, g.PIDs, g.Pressure} }

// wantNumbers are those of texts.
func wantNumbers(by uint64) numbers {
	stall := Stall{6 * by, Count{5 * by, true}}
	return numbers{
		CPU: CPU{
			UsageMicros: 9 * by, UserMicros: 5 * by, SystemMicros: 4 * by,
			Periods: Count{3 * by, true}, ThrottledPeriods: Count{2 * by, true}, ThrottledMicros: Count{by, true},
			Limit: Bandwidth{float64(by), true},
		},
		Memory: Memory{
			CurrentBytes: 40 * by, MemoryStat: MemoryStat{20 * by, 15 * by, 10 * by},
			SwapBytes: Count{6 * by, true}, PeakBytes: Count{50 * by, true},
			LimitBytes: Count{100 * by, true}, OOMKills: Count{3 * by, true},
		},
		IO:       []DeviceIO{{Device{8, 0}, 80 * by, 90 * by, 8 * by, 9 * by}},
		PIDs:     PIDs{by, Count{10 * by, true}},
		Pressure: [resources]Stall{stall, stall, stall},
	}
}

// errorsOf are a group's errors, by what they are of.
func errorsOf(g *Group) map[string]error {
	errs := map[string]error{
		"cpu": g.CPUErr, "memory": g.MemoryErr, "io": g.IOErr, "pids": g.PIDsErr,
		"cpu.pressure": g.PressureErr[CPUPressure], "memory.pressure": g.PressureErr[MemoryPressure], "io.pressure": g.PressureErr[IOPressure],
	}
	maps.DeleteFunc(errs, func(_ string, err error) bool { return err == nil })
	return errs
}

// partsOf is whose error a file's is.
func partsOf() map[file]string {
	return map[file]string{
		cpuStat: "cpu", cpuMax: "cpu", memoryCurrent: "memory", memoryStat: "memory", memoryPeak: "memory",
		memoryEvents: "memory", swapCurrent: "memory", memoryMax: "memory", ioStat: "io", pidsCurrent: "pids",
		pidsMax: "pids", cpuPressure: "cpu.pressure", memoryPressure: "memory.pressure", ioPressure: "io.pressure",
	}
}

// everything is a node that has all there is.
var everything = Sources{Pressure: true, IO: true, Swap: true}
