package procfs

import (
	"bytes"
	"fmt"
)

// An Interface is one line of /proc/PID/net/dev, after two lines of heading:
//
//	eth0: 485575079 28397 0 0 0 0 0 0 2263171 21250 0 0 0 0 0 0
//
// The columns are bytes, packets, errs, drop, fifo, frame, compressed and
// multicast received; bytes, packets, errs, drop and four more transmitted.
type Interface struct {
	Name      []byte // a part of the text
	RxBytes   uint64
	RxPackets uint64
	RxErrors  uint64
	RxDropped uint64
	TxBytes   uint64
	TxPackets uint64
	TxErrors  uint64
	TxDropped uint64
}

// AppendNetdev appends the interfaces in the text of a /proc/PID/net/dev: those
// of the network namespace that the process is in. The file's inode identifies
// that namespace, also for who may not read /proc/PID/ns.
func AppendNetdev(interfaces []Interface, text []byte) ([]Interface, error) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		// A name may hold a colon, the numbers do not.
		colon := bytes.LastIndexByte(line, ':')
		if colon < 0 {
			continue // heading
		}
		name := bytes.TrimSpace(line[:colon])
		var n [12]uint64
		if err := numbers(line[colon+1:], n[:]); err != nil {
			return interfaces, fmt.Errorf("interface %s: %w", name, err)
		}
		interfaces = append(interfaces, Interface{
			Name:    name,
			RxBytes: n[0], RxPackets: n[1], RxErrors: n[2], RxDropped: n[3],
			TxBytes: n[8], TxPackets: n[9], TxErrors: n[10], TxDropped: n[11],
		})
	}
	return interfaces, nil
}
