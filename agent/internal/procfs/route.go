package procfs

import (
	"bytes"
	"fmt"
	"strconv"
)

// routeUp and routeReject are flags of a route: RTF_UP and RTF_REJECT in
// include/uapi/linux/route.h.
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// ParseDefaultRoutes parses which interfaces of the node's network namespace
// have a default route of IPv4, from /proc/1/net/route:
//
//	Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask	MTU	Window	IRTT
//	eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
func ParseDefaultRoutes(data []byte) ([]string, error) {
	var names []string
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) < 8 {
			return nil, fmt.Errorf("%q is no line of a route", line)
		}
		if zeros(fields[1]) && zeros(fields[7]) && usable(fields[3]) {
			names = append(names, Text(fields[0]))
		}
	}
	return names, nil
}

// ParseDefaultRoutesIPv6 is ParseDefaultRoutes of IPv6, from /proc/1/net/ipv6_route:
//
//	00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0
//
// The columns are destination, its prefix length, source, its prefix length,
// gateway, metric, reference count, use count, flags and interface.
func ParseDefaultRoutesIPv6(data []byte) ([]string, error) {
	var names []string
	for line := range bytes.Lines(data) {
		fields := bytes.Fields(line)
		if len(fields) < 10 {
			return nil, fmt.Errorf("%q is no line of a route", line)
		}
		if zeros(fields[0]) && zeros(fields[1]) && usable(fields[8]) {
			names = append(names, Text(fields[9]))
		}
	}
	return names, nil
}

func zeros(field []byte) bool { return len(bytes.Trim(field, "0")) == 0 }

func usable(hexFlags []byte) bool {
	flags, err := strconv.ParseUint(string(hexFlags), 16, 32)
	return err == nil && flags&routeUp != 0 && flags&routeReject == 0
}
