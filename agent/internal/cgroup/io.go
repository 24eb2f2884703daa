package cgroup

import (
	"bytes"
	"fmt"
)

// A Device is the number of a block device.
type Device struct{ Major, Minor uint64 }

// DeviceIO is one device's line of io.stat:
//
//	8:0 rbytes=90112 wbytes=67108864 rios=22 wios=64 dbytes=0 dios=0
//
// Keys come in any order, some only with a policy or a later kernel.
type DeviceIO struct {
	Device       Device
	ReadBytes    uint64
	WrittenBytes uint64
	ReadOps      uint64
	WriteOps     uint64
}

// appendIO appends the devices in the text of an io.stat.
func appendIO(devices []DeviceIO, text []byte) ([]DeviceIO, error) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		name, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		number, err := ParseDevice(name)
		if err != nil {
			return devices, fmt.Errorf("%q begins with no device", line)
		}
		device := DeviceIO{Device: number}
		keys, err := device.parseKeys(rest)
		if err != nil {
			return devices, fmt.Errorf("device %s: %w", name, err)
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
		field := d.field(key)
		if field == nil {
			continue
		}
		n, err := ParseNumber(value)
		if err != nil {
			return known, fmt.Errorf("%s: %w", key, err)
		}
		*field = n
		known++
	}
	return known, nil
}

func (d *DeviceIO) field(key []byte) *uint64 {
	switch string(key) {
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

// ParseDevice parses "major:minor".
func ParseDevice(text []byte) (Device, error) {
	major, minor, ok := bytes.Cut(text, []byte(":"))
	majorNumber, majorErr := ParseNumber(major)
	minorNumber, minorErr := ParseNumber(minor)
	if !ok || majorErr != nil || minorErr != nil {
		return Device{}, fmt.Errorf("%q is no device, want major:minor", text)
	}
	return Device{majorNumber, minorNumber}, nil
}
