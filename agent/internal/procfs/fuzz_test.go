package procfs

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The fuzz targets hold what a parser says against the text itself: numbers are
// those that strconv reads in the text, what is printed again reads the same,
// and what goes into a snapshot is UTF-8.

// plain reports whether a text has no blanks but those that kernels print.
func plain(data []byte) bool {
	return !bytes.ContainsFunc(data, func(r rune) bool { return r > 0x7f || r == '\v' || r == '\f' || r == '\r' })
}

// wantNumber checks one number of a text, in a unit.
func wantNumber(t *testing.T, what, field string, unit, got uint64) {
	t.Helper()
	n, err := strconv.ParseUint(field, 10, 64)
	if err != nil || n*unit != got {
		t.Errorf("%s is %d, and the text has %q of %d", what, got, field, unit)
	}
}

func wantUTF8(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(statText))
	f.Fuzz(func(t *testing.T, data []byte) {
		stat, err := ParseStat(data)
		if err != nil || !plain(data) {
			return
		}
		cpus, all := 0, []string(nil)
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, "cpu") {
				break
			}
			if fields := strings.Fields(line); fields[0] == "cpu" && strings.HasPrefix(line, "cpu ") {
				all = fields
			} else {
				cpus++
			}
		}
		if cpus != stat.CPUs || cpus == 0 {
			t.Errorf("%d CPUs, and the text has %d", stat.CPUs, cpus)
		}
		if all != nil {
			for i, mode := range []uint64{
				stat.UserMicros, stat.NiceMicros, stat.SystemMicros, stat.IdleMicros,
				stat.IOWaitMicros, stat.IRQMicros, stat.SoftIRQMicros, stat.StealMicros,
			} {
				wantNumber(t, fmt.Sprint("column ", i+1), all[i+1], microsPerTick, mode)
			}
		}
	})
}

func FuzzParseMeminfo(f *testing.F) {
	f.Add(node["meminfo"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := ParseMeminfo(data)
		if err != nil || !plain(data) {
			return
		}
		lines := make(map[string]string)
		for line := range strings.Lines(string(data)) {
			key, rest, _ := strings.Cut(line, ":")
			lines[key] = rest
		}
		for key, got := range map[string]*uint64{
			"MemTotal": info.TotalBytes, "MemAvailable": info.AvailableBytes, "SwapTotal": info.SwapTotalBytes, "SwapFree": info.SwapFreeBytes,
		} {
			rest, there := lines[key]
			if there != (got != nil) {
				t.Errorf("%s is in the text: %v, and is told: %v", key, there, got != nil)
			} else if there {
				wantNumber(t, key, strings.Fields(rest)[0], 1024, *got)
			}
		}
	})
}

func FuzzParseLoadavg(f *testing.F) {
	f.Add(node["loadavg"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		load, err := ParseLoadavg(data)
		if err != nil {
			if load != [3]float64{} {
				t.Errorf("%v besides the error %v", load, err)
			}
			return
		}
		for i, average := range load {
			want, err := strconv.ParseFloat(string(bytes.Fields(data)[i]), 64)
			if err != nil || average != want || average < 0 || math.IsInf(average, 0) {
				t.Errorf("average %d is %v, and the text has %v, %v", i, average, want, err)
			}
		}
	})
}

func FuzzAppendDiskstats(f *testing.F) {
	f.Add([]byte(diskstatsText))
	f.Fuzz(func(t *testing.T, data []byte) {
		disks, err := AppendDiskstats(nil, data)
		if err != nil || !plain(data) {
			return
		}
		lines := slices.DeleteFunc(strings.Split(string(data), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
		if len(lines) != len(disks) {
			t.Fatalf("%d disks in %d lines", len(disks), len(lines))
		}
		for i, disk := range disks {
			fields := strings.Fields(lines[i])
			wantNumber(t, "major", fields[0], 1, disk.Major)
			wantNumber(t, "minor", fields[1], 1, disk.Minor)
			wantNumber(t, "reads", fields[3], 1, disk.ReadOps)
			wantNumber(t, "bytes read", fields[5], bytesPerSector, disk.ReadBytes)
			wantNumber(t, "writes", fields[7], 1, disk.WriteOps)
			wantNumber(t, "bytes written", fields[9], bytesPerSector, disk.WrittenBytes)
			wantNumber(t, "time", fields[12], 1000, disk.BusyMicros)
			if string(disk.Name) != fields[2] {
				t.Errorf("name %q, and the text has %q", disk.Name, fields[2])
			}
		}
	})
}

func FuzzAppendNetdev(f *testing.F) {
	f.Add([]byte(netdevText))
	f.Fuzz(func(t *testing.T, data []byte) {
		links, err := AppendNetdev(nil, data)
		if err != nil {
			return
		}
		var again []byte
		for _, l := range links {
			again = fmt.Appendf(again, "%s: %d %d %d %d 0 0 0 0 %d %d %d %d 0 0 0 0\n", l.Name,
				l.RxBytes, l.RxPackets, l.RxErrors, l.RxDropped, l.TxBytes, l.TxPackets, l.TxErrors, l.TxDropped)
		}
		second, err := AppendNetdev(nil, again)
		if diff := cmp.Diff(links, second); diff != "" || err != nil {
			t.Errorf("printed again: %v (-first +second):\n%s", err, diff)
		}
		if want := strings.Count(string(data), "\n") + 1; len(links) > want {
			t.Errorf("%d interfaces in %d lines", len(links), want)
		}
	})
}

func FuzzParseMountinfo(f *testing.F) {
	f.Add([]byte(mountinfoText))
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
	f.Fuzz(func(t *testing.T, data []byte) {
		mounts, err := ParseMountinfo(data)
		if err != nil {
			return
		}
		var again []byte
		for _, m := range mounts {
			wantUTF8(t, m.Root, m.Point, m.Type, m.Options)
			again = fmt.Appendf(again, "1 2 %s %s %s rw - %s none %s\n", m.Device, escape.Replace(m.Root), escape.Replace(m.Point), m.Type, m.Options)
		}
		second, err := ParseMountinfo(again)
		if diff := cmp.Diff(mounts, second); diff != "" || err != nil {
			t.Errorf("printed again: %v (-first +second):\n%s", err, diff)
		}
	})
}

func FuzzParseRoutes(f *testing.F) {
	f.Add([]byte(routeText))
	f.Add([]byte(routeIPv6Text))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) ([]string, error){ParseDefaultRoutes, ParseDefaultRoutesIPv6} {
			names, err := parse(data)
			if err != nil && names != nil {
				t.Errorf("%q besides the error %v", names, err)
			}
			if lines := strings.Count(string(data), "\n") + 1; len(names) > lines {
				t.Errorf("%d routes in %d lines", len(names), lines)
			}
			for _, name := range names {
				wantUTF8(t, name)
				if !strings.Contains(Text(data), name) {
					t.Errorf("the text has no interface %q", name)
				}
			}
		}
	})
}

func FuzzParseProcess(f *testing.F) {
	f.Add([]byte(processText))
	f.Add([]byte("1 ) ("))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProcess(data)
		if err != nil {
			if diff := cmp.Diff(Process{}, p); diff != "" {
				t.Errorf("besides the error %v (-want +got):\n%s", err, diff)
			}
			return
		}
		before, rest, _ := strings.Cut(string(data), "(")
		at := strings.LastIndex(rest, ")")
		if string(p.Name) != rest[:at] {
			t.Errorf("name %q, and the text has %q", p.Name, rest[:at])
		}
		if p.PID < 0 || p.PPID < 0 || p.Threads < 0 {
			t.Errorf("%+v has a number below 0", p)
		}
		fields := strings.Fields(rest[at+1:])
		user, _ := strconv.ParseUint(fields[14-3], 10, 64)
		wantNumber(t, "PID", strings.TrimSpace(before), 1, uint64(p.PID))
		wantNumber(t, "parent", fields[4-3], 1, uint64(p.PPID))
		wantNumber(t, "system time", fields[15-3], microsPerTick, p.CPUMicros-user*microsPerTick)
		wantNumber(t, "threads", fields[20-3], 1, uint64(p.Threads))
		wantNumber(t, "start", fields[22-3], 1, p.StartTicks)
		wantNumber(t, "resident", fields[24-3], 1, p.RSSPages)
	})
}

func FuzzParseArgs(f *testing.F) {
	f.Add(node["4711/cmdline"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		args := ParseArgs(data)
		wantUTF8(t, args...)
		want := strings.TrimSuffix(string(data), "\x00")
		if got := strings.Join(args, "\x00"); got != strings.ToValidUTF8(want, "\uFFFD") && utf8.ValidString(want) {
			t.Errorf("arguments %q of %q", args, data)
		}
	})
}

func FuzzParseCgroups(f *testing.F) {
	f.Add(node["4711/cgroup"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		paths, err := ParseCgroups(data)
		if err != nil {
			return
		}
		wantUTF8(t, paths...)
		if len(paths) == 0 {
			t.Fatal("no path and no error")
		}
		again := fmt.Appendf(nil, "0::%s\n", paths[0])
		for i, path := range paths[1:] {
			again = fmt.Appendf(again, "%d:memory:%s\n", i+1, path)
		}
		second, err := ParseCgroups(again)
		if diff := cmp.Diff(paths, second); diff != "" || err != nil {
			t.Errorf("printed again: %v (-first +second):\n%s", err, diff)
		}
	})
}

func FuzzParseV1Controllers(f *testing.F) {
	f.Add(node["cgroups"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := ParseV1Controllers(data)
		if err != nil && names != nil {
			t.Errorf("%q besides the error %v", names, err)
		}
		for _, name := range names {
			if !slices.Contains([]string{"cpu", "cpuacct", "memory", "blkio", "pids"}, name) || !bytes.Contains(data, []byte(name)) {
				t.Errorf("%q is no controller of resources in the text", name)
			}
		}
	})
}

func FuzzParseBootID(f *testing.F) {
	f.Add(node["sys/kernel/random/boot_id"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ParseBootID(data)
		wantUTF8(t, id)
		if (err == nil) != (len(bytes.TrimSpace(data)) == 36) || (err == nil) != (id != "") {
			t.Errorf("ParseBootID(%q) = %q, %v", data, id, err)
		}
	})
}
