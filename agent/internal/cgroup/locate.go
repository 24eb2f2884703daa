package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrV1 is the error of a node that has cgroup v1 only.
var ErrV1 = errors.New("cgroup v1 only: there is no cgroup2 mount")

// Locate finds the cgroup v2 hierarchy below a folder where control groups are
// mounted: the folder itself on a unified node, its "unified" on a hybrid one.
// The error wraps [ErrV1] when there are only v1 controllers, and says that the
// folder is no mount of control groups otherwise.
func Locate(fsys fs.FS) (dir string, err error) {
	for _, dir := range []string{".", "unified"} {
		_, err := fs.Stat(fsys, join(dir, "cgroup.controllers"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	for _, controller := range []string{"memory", "cpu", "cpu,cpuacct", "systemd"} {
		if _, err := fs.Stat(fsys, join(controller, "cgroup.procs")); err == nil {
			return "", ErrV1
		}
	}
	return "", fmt.Errorf("no control groups are mounted: there is neither cgroup.controllers nor a v1 controller")
}
