package cgroup

import (
	"bytes"
	"fmt"
	"io/fs"
)

// A Stall is what a pressure file says of the time since boot, or since the
// group was made, in which some or all tasks waited for a resource:
//
//	some avg10=53.92 avg60=26.24 avg300=32.13 total=271759971
//	full avg10=0.00 avg60=0.00 avg300=0.00 total=0
//
// The files of /proc/pressure have the same form. See Documentation/accounting/psi.rst
// in the kernel.
type Stall struct {
	SomeMicros uint64
	FullMicros *uint64 // nil where the kernel has no such line
}

// ReadStall reads one pressure file. Its error wraps fs.ErrNotExist when the
// kernel was built without pressure stall information or the group has it
// turned off, and errors.ErrUnsupported when the kernel was booted without.
func ReadStall(fsys fs.FS, file string) (Stall, error) {
	return read(fsys, ".", file, parseStall)
}

func parseStall(data []byte) (Stall, error) {
	var stall Stall
	hasSome := false
	for line := range bytes.Lines(data) {
		kind, rest, _ := bytes.Cut(line, []byte(" "))
		_, text, ok := bytes.Cut(rest, []byte("total="))
		if !ok {
			return Stall{}, fmt.Errorf("%q has no total", line)
		}
		total, err := parseNumber(text)
		if err != nil {
			return Stall{}, err
		}
		switch string(kind) {
		case "some":
			stall.SomeMicros, hasSome = total, true
		case "full":
			stall.FullMicros = &total
		}
	}
	if !hasSome {
		return Stall{}, fmt.Errorf("no line some")
	}
	return stall, nil
}
