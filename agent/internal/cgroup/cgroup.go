// Package cgroup reads cgroup v2: one Go file per controller, the tree of
// groups, and what the names of groups mean.
//
// The parsers are pure and allocate nothing. A [Tree] knows where the groups of
// pods and containers are and keeps up with them; a [Group] reads all files of
// one control group again and again. Both read through a hostfs.FS, which is
// the mount of cgroup v2, and know no clock.
//
// A missing file that the controller always has is an error that wraps
// fs.ErrNotExist: the controller is not delegated to the group. What came with
// a later kernel is not Known. Keys that are not known are skipped.
//
// The format of every file is in the kernel's
// Documentation/admin-guide/cgroup-v2.rst.
package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// A Count is a number that not every kernel, or not every group, has.
type Count struct {
	Value uint64
	Known bool
}

// IsGone reports whether an error of reading means that the file is not there:
// either it never was, or its control group was removed while it was open.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

// ParseControllers parses cgroup.controllers: the controllers that the group
// may give to its children.
func ParseControllers(text []byte) []string {
	return strings.Fields(strings.ToValidUTF8(string(text), "\uFFFD"))
}

// ParseNumber parses a file of one number, such as memory.current.
func ParseNumber(text []byte) (uint64, error) {
	return strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
}

// parseLimit parses a file of one number or "max", which is no limit.
func parseLimit(text []byte) (Count, error) {
	if string(bytes.TrimSpace(text)) == "max" {
		return Count{}, nil
	}
	limit, err := ParseNumber(text)
	return Count{limit, err == nil}, err
}

// parseFlatKeyed parses "KEY VALUE" lines, of which only those keys are wanted,
// into values in the order of the keys. The first so many are required.
func parseFlatKeyed(text []byte, keys []string, values []Count, required int) error {
	for missing := len(keys); missing > 0 && len(text) > 0; { // memory.stat has many more lines
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		key, value, _ := bytes.Cut(line, []byte(" "))
		i := indexOf(keys, key)
		if i < 0 {
			continue
		}
		n, err := ParseNumber(value)
		if err != nil {
			return fmt.Errorf("%s: %q is no number", key, value)
		}
		values[i] = Count{n, true}
		missing--
	}
	for i := range required {
		if !values[i].Known {
			return fmt.Errorf("no line %s", keys[i])
		}
	}
	return nil
}

func indexOf(keys []string, key []byte) int {
	for i := range keys {
		if string(key) == keys[i] {
			return i
		}
	}
	return -1
}
