// Package procfs reads the files of /proc, one Go file per kernel file.
//
// Each ReadX opens one file of the file system it is given and hands the bytes
// to a pure parseX. A missing file is an error that wraps fs.ErrNotExist, text
// that is not what the kernel writes is an error that names the file. Keys that
// the parser does not know are skipped, because kernels grow. The package does
// no other I/O and knows no clock.
//
// The format of every file is in the kernel's Documentation/filesystems/proc.rst
// and the manual page proc(5), unless its Go file says otherwise.
package procfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"strconv"
)

// read reads one file and parses it.
func read[T any](fsys fs.FS, name string, parse func([]byte) (T, error)) (T, error) {
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

// number parses a decimal number.
func number(text []byte) (uint64, error) {
	return strconv.ParseUint(string(text), 10, 64)
}

// numbers parses the fields of a line into values, in order, and leaves the
// rest of the line alone. It is an error when the line has too few fields.
func numbers(line []byte, values ...*uint64) error {
	i := 0
	for field := range bytes.FieldsSeq(line) {
		if i == len(values) {
			return nil
		}
		n, err := number(field)
		if err != nil {
			return err
		}
		*values[i] = n
		i++
	}
	if i < len(values) {
		return fmt.Errorf("%d fields, want at least %d: %q", i, len(values), line)
	}
	return nil
}
