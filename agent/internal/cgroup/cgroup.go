// Package cgroup reads cgroup v2: one Go file per controller, the walk over the
// tree, and what the names of control groups mean.
//
// Each ReadX reads the files of one control group, dir, of the file system it
// is given, which is the mount of cgroup v2. A missing file that the controller
// always has is an error that wraps fs.ErrNotExist: the controller is not
// delegated to the group, or the group is gone. Files that came with a later
// kernel are nil. Keys that are not known are skipped. The package does no
// other I/O and knows no clock.
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

// IsGone reports whether an error of reading means that the file is not there:
// either it never was, or its control group was removed while it was open.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

// Exists reports whether the control group is there. Every group but a removed
// one has a cpu.stat since Linux 4.18, with or without the cpu controller.
func Exists(fsys fs.FS, dir string) bool {
	_, err := fs.Stat(fsys, join(dir, "cpu.stat"))
	return err == nil
}

// ReadControllers reads cgroup.controllers: the controllers that the group may
// give to its children.
func ReadControllers(fsys fs.FS, dir string) ([]string, error) {
	data, err := fs.ReadFile(fsys, join(dir, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	return strings.Fields(strings.ToValidUTF8(string(data), "\uFFFD")), nil
}

// join is the name of a file, or child, of the group at dir, "." for the root.
// A round joins thousands of names, and path.Join would clean each.
func join(dir, file string) string {
	if dir == "." {
		return file
	}
	return dir + "/" + file
}

// read reads one file of a group and parses it.
func read[T any](fsys fs.FS, dir, file string, parse func([]byte) (T, error)) (T, error) {
	name := join(dir, file)
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		var none T
		return none, err
	}
	value, err := parse(data)
	if err != nil {
		var none T
		return none, fmt.Errorf("parse %s: %w", name, err)
	}
	return value, nil
}

// optional is read for a file that not every kernel has: nil without it.
func optional[T any](fsys fs.FS, dir, file string, parse func([]byte) (T, error)) (*T, error) {
	value, err := read(fsys, dir, file, parse)
	if IsGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &value, nil
}

// parseNumber parses a file of one number.
func parseNumber(data []byte) (uint64, error) {
	return strconv.ParseUint(string(bytes.TrimSpace(data)), 10, 64)
}

// parseLimit parses a file of one number or "max", which is nil: no limit.
func parseLimit(data []byte) (*uint64, error) {
	if string(bytes.TrimSpace(data)) == "max" {
		return nil, nil
	}
	limit, err := parseNumber(data)
	if err != nil {
		return nil, err
	}
	return &limit, nil
}

// flatKeyed parses "KEY VALUE" lines. field says where the value of a key goes,
// nil for nowhere.
func flatKeyed(data []byte, field func(key []byte) *uint64) error {
	for line := range bytes.Lines(data) {
		key, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		to := field(key)
		if to == nil {
			continue
		}
		n, err := parseNumber(value)
		if err != nil || !ok {
			return fmt.Errorf("%s: %q is no number", key, value)
		}
		*to = n
	}
	return nil
}
