package collect_test

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// machineFiles are the files that are the same on every described node, unless
// the description replaces them.
func machineFiles() map[string]string {
	return map[string]string{
		"proc/sys/kernel/random/boot_id": "2f60d716-2ddd-4824-a862-85bc218a1e97\n",
		"proc/stat":                      "cpu  100 10 50 1000 20 5 5 3 0 0\ncpu0 50 5 25 500 10 3 2 1 0 0\ncpu1 50 5 25 500 10 2 3 2 0 0\nintr 1 2 3\n",
		"proc/meminfo":                   "MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:     600 kB\nSwapTotal:         50 kB\nSwapFree:          40 kB\n",
		"proc/loadavg":                   "0.50 0.25 0.10 1/10 999\n",
		"proc/pressure/cpu":              pressureText(11*7, 0),
		"proc/pressure/memory":           pressureText(14*7, 4*7),
		"proc/pressure/io":               pressureText(15*7, 5*7),
		"proc/diskstats":                 "",
		"proc/cgroups":                   "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t9\t1\ncpu\t0\t9\t1\nmemory\t0\t9\t1\npids\t0\t9\t1\n",
		"proc/1/net/route":               "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
		"proc/1/net/ipv6_route":          strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) + " ffffffff 00000001 00000000 00200200       lo\n",
		"proc/1/net/dev":                 netdevHeading + netdevLine("lo", 1),
		"sys/block/":                     "",
		"sys/class/net/":                 "",
		"podlogs/":                       "",
		"containerlogs/":                 "",
	}
}

func pressureText(some, full uint64) string {
	const line = "%s avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"
	return fmt.Sprintf(line, "some", some) + fmt.Sprintf(line, "full", full)
}

const netdevHeading = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

func netdevLine(name string, n uint64) string {
	return fmt.Sprintf("%6s: %d %d %d %d 0 0 0 0 %d %d %d %d 0 0 0 0\n", name, 100*n, 10*n, n, 2*n, 300*n, 30*n, 3*n, 4*n)
}

// disk reads "disk NAME MAJOR:MINOR [virtual] [hidden] [part-of=DISK] [on=DISK,…]".
func (l *layout) disk(s *statement) error {
	hidden, virtual := s.take("hidden"), s.take("virtual") || s.option("on") != ""
	if err := s.takes(2, "part-of", "on"); err != nil {
		return err
	}
	name, device, whole := s.words[0], s.words[1], s.option("part-of")
	major, minor, ok := strings.Cut(device, ":")
	if !ok {
		return fmt.Errorf("disk %s has the number %s, want MAJOR:MINOR", name, device)
	}
	folder := "sys/devices/pci/block/" + name
	switch {
	case virtual:
		folder = "sys/devices/virtual/block/" + name
	case whole != "":
		folder = path.Join(l.disks[whole], name)
	}
	for _, below := range append(s.list("on"), whole) {
		if below != "" && l.disks[below] == "" {
			return fmt.Errorf("disk %s is on %s, which no line above describes", name, below)
		}
	}
	l.disks[name] = folder
	l.diskFiles(s, folder, hidden)
	l.files["proc/diskstats"] += fmt.Sprintf("%4s %7s %s %d 0 %d 0 %d 0 %d 0 0 %d 0 0 0 0 0 0 0\n", major, minor, name, 10*s.n, 100*s.n, 20*s.n, 200*s.n, 3*s.n)
	if whole == "" && !hidden {
		l.inIO = append(l.inIO, device)
	}
	return nil
}

// diskFiles lays out a disk's folder in sysfs and the links to it.
func (l *layout) diskFiles(s *statement, folder string, hidden bool) {
	name, device := s.words[0], s.words[1]
	if hidden {
		l.files[folder+"/hidden"] = "1\n" // and no dev
	} else {
		l.files[folder+"/dev"] = device + "\n"
		l.link("sys/dev/block/"+device, folder)
	}
	if s.option("part-of") != "" {
		l.files[folder+"/partition"] = "1\n"
	} else {
		l.link("sys/block/"+name, folder)
		l.files[folder+"/slaves/"] = ""
	}
	l.link("sys/class/block/"+name, folder)
	for _, below := range s.list("on") {
		l.link(folder+"/slaves/"+below, l.disks[below])
		l.link(l.disks[below]+"/holders/"+name, folder)
	}
}

// link makes a symbolic link to another path of the node, relative as in sysfs.
func (l *layout) link(name, target string) {
	relative, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		panic(err) // both are relative to the node's folder
	}
	l.links[name] = relative
}

// networkInterface reads "interface NAME [physical] [route] [route6]
// [master-of=NAME,…] [above=NAME,…]" of the node's own network namespace.
func (l *layout) networkInterface(s *statement) error {
	physical, route, route6 := s.take("physical"), s.take("route"), s.take("route6")
	if err := s.takes(1, "master-of", "above"); err != nil {
		return err
	}
	name := s.words[0]
	folder := "sys/devices/virtual/net/" + name
	if physical {
		folder = fmt.Sprintf("sys/devices/pci%d/net/%s", len(l.interfaces), name)
	}
	l.interfaces[name] = folder
	l.files[folder+"/type"] = "1\n"
	l.link("sys/class/net/"+name, folder)
	for _, below := range slices.Concat(s.list("master-of"), s.list("above")) {
		if l.interfaces[below] == "" {
			return fmt.Errorf("interface %s is above %s, which no line above describes", name, below)
		}
		l.link(folder+"/lower_"+below, l.interfaces[below])
		l.link(l.interfaces[below]+"/upper_"+name, folder)
	}
	for _, below := range s.list("master-of") {
		l.link(l.interfaces[below]+"/master", folder)
	}
	if route {
		l.files["proc/1/net/route"] += name + "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	}
	if route6 {
		l.files["proc/1/net/ipv6_route"] += strings.Repeat("0", 32) + " 00 " + strings.Repeat("0", 32) + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 " + name + "\n"
	}
	l.files["proc/1/net/dev"] += netdevLine(name, s.n)
	return nil
}
