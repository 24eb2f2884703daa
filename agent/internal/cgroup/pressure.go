package cgroup

import (
	"bytes"
	"fmt"
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
	FullMicros Count // not where the kernel has no such line
}

// ParseStall parses a pressure file. Such a file cannot be read, with an error
// that wraps errors.ErrUnsupported, when the kernel was booted without pressure
// stall information; it is missing when the kernel was built without, or when
// the group has it turned off.
func ParseStall(text []byte) (Stall, error) {
	var stall Stall
	hasSome := false
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		last := bytes.LastIndexByte(line, ' ')
		value, ok := bytes.CutPrefix(line[last+1:], []byte("total="))
		if !ok {
			return Stall{}, fmt.Errorf("%q does not end with a total", line)
		}
		total, err := ParseNumber(value)
		if err != nil {
			return Stall{}, err
		}
		switch {
		case bytes.HasPrefix(line, []byte("some ")):
			stall.SomeMicros, hasSome = total, true
		case bytes.HasPrefix(line, []byte("full ")):
			stall.FullMicros = Count{total, true}
		}
	}
	if !hasSome {
		return Stall{}, fmt.Errorf("no line some")
	}
	return stall, nil
}
