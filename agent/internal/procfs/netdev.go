package procfs

import (
	"bytes"
	"fmt"
	"io/fs"
)

// An Interface is one line of /proc/PID/net/dev, after two lines of heading:
//
//	eth0: 485575079 28397 0 0 0 0 0 0 2263171 21250 0 0 0 0 0 0
//
// The columns are bytes, packets, errs, drop, fifo, frame, compressed and
// multicast received; bytes, packets, errs, drop and four more transmitted.
type Interface struct {
	Interface string
	RxBytes   uint64
	RxPackets uint64
	RxErrors  uint64
	RxDropped uint64
	TxBytes   uint64
	TxPackets uint64
	TxErrors  uint64
	TxDropped uint64
}

// NetdevFile is the name in /proc of the file that counts the interfaces of
// the network namespace in which a process is. Its inode identifies that
// namespace, also for who may not read /proc/PID/ns.
func NetdevFile(pid int) string { return fmt.Sprintf("%d/net/dev", pid) }

// ReadNetdev reads the interfaces of the network namespace of a process.
func ReadNetdev(proc fs.FS, pid int) ([]Interface, error) {
	return read(proc, NetdevFile(pid), parseNetdev)
}

func parseNetdev(data []byte) ([]Interface, error) {
	var interfaces []Interface
	for line := range bytes.Lines(data) {
		// A name may hold a colon, the numbers do not.
		colon := bytes.LastIndexByte(line, ':')
		if colon < 0 {
			continue // heading
		}
		i := Interface{Interface: text(bytes.TrimSpace(line[:colon]))}
		var fifo, frame, compressed, multicast uint64
		err := numbers(line[colon+1:],
			&i.RxBytes, &i.RxPackets, &i.RxErrors, &i.RxDropped, &fifo, &frame, &compressed, &multicast,
			&i.TxBytes, &i.TxPackets, &i.TxErrors, &i.TxDropped)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", i.Interface, err)
		}
		interfaces = append(interfaces, i)
	}
	return interfaces, nil
}
