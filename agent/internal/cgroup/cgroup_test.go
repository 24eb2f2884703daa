package cgroup

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// known is a Count that the kernel told.
func known(n uint64) Count { return Count{n, true} }

func TestParse(t *testing.T) {
	const stat = "usage_usec 302649\nuser_usec 201000\nsystem_usec 101649\n"
	cpu := CPU{UsageMicros: 302649, UserMicros: 201000, SystemMicros: 101649}
	throttled := cpu
	throttled.Periods, throttled.ThrottledPeriods, throttled.ThrottledMicros = known(12), known(3), known(5000)
	tests := []struct {
		name, text string
		parse      func([]byte) (any, error)
		want       any
		err        string
	}{
		{"cpu.stat without the controller", stat + "nice_usec 7\n", parserOf(ParseCPUStat), cpu, ""},
		{"cpu.stat with it", stat + "nr_periods 12\nnr_throttled 3\nthrottled_usec 5000\n", parserOf(ParseCPUStat), throttled, ""},
		{"no usage", "nr_periods 1\n", parserOf(ParseCPUStat), nil, "no line usage_usec"},
		{"torn", "usage_usec 302649\nuser_us", parserOf(ParseCPUStat), nil, "no line user_usec"},
		{"word", "usage_usec much\n", parserOf(ParseCPUStat), nil, "usage_usec"},
		{"no value", "usage_usec\n", parserOf(ParseCPUStat), nil, "usage_usec"},
		{"negative", "usage_usec -1\n", parserOf(ParseCPUStat), nil, `"-1" is no number`},
		{"the biggest", "usage_usec 18446744073709551615\nuser_usec 9007199254740993\nsystem_usec 0\n", parserOf(ParseCPUStat), CPU{UsageMicros: 1<<64 - 1, UserMicros: 1<<53 + 1}, ""},
		{"too big", "usage_usec 18446744073709551616\n", parserOf(ParseCPUStat), nil, "usage_usec"},

		{"quota", "25000 100000\n", parserOf(parseCPUMax), Bandwidth{250, true}, ""},
		{"no quota", "max 100000\n", parserOf(parseCPUMax), Bandwidth{}, ""},
		{"no period", "100\n", parserOf(parseCPUMax), nil, "invalid syntax"},
		{"period of 0", "100 0\n", parserOf(parseCPUMax), nil, "period of 0"},
		{"bad quota", "-1 100\n", parserOf(parseCPUMax), nil, "invalid syntax"},

		{"memory.stat", "anon 600\nfile 300\nkernel 1\ninactive_anon 5\ninactive_file 100\nslab 7\n", parserOf(ParseMemoryStat), MemoryStat{600, 300, 100}, ""},
		{"no file", "anon 600\ninactive_file 100\n", parserOf(ParseMemoryStat), nil, "no line file"},
		{"bad anon", "anon x\n", parserOf(ParseMemoryStat), nil, "anon"},
		{"kills", "low 0\noom 1\noom_kill 2\noom_group_kill 9\n", parserOf(parseOOMKills), known(2), ""},
		{"before Linux 4.13", "low 0\noom 1\n", parserOf(parseOOMKills), Count{}, ""},
		{"bad kills", "oom_kill -1\n", parserOf(parseOOMKills), nil, "oom_kill"},
		{"limit", "2000\n", parserOf(parseLimit), known(2000), ""},
		{"no limit", "max\n", parserOf(parseLimit), Count{}, ""},
		{"bad limit", "minus\n", parserOf(parseLimit), nil, "invalid syntax"},
		{"empty limit", "\n", parserOf(parseLimit), nil, "invalid syntax"},

		{"idle", "", appenderOf(appendIO), []DeviceIO(nil), ""},
		{
			"two devices, any order, keys of policies",
			"8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0\n259:1 wios=1 cost.usage=5 depth=3 avg_lat=max wbytes=512\n",
			appenderOf(appendIO), []DeviceIO{
				{Device: Device{8, 0}, ReadBytes: 90112, WrittenBytes: 67108864, ReadOps: 22, WriteOps: 64},
				{Device: Device{259, 1}, WrittenBytes: 512, WriteOps: 1},
			}, "",
		},
		{"a device with nothing to say", "8:0 \n8:16 rbytes=1\n", appenderOf(appendIO), []DeviceIO{{Device: Device{8, 16}, ReadBytes: 1}}, ""},
		{"devices before it on its line", "7:7 7:6 8:0 rbytes=1\n", appenderOf(appendIO), []DeviceIO{{Device: Device{8, 0}, ReadBytes: 1}}, ""},
		{"an unknown device", "(unknown) rbytes=9\n8:0 rbytes=1\n", appenderOf(appendIO), []DeviceIO{{Device: Device{8, 0}, ReadBytes: 1}}, ""},
		{"no device", "rbytes=1\n", appenderOf(appendIO), nil, "no device"},
		{"bad number", "8:0 rbytes=x\n", appenderOf(appendIO), nil, "rbytes"},
		{"no value", "8:0 rbytes=\n", appenderOf(appendIO), nil, "rbytes"},
		{"a word", "8:0 rbytes\n", appenderOf(appendIO), nil, "want major:minor"},

		{"processes", "12\n0\n7\n", appenderOf(AppendProcs), []int{12, 7}, ""},
		{"nobody", "", appenderOf(AppendProcs), []int(nil), ""},
		{"bad process", "x\n", appenderOf(AppendProcs), nil, "invalid syntax"},

		{"stalls", "some avg10=53.92 avg60=26.24 avg300=32.13 total=271759971\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", parserOf(ParseStall), Stall{271759971, known(5)}, ""},
		{"before Linux 5.13", "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n", parserOf(ParseStall), Stall{SomeMicros: 7}, ""},
		{"no some", "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n", parserOf(ParseStall), nil, "no line some"},
		{"no total", "some avg10=0.00\n", parserOf(ParseStall), nil, "does not end with a total"},
		{"bad total", "some total=x\n", parserOf(ParseStall), nil, "invalid syntax"},
		{"no stalls", "", parserOf(ParseStall), nil, "no line some"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.parse([]byte(tt.text))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// parserOf makes parsers of all types one type.
func parserOf[T any](parse func([]byte) (T, error)) func([]byte) (any, error) {
	return func(text []byte) (any, error) { return parse(text) }
}

func appenderOf[T any](parse func([]T, []byte) ([]T, error)) func([]byte) (any, error) {
	return func(text []byte) (any, error) { return parse(nil, text) }
}

func TestParseControllers(t *testing.T) {
	got := ParseControllers([]byte("cpuset cpu io memory pids\n"))
	if want := []string{"cpuset", "cpu", "io", "memory", "pids"}; !slices.Equal(got, want) {
		t.Errorf("ParseControllers = %q, want %q", got, want)
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
}
