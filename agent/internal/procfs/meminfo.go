package procfs

import (
	"bytes"
	"fmt"
)

// Meminfo is the part of /proc/meminfo that says how much memory there is:
//
//	MemTotal:       24684096 kB
//	MemAvailable:   24070012 kB
//	SwapTotal:             0 kB
//
// A field is nil where the kernel does not have the line.
type Meminfo struct {
	TotalBytes     *uint64
	AvailableBytes *uint64
	SwapTotalBytes *uint64
	SwapFreeBytes  *uint64
}

// ParseMeminfo parses /proc/meminfo.
func ParseMeminfo(data []byte) (Meminfo, error) {
	var m Meminfo
	for line := range bytes.Lines(data) {
		key, rest, _ := bytes.Cut(line, []byte(":"))
		var field **uint64
		switch string(key) {
		case "MemTotal":
			field = &m.TotalBytes
		case "MemAvailable":
			field = &m.AvailableBytes
		case "SwapTotal":
			field = &m.SwapTotalBytes
		case "SwapFree":
			field = &m.SwapFreeBytes
		default:
			continue
		}
		var kib [1]uint64
		if err := numbers(rest, kib[:]); err != nil {
			return Meminfo{}, fmt.Errorf("%s: %w", key, err)
		}
		*field = new(kib[0] * 1024)
	}
	return m, nil
}
