package cgroup

import (
	"bytes"
	"fmt"
	"io/fs"
)

// DeviceIO is one device's line of io.stat:
//
//	8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0
//
// Keys come in any order, some only with a policy or a later kernel.
type DeviceIO struct {
	Device       string // "major:minor"
	ReadBytes    uint64
	WrittenBytes uint64
	ReadOps      uint64
	WriteOps     uint64
}

// ReadIO reads io.stat. The list is empty, not nil, when no device did I/O.
func ReadIO(fsys fs.FS, dir string) ([]DeviceIO, error) {
	return read(fsys, dir, "io.stat", parseIO)
}

func parseIO(data []byte) ([]DeviceIO, error) {
	devices := []DeviceIO{}
	for line := range bytes.Lines(data) {
		name, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !isDevice(name) {
			return nil, fmt.Errorf("%q begins with no device", line)
		}
		device := DeviceIO{Device: string(name)}
		keys, err := device.parseKeys(rest)
		if err != nil {
			return nil, fmt.Errorf("device %s: %w", name, err)
		}
		// The kernel writes a bare "8:0 " for a device that it has nothing
		// to say of.
		if keys > 0 {
			devices = append(devices, device)
		}
	}
	return devices, nil
}

// parseKeys fills d and returns how many of its fields the line has.
func (d *DeviceIO) parseKeys(line []byte) (int, error) {
	known := 0
	for pair := range bytes.FieldsSeq(line) {
		key, value, _ := bytes.Cut(pair, []byte("="))
		field := d.field(string(key))
		if field == nil {
			continue
		}
		n, err := parseNumber(value)
		if err != nil {
			return known, fmt.Errorf("%s: %w", key, err)
		}
		*field = n
		known++
	}
	return known, nil
}

func (d *DeviceIO) field(key string) *uint64 {
	switch key {
	case "rbytes":
		return &d.ReadBytes
	case "wbytes":
		return &d.WrittenBytes
	case "rios":
		return &d.ReadOps
	case "wios":
		return &d.WriteOps
	}
	return nil
}

// isDevice reports whether name is "major:minor".
func isDevice(name []byte) bool {
	major, minor, ok := bytes.Cut(name, []byte(":"))
	_, majorErr := parseNumber(major)
	_, minorErr := parseNumber(minor)
	return ok && majorErr == nil && minorErr == nil
}
