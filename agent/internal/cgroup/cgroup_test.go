package cgroup

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// group is a control group "g" with these files.
func group(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{"g": {Mode: fs.ModeDir | 0o755}}
	for name, data := range files {
		fsys[path.Join("g", name)] = &fstest.MapFile{Data: []byte(data)}
	}
	return fsys
}

func TestReadCPU(t *testing.T) {
	const stat = "usage_usec 302649\nuser_usec 201000\nsystem_usec 101649\nnice_usec 7\n"
	tests := []struct {
		name  string
		files map[string]string
		want  CPU
		err   string
	}{
		{"no controller", map[string]string{"cpu.stat": stat}, CPU{UsageMicros: 302649, UserMicros: 201000, SystemMicros: 101649}, ""},
		{"limit", map[string]string{"cpu.stat": stat + "nr_periods 12\nnr_throttled 3\nthrottled_usec 5000\n", "cpu.max": "25000 100000\n"}, CPU{
			UsageMicros: 302649, UserMicros: 201000, SystemMicros: 101649,
			Periods: new(uint64(12)), ThrottledPeriods: new(uint64(3)), ThrottledMicros: new(uint64(5000)), LimitMillicores: new(250.0),
		}, ""},
		{"no limit", map[string]string{"cpu.stat": "usage_usec 1\n", "cpu.max": "max 100000\n"}, CPU{UsageMicros: 1}, ""},
		{"no usage", map[string]string{"cpu.stat": "nr_periods 1\n"}, CPU{}, "no line usage_usec"},
		{"word", map[string]string{"cpu.stat": "usage_usec much\n"}, CPU{}, "usage_usec"},
		{"no value", map[string]string{"cpu.stat": "usage_usec\n"}, CPU{}, "usage_usec"},
		{"no period", map[string]string{"cpu.stat": stat, "cpu.max": "100\n"}, CPU{}, "g/cpu.max"},
		{"period of 0", map[string]string{"cpu.stat": stat, "cpu.max": "100 0\n"}, CPU{}, "period of 0"},
		{"bad quota", map[string]string{"cpu.stat": stat, "cpu.max": "-1 100\n"}, CPU{}, "g/cpu.max"},
		{"missing", nil, CPU{}, "g/cpu.stat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadCPU(group(tt.files), "g")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadMemory(t *testing.T) {
	const stat = "anon 600\nfile 300\ninactive_anon 5\ninactive_file 100\n"
	tests := []struct {
		name  string
		files map[string]string
		want  Memory
		err   string
	}{
		{"old kernel", map[string]string{"memory.current": "1000\n", "memory.stat": stat}, Memory{
			CurrentBytes: 1000, WorkingSetBytes: 900, AnonBytes: 600, FileBytes: 300, InactiveFileBytes: 100,
		}, ""},
		{"all", map[string]string{
			"memory.current": "1000\n", "memory.stat": stat, "memory.max": "2000\n", "memory.peak": "1500\n", "memory.swap.current": "0\n",
			"memory.events": "low 0\nhigh 0\nmax 0\noom 1\noom_kill 2\noom_group_kill 9\n",
		}, Memory{
			CurrentBytes: 1000, WorkingSetBytes: 900, AnonBytes: 600, FileBytes: 300, InactiveFileBytes: 100,
			SwapBytes: new(uint64), PeakBytes: new(uint64(1500)), LimitBytes: new(uint64(2000)), OOMKills: new(uint64(2)),
		}, ""},
		{"no limit, shrunk between the reads", map[string]string{"memory.current": "50\n", "memory.stat": stat, "memory.max": "max\n"}, Memory{
			CurrentBytes: 50, AnonBytes: 600, FileBytes: 300, InactiveFileBytes: 100,
		}, ""},
		{"bad current", map[string]string{"memory.current": "max\n"}, Memory{}, "g/memory.current"},
		{"bad stat", map[string]string{"memory.current": "1\n", "memory.stat": "anon x\n"}, Memory{}, "anon"},
		{"bad limit", map[string]string{"memory.current": "1\n", "memory.stat": stat, "memory.max": "minus\n"}, Memory{}, "g/memory.max"},
		{"bad events", map[string]string{"memory.current": "1\n", "memory.stat": stat, "memory.events": "oom_kill -1\n"}, Memory{}, "oom_kill"},
		{"missing", nil, Memory{}, "g/memory.current"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadMemory(group(tt.files), "g")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadIO(t *testing.T) {
	tests := []struct {
		name, data string
		want       []DeviceIO
		err        string
	}{
		{"idle", "", []DeviceIO{}, ""},
		{
			"two devices, any order, keys of policies",
			"8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0\n259:1 wios=1 cost.usage=5 depth=3 avg_lat=max wbytes=512\n",
			[]DeviceIO{{Device: "8:0", ReadBytes: 90112, WrittenBytes: 67108864, ReadOps: 22, WriteOps: 64}, {Device: "259:1", WrittenBytes: 512, WriteOps: 1}}, "",
		},
		{"a device with nothing to say", "8:0 \n8:16 rbytes=1\n", []DeviceIO{{Device: "8:16", ReadBytes: 1}}, ""},
		{"no device", "rbytes=1\n", nil, "no device"},
		{"bad number", "8:0 rbytes=x\n", nil, "rbytes"},
		{"no value", "8:0 rbytes\n", nil, "rbytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadIO(group(map[string]string{"io.stat": tt.data}), "g")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadPIDs(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  PIDs
		err   string
	}{
		{"limit", map[string]string{"pids.current": "3\n", "pids.max": "100\n"}, PIDs{3, new(uint64(100))}, ""},
		{"no limit", map[string]string{"pids.current": "3\n", "pids.max": "max\n"}, PIDs{Current: 3}, ""},
		{"bad", map[string]string{"pids.current": "three\n"}, PIDs{}, "g/pids.current"},
		{"bad limit", map[string]string{"pids.current": "3\n", "pids.max": "\n"}, PIDs{}, "g/pids.max"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadPIDs(group(tt.files), "g")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadProcs(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []int
		err   string
	}{
		{"own", map[string]string{"cgroup.procs": "12\n0\n7\n"}, []int{12, 7}, ""},
		{"of a child", map[string]string{"cgroup.procs": "", "a/cgroup.procs": "", "container/cgroup.procs": "9\n"}, []int{9}, ""},
		{"nobody", map[string]string{"cgroup.procs": ""}, nil, ""},
		{"bad", map[string]string{"cgroup.procs": "x\n"}, nil, "g/cgroup.procs"},
		{"missing", nil, nil, "g/cgroup.procs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadProcs(group(tt.files), "g")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadStall(t *testing.T) {
	tests := []struct {
		name, data string
		want       Stall
		err        string
	}{
		{"both", "some avg10=53.92 avg60=26.24 avg300=32.13 total=271759971\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", Stall{271759971, new(uint64(5))}, ""},
		{"before Linux 5.13", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", Stall{SomeMicros: 7}, ""},
		{"no some", "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", Stall{}, "no line some"},
		{"no total", "some avg10=0.00\n", Stall{}, "no total"},
		{"bad total", "some total=x\n", Stall{}, "g/cpu.pressure"},
		{"empty", "", Stall{}, "no line some"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReadStall(group(map[string]string{"cpu.pressure": tt.data}), "g/cpu.pressure")
			check(t, got, tt.want, err, tt.err)
		})
	}
}

func TestReadControllers(t *testing.T) {
	fsys := fstest.MapFS{"cgroup.controllers": {Data: []byte("cpuset cpu io memory pids\n")}}
	got, err := ReadControllers(fsys, ".")
	if want := []string{"cpuset", "cpu", "io", "memory", "pids"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("ReadControllers = %q, %v, want %q", got, err, want)
	}
}

func TestIsGone(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{&fs.PathError{Err: syscall.ENOENT}, true},
		{&fs.PathError{Err: syscall.ENODEV}, true}, // removed while it was open
		{&fs.PathError{Err: syscall.EOPNOTSUPP}, false},
		{&fs.PathError{Err: syscall.EACCES}, false},
		{nil, false},
	}
	for _, tt := range tests {
		if got := IsGone(tt.err); got != tt.want {
			t.Errorf("IsGone(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
	if _, err := ReadCPU(group(nil), "g"); !IsGone(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a group that is gone: %v, want fs.ErrNotExist", err)
	}
}

// check compares a value, or an error that must contain wantErr.
func check(t *testing.T, got, want any, err error, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("error %v, want %q in it", err, wantErr)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzParse looks for panics in every parser of the package.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"usage_usec 302649\nuser_usec 201000\n", "25000 100000\n", "max\n", "anon 600\nfile 300\n", "oom_kill 2\n",
		"8:0 rbytes=90112 wbytes=67108864\n8:16 \n", "12\n7\n", "some avg10=53.92 total=271759971\nfull total=5\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parseCPUStat(data)
		parseCPUMax(data)
		parseMemoryStat(data)
		parseOOMKills(data)
		parseLimit(data)
		parseProcs(data)
		parseStall(data)
		devices, err := parseIO(data)
		if err == nil && devices == nil {
			t.Error("parseIO returned nil without an error: nil means unknown")
		}
	})
}
