package cgroup

import (
	"bytes"
	"fmt"
)

// A Device is the number of a block device.
type Device struct{ Major, Minor uint64 }

// DeviceIO is one device's part of io.stat:
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

// unknownDevice is what the kernel prints for a device that the rest of the
// system does not see, such as one path of a multipath disk.
const unknownDevice = "(unknown)"

// appendIO appends the devices in the text of an io.stat. A device that the
// kernel has nothing to say of may be a bare "8:0 " at the end of its line, or
// before the next device on the same line (Linux 5.15).
func appendIO(devices []DeviceIO, text []byte) ([]DeviceIO, error) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		device, known, err := parseIOLine(line)
		if err != nil {
			return devices, fmt.Errorf("%q: %w", line, err)
		}
		if known {
			devices = append(devices, device)
		}
	}
	return devices, nil
}

// parseIOLine returns the last device of a line, and whether the line says
// anything of it.
func parseIOLine(line []byte) (device DeviceIO, known bool, err error) {
	named, visible := false, false
	for field := range bytes.FieldsSeq(line) {
		key, value, isPair := bytes.Cut(field, []byte("="))
		switch {
		case string(field) == unknownDevice:
			named, visible = true, false
		case !isPair:
			if device.Device, err = ParseDevice(field); err != nil {
				return device, false, err
			}
			named, visible = true, true
		case !named:
			return device, false, fmt.Errorf("no device before %s", field)
		default:
			to := device.field(key)
			if to == nil {
				continue
			}
			if *to, err = ParseNumber(value); err != nil {
				return device, false, fmt.Errorf("%s: %w", key, err)
			}
			known = known || visible
		}
	}
	return device, known, nil
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
