package cgroup

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
// those that strconv reads in the text, and what is printed again reads the
// same.

// keyed reads "KEY VALUE" lines the plain way; ok is false for what no kernel
// prints, a key twice.
func keyed(text []byte) (values map[string]string, ok bool) {
	values = make(map[string]string)
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, " ")
		if _, twice := values[key]; twice && key != "" {
			return nil, false
		}
		values[key] = strings.TrimSpace(value)
	}
	return values, true
}

// wantCount checks a number that a text may have.
func wantCount(t *testing.T, values map[string]string, key string, got Count) {
	t.Helper()
	text, there := values[key]
	want, err := strconv.ParseUint(text, 10, 64)
	if there != got.Known || there && (err != nil || want != got.Value) {
		t.Errorf("%s is %+v, and the text has %q", key, got, text)
	}
}

func FuzzParseCPUStat(f *testing.F) {
	f.Add([]byte("usage_usec 302649\nuser_usec 201000\nsystem_usec 101649\nnr_periods 12\nnr_throttled 3\nthrottled_usec 5000\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cpu, err := ParseCPUStat(text)
		if err != nil {
			if cpu != (CPU{}) {
				t.Errorf("%+v besides the error %v", cpu, err)
			}
			return
		}
		if values, ok := keyed(text); ok {
			wantCount(t, values, "usage_usec", Count{cpu.UsageMicros, true})
			wantCount(t, values, "user_usec", Count{cpu.UserMicros, true})
			wantCount(t, values, "system_usec", Count{cpu.SystemMicros, true})
			wantCount(t, values, "nr_periods", cpu.Periods)
			wantCount(t, values, "nr_throttled", cpu.ThrottledPeriods)
			wantCount(t, values, "throttled_usec", cpu.ThrottledMicros)
		}
	})
}

func FuzzParseMemory(f *testing.F) {
	f.Add([]byte("anon 600\nfile 300\nkernel 1\ninactive_file 100\n"))
	f.Add([]byte("low 0\noom 1\noom_kill 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		values, ok := keyed(text)
		if !ok {
			return
		}
		if kills, err := parseOOMKills(text); err == nil {
			wantCount(t, values, "oom_kill", kills)
		}
		stat, err := ParseMemoryStat(text)
		if err != nil {
			return
		}
		wantCount(t, values, "anon", Count{stat.AnonBytes, true})
		wantCount(t, values, "file", Count{stat.FileBytes, true})
		wantCount(t, values, "inactive_file", Count{stat.InactiveFileBytes, true})
		if used := stat.AnonBytes; stat.WorkingSet(used) > used {
			t.Errorf("a working set of %d of %d bytes", stat.WorkingSet(used), used)
		}
	})
}

func FuzzParseLimits(f *testing.F) {
	f.Add([]byte("25000 100000\n"))
	f.Add([]byte("max\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := strings.TrimSpace(string(text))
		if limit, err := parseLimit(text); err == nil && limit.Known != (whole != "max") {
			t.Errorf("the limit %q is %+v", text, limit)
		} else if limit.Known {
			wantCount(t, map[string]string{"limit": whole}, "limit", limit)
		}
		bandwidth, err := parseCPUMax(text)
		if err != nil || !bandwidth.Known {
			if bandwidth != (Bandwidth{}) {
				t.Errorf("%+v besides the error %v", bandwidth, err)
			}
			return
		}
		quota, _ := strconv.ParseFloat(strings.Fields(whole)[0], 64)
		period, _ := strconv.ParseFloat(strings.Fields(whole)[1], 64)
		if want := 1000 * quota / period; math.IsInf(bandwidth.Millicores, 0) || math.Abs(bandwidth.Millicores-want) > 1e-9*want {
			t.Errorf("%v millicores, want %v", bandwidth.Millicores, want)
		}
	})
}

func FuzzAppendIO(f *testing.F) {
	f.Add([]byte("8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0\n8:16 \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		devices, err := appendIO([]DeviceIO{{Device: Device{1, 2}}}, text)
		if len(devices) == 0 || devices[0] != (DeviceIO{Device: Device{1, 2}}) {
			t.Fatalf("what was there is now %+v", devices)
		}
		if err != nil {
			return
		}
		var again []byte
		for _, d := range devices {
			again = fmt.Appendf(again, "%d:%d rbytes=%d wbytes=%d rios=%d wios=%d\n", d.Device.Major, d.Device.Minor, d.ReadBytes, d.WrittenBytes, d.ReadOps, d.WriteOps)
		}
		second, err := appendIO(nil, again)
		if diff := cmp.Diff(devices, second); diff != "" || err != nil {
			t.Errorf("printed again: %v (-first +second):\n%s", err, diff)
		}
		if lines := bytes.Count(text, []byte("\n")) + 1; len(devices)-1 > lines {
			t.Errorf("%d devices in %d lines", len(devices)-1, lines)
		}
		for _, d := range devices[1:] {
			if n := d.ReadBytes; n > 0 && !bytes.Contains(text, fmt.Append(nil, n)) {
				t.Errorf("%d bytes read, which the text does not have", n)
			}
		}
	})
}

func FuzzAppendProcs(f *testing.F) {
	f.Add([]byte("12\n0\n7\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pids, err := AppendProcs(nil, text)
		if err != nil {
			return
		}
		var want []int
		for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
			if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 0 {
				want = append(want, pid)
			}
		}
		if !slices.Equal(pids, want) {
			t.Errorf("processes %v, want %v", pids, want)
		}
	})
}

func FuzzParseStall(f *testing.F) {
	f.Add([]byte("some avg10=53.92 avg60=26.24 avg300=32.13 total=271759971\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		stall, err := ParseStall(text)
		if err != nil {
			if stall != (Stall{}) {
				t.Errorf("%+v besides the error %v", stall, err)
			}
			return
		}
		again := fmt.Appendf(nil, "some avg10=0.00 total=%d\n", stall.SomeMicros)
		if stall.FullMicros.Known {
			again = fmt.Appendf(again, "full avg10=0.00 total=%d\n", stall.FullMicros.Value)
		}
		if second, err := ParseStall(again); second != stall || err != nil {
			t.Errorf("printed again: %+v, %v, was %+v", second, err, stall)
		}
		if !bytes.Contains(text, []byte("some")) || stall.FullMicros.Known && !bytes.Contains(text, []byte("full")) {
			t.Errorf("%+v of %q", stall, text)
		}
	})
}

func FuzzParseControllers(f *testing.F) {
	f.Add([]byte("cpuset cpu io memory pids\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		names := ParseControllers(text)
		if again := ParseControllers([]byte(strings.Join(names, " "))); !slices.Equal(again, names) {
			t.Errorf("printed again: %q, was %q", again, names)
		}
		for _, name := range names {
			if name == "" || !utf8.ValidString(name) {
				t.Errorf("a controller named %q", name)
			}
		}
	})
}

// FuzzNames holds what is found in a name against the forms in which runtimes
// and the kubelet write it.
func FuzzNames(f *testing.F) {
	f.Add("kubepods-burstable-pod" + uidUnder + ".slice")
	f.Add("cri-containerd-" + id + ".scope")
	f.Fuzz(func(t *testing.T, base string) {
		if uid, ok := PodUID(base); ok {
			underlined := strings.ReplaceAll(uid, "-", "_")
			for _, form := range []string{"pod" + uid, "kubepods-pod" + underlined + ".slice", "kubelet-kubepods-burstable-pod" + underlined + ".slice"} {
				if again, ok := PodUID(form); again != uid || !ok {
					t.Errorf("PodUID(%q) = %q, %v, want %q, which is that of %q", form, again, ok, uid, base)
				}
			}
			if !strings.ContainsAny(base, "/:") && !InPod("/kubepods/"+base+"/x") {
				t.Errorf("%q is a pod, and below it is not in one", base)
			}
			if strings.Trim(uid, "0123456789abcdef-") != "" || len(uid) != 36 && len(uid) != 32 {
				t.Errorf("PodUID(%q) = %q", base, uid)
			}
		}
		if id, ok := ContainerID(base); ok {
			if again, ok := ContainerID("crio-" + id + ".scope"); again != id || !ok || !strings.Contains(base, id) || len(id) != 64 {
				t.Errorf("ContainerID(%q) = %q", base, id)
			}
			for _, other := range []string{base + ".mount", base + ".slice", "crio-conmon-" + base} {
				if _, ok := ContainerID(other); ok {
					t.Errorf("%q is a container", other)
				}
			}
		}
		if class := QOSClass(base); class != Guaranteed && !strings.Contains(base, strings.ToLower(class)) {
			t.Errorf("QOSClass(%q) = %s", base, class)
		}
		if InPod(base) && !strings.Contains(base, "kubepods") {
			t.Errorf("%q is in a pod", base)
		}
	})
}
