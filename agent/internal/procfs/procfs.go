// Package procfs parses the files of /proc, one Go file per kernel file.
//
// Each ParseX takes the text of one file and is pure. Text that is not what the
// kernel writes is an error; keys that the parser does not know are skipped,
// because kernels grow. What is parsed for every snapshot and any number of
// times is appended to a slice of the caller's and its names are parts of the
// text, valid as long as that is: parsing allocates nothing then.
//
// The format of every file is in the kernel's Documentation/filesystems/proc.rst
// and the manual page proc(5), unless its Go file says otherwise.
package procfs

import (
	"bytes"
	"fmt"
	"strconv"
)

// number parses a decimal number.
func number(text []byte) (uint64, error) {
	return strconv.ParseUint(string(text), 10, 64)
}

// integer parses a decimal number that the kernel keeps as an int.
func integer(text []byte) (int, error) {
	n, err := strconv.ParseUint(string(text), 10, 31)
	return int(n), err
}

// numbers parses the fields of a line into values, in order, and leaves the
// rest of the line alone. It is an error when the line has too few fields.
func numbers(line []byte, values []uint64) error {
	i := 0
	for field := range bytes.FieldsSeq(line) {
		if i == len(values) {
			return nil
		}
		n, err := number(field)
		if err != nil {
			return err
		}
		values[i] = n
		i++
	}
	if i < len(values) {
		return fmt.Errorf("%d fields, want at least %d: %q", i, len(values), line)
	}
	return nil
}
