package collect_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A mistake is in a description's node or expectation; the error must name its
// line, 2 or 4 unless it stands below another.
type mistake struct{ name, node, expect, want string }

func TestMistakesInTheNode(t *testing.T) {
	testMistakes(t, []mistake{
		{"unknown statement", "gruop a", "", "2: gruop describes no part of a node"},
		{"indented too far", "    group a", "", "2: indented by 4, want at most 0"},
		{"odd indentation", "group a\n group b", "", "3: indented by 1"},
		{"bad n", "group a n=x", "", "2: n=x, want a number"},
		{"bad quote", `file a "b`, "", `2: "b is not quoted`},
		{"only options", "n=1", "", "2: want a word first"},
		{"disk without a number", "disk sda", "", "2: disk with 1 words"},
		{"bad device", "disk sda 8", "", "2: disk sda has the number 8, want MAJOR:MINOR"},
		{"unknown disk below", "disk dm-0 253:0 on=sda", "", "2: disk dm-0 is on sda, which no line above describes"},
		{"unknown option", "disk sda 8:0 of=x", "", "2: disk takes no option of"},
		{"unknown interface below", "interface bond0 above=eth0", "", "2: interface bond0 is above eth0"},
		{"bad interface", "network a eth0=x", "", "2: interface eth0=x, want a number"},
		{"unknown mode", "cgroup v3", "", "2: cgroup v3, want unified"},
		{"group without a path", "group n=1", "", "2: group with 0 words"},
		{"group with a bad option", "group a color=red", "", "2: group takes no option color"},
		{"a disk in a group", "group a\n  disk sda 8:0", "", "3: disk in a group, want group, file"},
		{"bad PID", "group a pids=nginx", "", `2: process "nginx", want PID:NAME`},
		{"unknown network", "group a pids=2:x net=b", "", "2: process 2 is in the network b, which is not described"},
		{"file without text", "file a", "", "2: file wants a name, and its text"},
		{"file with two texts", "file a \"b\"\n  |c", "", "2: file wants a name, and its text"},
		{"remove what is not there", "group a\n  remove b", "", "3: remove cgroup/a/b: there is no such file"},
		{"unknown errno", "fails psi EFOO", "", "2: fails with EFOO, want one of"},
		{"fails what is not there", "fails proc/x EIO", "", "2: fails proc/x: there is no such file"},
	})
}

func TestMistakesInTheExpectation(t *testing.T) {
	testMistakes(t, []mistake{
		{"unknown claim", "", "gruop a", "4: gruop is no part of a snapshot"},
		{"unknown field", "", "host cpu.color=1", "4: cpu.color: there is no field color"},
		{"bad value", "", "host cpu.count=two", "4: cpu.count=two: invalid character"},
		{"slice without a path", "", "slice n=2", "4: slice with 0 words"},
		{"pod without its group", "", "pod {p1} Burstable", "4: pod with the words"},
		{"a slice in a pod", "", "pod {p1} Burstable cgroup=x\n    slice a", "5: slice in a pod, want container or network"},
		{"container without its group", "", "container {c1}", "4: container without cgroup=PATH"},
		{"process without a PID", "", "process a b", "4: process a, want its PID"},
		{"warning without a reason", "", "warning io", "4: warning with 1 words"},
		{"not of a group", "", "every pod io=null", `4: every ["pod"], want every group`},
	})
}

func testMistakes(t *testing.T, tests []mistake) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "# A comment.\n" + tt.node + "\nexpect\n  " + tt.expect + "\n  network\n"
			if _, _, err := work(text); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// work does all that is done with a description's text.
func work(text string) (description, *layout, error) {
	d, err := parseDescription(text)
	if err != nil {
		return d, nil, err
	}
	l, err := newLayout(d.node)
	if err != nil {
		return d, nil, err
	}
	_, err = newExpectation(d.expect)
	return d, l, err
}

func TestDescriptionIsWhole(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no comment", "group a\nexpect\n  network\n", "x.node:1: want a comment first"},
		{"no expectation", "# A comment.\ngroup a\n", "x.node:2: want a line expect"},
		{"empty expectation", "# A comment.\ngroup a\nexpect\n", "x.node:3: want a line expect"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.node")
			if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := readDescription(file); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestEachFixtureIsRead looks for files that no test reads.
func TestEachFixtureIsRead(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		switch extension := filepath.Ext(entry.Name()); extension {
		case ".node", ".md":
		default:
			t.Errorf("testdata/%s is read by no test", entry.Name())
		}
	}
}
