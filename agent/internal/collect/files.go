package collect

import (
	"fmt"

	"github.com/kubemon/kubemon/agent/internal/hostfs"
	"github.com/kubemon/kubemon/agent/internal/procfs"
)

// hostFiles are the files that are read of the node as a whole.
type hostFiles struct {
	stat, meminfo, loadavg hostfs.Reader
	pressure               [3]hostfs.Reader // of CPU, memory and IO, in this order
	netdev, diskstats      table

	// The root control group's; nil without a cgroup2 mount.
	cpuStat, memoryStat, memoryCurrent hostfs.Reader
	rootPressure                       [3]hostfs.Reader
}

func newHostFiles(node Node) hostFiles {
	proc := func(folder, name string) hostfs.Reader { return node.Proc.Reader(folder, name, hostfs.KeepOpen) }
	f := hostFiles{
		stat: proc(".", "stat"), meminfo: proc(".", "meminfo"), loadavg: proc(".", "loadavg"),
		pressure:  [3]hostfs.Reader{proc("pressure", "cpu"), proc("pressure", "memory"), proc("pressure", "io")},
		netdev:    table{file: proc("1/net", "dev")},
		diskstats: table{file: node.Proc.Reader(".", "diskstats", hostfs.KeepOpenToEnd)},
	}
	if node.Cgroup == nil {
		return f
	}
	group := func(name string) hostfs.Reader { return node.Cgroup.Reader(".", name, hostfs.KeepOpen) }
	f.cpuStat, f.memoryStat, f.memoryCurrent = group("cpu.stat"), group("memory.stat"), group("memory.current")
	f.rootPressure = [3]hostfs.Reader{group("cpu.pressure"), group("memory.pressure"), group("io.pressure")}
	return f
}

func (f *hostFiles) close() {
	for _, file := range []hostfs.Reader{
		f.stat, f.meminfo, f.loadavg, f.pressure[0], f.pressure[1], f.pressure[2], f.netdev.file, f.diskstats.file,
		f.cpuStat, f.memoryStat, f.memoryCurrent, f.rootPressure[0], f.rootPressure[1], f.rootPressure[2],
	} {
		if file != nil {
			file.Close()
		}
	}
}

// A table is a file whose lines are needed again later in the same reading, so
// it has a buffer of its own.
type table struct {
	file hostfs.Reader
	buf  hostfs.Buffer
	err  error
}

// readRows parses a table into rows, whose room is used again.
func readRows[Row any](t *table, rows []Row, parse func([]Row, []byte) ([]Row, error)) []Row {
	var text []byte
	if text, t.err = t.buf.Read(t.file); t.err != nil {
		return rows[:0]
	}
	rows, err := parse(rows[:0], text)
	if err != nil {
		t.err = fmt.Errorf("parse %s: %w", t.file.Name(), err)
		return rows[:0]
	}
	return rows
}

// interned has the one string of each name, so that a name that is told each
// time is made once.
type interned map[string]string

// maxInterned bounds it: who may name interfaces may name many.
const maxInterned = 10_000

func (n interned) of(name []byte) string {
	if s, ok := n[string(name)]; ok {
		return s
	}
	if len(n) >= maxInterned {
		clear(n)
	}
	s := procfs.Text(name)
	n[string(name)] = s
	return s
}
