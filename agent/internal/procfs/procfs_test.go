package procfs

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// node is a small node's /proc, as the kernel wrote it.
var node = fstest.MapFS{
	"stat":                      {Data: []byte(statText)},
	"meminfo":                   {Data: []byte("MemTotal:       24684096 kB\nMemFree:        21224040 kB\nMemAvailable:   24070012 kB\nHugePages_Total:       0\nSwapTotal:             0 kB\nSwapFree:              0 kB\n")},
	"loadavg":                   {Data: []byte("1.95 2.18 1.36 4/99 18658\n")},
	"sys/kernel/random/boot_id": {Data: []byte("2f60d716-2ddd-4824-a862-85bc218a1e97\n")},
	"cgroups":                   {Data: []byte("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t5\t1\ncpu\t2\t64\t1\nblkio\t0\t1\t1\nmemory\t5\t1\t1\nhugetlb\t9\t1\t1\n")},
	"diskstats":                 {Data: []byte(diskstatsText)},
	"1/net/dev":                 {Data: []byte(netdevText)},
	"1/net/route":               {Data: []byte(routeText)},
	"1/net/ipv6_route":          {Data: []byte(routeIPv6Text)},
	"self/mountinfo":            {Data: []byte(mountinfoText)},
	"4711/stat":                 {Data: []byte(processText)},
	"4711/cmdline":              {Data: []byte("/usr/bin/a b\x00--secret\x00\x00")},
	"4711/cgroup":               {Data: []byte("4:memory:/user.slice\n0::/system.slice/a:b.service\n")},
	"2/cmdline":                 {Data: []byte("")},
	"0x":                        {Data: []byte("")},
}

const (
	statText = `cpu  81393 1086 20971 51083 1223 7 299 268 5 0
cpu0 40396 415 10139 26806 176 0 97 138 0 0
cpu1 40997 670 10832 24277 1047 0 201 129 0 0
intr 1412450 0 0 0
ctxt 1965038
`
	diskstatsText = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 145841 10439 4311738 196717 22928 111817 16715304 26174 0 23336 225705 11846 91 6285760 2797 561 16
`
	netdevText = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3245      30    0    0    0     0          0         0     3245      30    0    0    0     0       0          0
  eth0:485575079   28397    1    2    3     4          5         6  2263171   21250    7    8    0     0       0          0
eth0:1:       9       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`
	routeText = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"eth1\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
	routeIPv6Text = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n" +
		"fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1\n"
	mountinfoText = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
99 27 8:17 /sub /mnt/with\040space\134 rw - xfs /dev/sdb1 rw
`
	processText = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 19127 2174 12 9 31 45 10 5 20 0 7 0 300 22999040 3180 18446744073709551615 1 1 0\n"
)

// parsers are the package's, by a file that each parses.
var parsers = map[string]func([]byte) (any, error){
	"stat":                      func(text []byte) (any, error) { return ParseStat(text) },
	"meminfo":                   func(text []byte) (any, error) { return ParseMeminfo(text) },
	"loadavg":                   func(text []byte) (any, error) { return ParseLoadavg(text) },
	"sys/kernel/random/boot_id": func(text []byte) (any, error) { return ParseBootID(text) },
	"cgroups":                   func(text []byte) (any, error) { return ParseV1Controllers(text) },
	"diskstats":                 func(text []byte) (any, error) { return AppendDiskstats(nil, text) },
	"1/net/dev":                 func(text []byte) (any, error) { return AppendNetdev(nil, text) },
	"1/net/route":               func(text []byte) (any, error) { return ParseDefaultRoutes(text) },
	"1/net/ipv6_route":          func(text []byte) (any, error) { return ParseDefaultRoutesIPv6(text) },
	"self/mountinfo":            func(text []byte) (any, error) { return ParseMountinfo(text) },
	"4711/stat":                 func(text []byte) (any, error) { return ParseProcess(text) },
	"4711/cmdline":              func(text []byte) (any, error) { return ParseArgs(text), nil },
	"2/cmdline":                 func(text []byte) (any, error) { return ParseArgs(text), nil },
	"4711/cgroup":               func(text []byte) (any, error) { return ParseCgroups(text) },
}

func TestParse(t *testing.T) {
	wants := map[string]any{
		"stat": Stat{
			CPUs: 2, UserMicros: 813_930_000, NiceMicros: 10_860_000, SystemMicros: 209_710_000, IdleMicros: 510_830_000,
			IOWaitMicros: 12_230_000, IRQMicros: 70_000, SoftIRQMicros: 2_990_000, StealMicros: 2_680_000,
		},
		"meminfo": Meminfo{
			TotalBytes: new(uint64(24684096 * 1024)), AvailableBytes: new(uint64(24070012 * 1024)), SwapTotalBytes: new(uint64), SwapFreeBytes: new(uint64),
		},
		"loadavg":                   [3]float64{1.95, 2.18, 1.36},
		"sys/kernel/random/boot_id": "2f60d716-2ddd-4824-a862-85bc218a1e97",
		"cgroups":                   []string{"cpu", "memory"},
		"diskstats": []Disk{
			{Major: 7, Name: []byte("loop0")},
			{Major: 254, Name: []byte("vda"), ReadBytes: 4311738 * 512, WrittenBytes: 16715304 * 512, ReadOps: 145841, WriteOps: 22928, BusyMicros: 23_336_000},
		},
		"1/net/dev": []Interface{
			{Name: []byte("lo"), RxBytes: 3245, RxPackets: 30, TxBytes: 3245, TxPackets: 30},
			{Name: []byte("eth0"), RxBytes: 485575079, RxPackets: 28397, RxErrors: 1, RxDropped: 2, TxBytes: 2263171, TxPackets: 21250, TxErrors: 7, TxDropped: 8},
			{Name: []byte("eth0:1"), RxBytes: 9},
		},
		"1/net/route":      []string{"eth0"},
		"1/net/ipv6_route": []string{"eth0"},
		"self/mountinfo": []Mount{
			{Device: "0:21", Root: "/", Point: "/proc", Type: "proc", Options: "rw"},
			{Device: "254:0", Root: "/", Point: "/", Type: "ext4", Options: "rw,discard"},
			{Device: "8:17", Root: "/sub", Point: `/mnt/with space\`, Type: "xfs", Options: "rw"},
		},
		"4711/stat": Process{
			PID: 4711, PPID: 1, Name: []byte("a) b (c"), CPUMicros: 760_000, Threads: 7, StartTicks: 300, RSSPages: 3180,
		},
		"4711/cmdline": []string{"/usr/bin/a b", "--secret", ""},
		"2/cmdline":    []string(nil),
		"4711/cgroup":  []string{"/system.slice/a:b.service", "/user.slice"},
	}
	for name, parse := range parsers {
		t.Run(name, func(t *testing.T) {
			got, err := parse(node[name].Data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wants[name], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestParsingAllocatesNothing holds for what is parsed any number of times in
// a reading.
func TestParsingAllocatesNothing(t *testing.T) {
	links, disks := make([]Interface, 0, 8), make([]Disk, 0, 8)
	netdev, diskstats, process := []byte(netdevText), []byte(diskstatsText), []byte(processText)
	allocs := testing.AllocsPerRun(100, func() {
		AppendNetdev(links, netdev)
		AppendDiskstats(disks, diskstats)
		ParseProcess(process)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func TestBusyMicros(t *testing.T) {
	stat, err := ParseStat([]byte(statText))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := stat.BusyMicros(), uint64(81393+1086+20971+7+299+268)*10_000; got != want {
		t.Errorf("BusyMicros = %d, want %d: all but idle and iowait, guests once", got, want)
	}
}

func TestIsProcess(t *testing.T) {
	for name, want := range map[string]bool{"1": true, "4711": true, "self": false, "": false, "0x": false} {
		if got := IsProcess(name); got != want {
			t.Errorf("IsProcess(%q) = %v, want %v", name, got, want)
		}
	}
}

// TestParseErrors has text that the kernel does not write: each must be an
// error that says what is wrong.
func TestParseErrors(t *testing.T) {
	tests := []struct{ name, file, data, want string }{
		{"no CPU", "stat", "intr 1\n", "no line of a CPU"},
		{"short CPU", "stat", "cpu 1 2 3\ncpu0 1 2 3\n", "3 fields"},
		{"word", "stat", "cpu 1 2 3 4 5 6 7 many\ncpu0 1\n", `"many"`},
		{"no number", "meminfo", "MemTotal: kB\n", "MemTotal"},
		{"no unit", "meminfo", "MemAvailable:\n", "MemAvailable"},
		{"two averages", "loadavg", "0.1 0.2\n", "2 averages"},
		{"negative", "loadavg", "0.1 -0.2 0.3", `"-0.2"`},
		{"no number", "loadavg", "NaN 0 0", `"NaN"`},
		{"infinite", "loadavg", "0 0 inf", `"inf"`},
		{"short", "sys/kernel/random/boot_id", "2f60\n", "want 36"},
		{"no hierarchy", "cgroups", "memory\n", "0 fields"},
		{"short", "diskstats", "8 0 sda 1 2\n", "2 fields"},
		{"word", "diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 x\n", `"x"`},
		{"short", "1/net/dev", "eth0: 1 2 3\n", "eth0"},
		{"word", "1/net/dev", "eth0: 1 2 3 4 5 6 7 8 9 10 11 x\n", "eth0"},
		{"short", "1/net/route", "eth0 0\n", "no line of a route"},
		{"short", "1/net/ipv6_route", "0 0\n", "no line of a route"},
		{"no separator", "self/mountinfo", "27 1 254:0 / / rw ext4 /dev/vda rw\n", "no line of a mount"},
		{"no parenthesis", "4711/stat", "4711 a S 1\n", "no name in parentheses"},
		{"short", "4711/stat", "4711 (a) S 1 2\n", "3 fields"},
		{"word", "4711/stat", strings.Replace(processText, " 31 45 ", " x 45 ", 1), "field 14"},
		{"no path", "4711/cgroup", "0:\n", "no line of a hierarchy"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) {
			_, err := parsers[tt.file]([]byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that has %q", err, tt.want)
			}
		})
	}
}

// TestMountPointsKeepUnicodeBlanks has a path with a blank that the kernel does
// not escape, as it does its own.
func TestMountPointsKeepUnicodeBlanks(t *testing.T) {
	mounts, err := ParseMountinfo([]byte("31 27 8:17 / /mnt/a\u00a0b\\040c rw shared:1 master:2 - xfs /dev/sdb\u2003 rw\n"))
	want := []Mount{{Device: "8:17", Root: "/", Point: "/mnt/a\u00a0b c", Type: "xfs", Options: "rw"}}
	if diff := cmp.Diff(want, mounts); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestNamesAreUTF8(t *testing.T) {
	if got := Text([]byte("a\xff\xfeb")); got != "a\uFFFDb" {
		t.Errorf("Text = %q, want the replacement character", got)
	}
	paths, err := ParseCgroups([]byte("0::/\xff\n"))
	if err != nil || paths[0] != "/\uFFFD" {
		t.Errorf("paths = %q, %v, want the replacement character", paths, err)
	}
}
