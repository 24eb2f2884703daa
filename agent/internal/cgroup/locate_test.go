package cgroup

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestLocate(t *testing.T) {
	file := &fstest.MapFile{}
	tests := []struct {
		name string
		tree fstest.MapFS
		want string
		err  string
	}{
		{"unified", fstest.MapFS{"cgroup.controllers": file}, ".", ""},
		{"hybrid", fstest.MapFS{"memory/cgroup.procs": file, "unified/cgroup.controllers": file}, "unified", ""},
		{"v1", fstest.MapFS{"memory/cgroup.procs": file, "cpu,cpuacct/cgroup.procs": file}, "", "cgroup v1 only"},
		{"something else", fstest.MapFS{"etc/passwd": file}, "", "no control groups are mounted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Locate(tt.tree)
			if got != tt.want || tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("Locate = %q, %v, want %q, %q", got, err, tt.want, tt.err)
			}
		})
	}
}
