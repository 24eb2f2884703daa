package procfs

import "bytes"

// ParseV1Controllers parses /proc/cgroups and returns the resource controllers
// that are attached to a cgroup v1 hierarchy:
//
//	#subsys_name	hierarchy	num_cgroups	enabled
//	cpu	2	64	1
//	memory	0	64	1
//
// A hierarchy of 0 means cgroup v2, or no mount at all. The list is empty on a
// node with cgroup v2 only. See Documentation/admin-guide/cgroup-v1/cgroups.rst
// in the kernel.
func ParseV1Controllers(data []byte) ([]string, error) {
	var names []string
	for line := range bytes.Lines(data) {
		name, rest, _ := bytes.Cut(line, []byte("\t"))
		if len(line) > 0 && line[0] == '#' {
			continue
		}
		var hierarchy [1]uint64
		if err := numbers(rest, hierarchy[:]); err != nil {
			return nil, err
		}
		switch string(name) {
		case "cpu", "cpuacct", "memory", "blkio", "pids":
			if hierarchy[0] != 0 {
				names = append(names, string(name))
			}
		}
	}
	return names, nil
}
