package collect_test

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// groupFiles are the files of a control group, by the rule in testdata/README.md.
func (l *layout) groupFiles(n uint64, without []string) map[string]string {
	var io strings.Builder
	for _, device := range l.inIO {
		fmt.Fprintf(&io, "%s rbytes=%d wbytes=%d rios=%d wios=%d dbytes=0 dios=0\n", device, 800*n, 900*n, 8*n, 9*n)
	}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) + "\n" }
	cpu := fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec %d\n", 1000*n, 700*n, 300*n)
	if !slices.Contains(without, "cpu") {
		cpu += fmt.Sprintf("nr_periods %d\nnr_throttled %d\nthrottled_usec %d\nnr_bursts 0\nburst_usec 0\n", 10*n, 2*n, 50*n)
	}
	return map[string]string{
		"cgroup.controllers":  "cpuset cpu io memory pids\n",
		"cgroup.events":       "populated 1\nfrozen 0\n",
		"cgroup.procs":        "",
		"cgroup.type":         "domain\n",
		"cpu.stat":            cpu,
		"cpu.max":             "max 100000\n",
		"memory.current":      number(4000 * n),
		"memory.stat":         memoryStat(n),
		"memory.max":          "max\n",
		"memory.peak":         number(5000 * n),
		"memory.swap.current": number(600 * n),
		"memory.events":       fmt.Sprintf("low 0\nhigh 0\nmax 0\noom %d\noom_kill %d\noom_group_kill 0\n", 6*n, 3*n),
		"io.stat":             io.String(),
		"pids.current":        number(n),
		"pids.max":            "max\n",
		"cpu.pressure":        pressureText(11*n, 0),
		"memory.pressure":     pressureText(14*n, 4*n),
		"io.pressure":         pressureText(15*n, 5*n),
	}
}

func memoryStat(n uint64) string {
	return fmt.Sprintf("anon %d\nfile %d\nkernel 4096\nshmem 0\ninactive_anon 0\nactive_anon 0\ninactive_file %d\nactive_file 0\n", 2000*n, 1500*n, 1000*n)
}

// root reads "cgroup unified|nested|hybrid|v1 [controllers=NAME,…]": the root of
// the cgroup2 mount.
func (l *layout) root(s *statement) error {
	if err := s.takes(1, "controllers"); err != nil {
		return err
	}
	files := l.groupFiles(s.n, nil)
	if list := s.list("controllers"); list != nil {
		files["cgroup.controllers"] = strings.Join(list, " ") + "\n"
	}
	var wanted []string
	v1 := "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t3\t9\t1\ncpu\t2\t9\t1\nmemory\t5\t9\t1\npids\t4\t9\t1\nhugetlb\t0\t9\t1\n"
	switch s.words[0] {
	case "v1":
		l.files["proc/cgroups"] = v1
		return nil
	case "hybrid": // the controllers are elsewhere
		l.files["proc/cgroups"] = v1
		wanted = []string{"cgroup.controllers", "cgroup.procs", "cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure"}
	case "unified": // a machine's root has no more
		wanted = []string{"cgroup.controllers", "cgroup.procs", "cpu.stat", "memory.stat", "io.stat", "cpu.pressure", "memory.pressure", "io.pressure"}
	case "nested":
		for file := range files {
			wanted = append(wanted, file)
		}
	default:
		return fmt.Errorf("cgroup %s, want unified, nested, hybrid or v1", s.words[0])
	}
	for _, file := range wanted {
		l.add("cgroup", file, files[file], l.without)
	}
	return nil
}

// add adds a file of a group, unless the group is without it.
func (l *layout) add(dir, file, text string, without []string) {
	name := path.Join(dir, file)
	if !slices.ContainsFunc(without, func(feature string) bool { return isPartOf(name, feature) }) {
		l.files[name] = text
	}
}

// group reads "group PATH [pids=PID:NAME,…] [net=NETWORK] [without=FEATURE,…]
// [FILE=TEXT…]": a control group below dir, and what is in it.
func (l *layout) group(s *statement, dir string, without []string) error {
	if len(s.words) != 1 {
		return fmt.Errorf("group with %d words %q, want its path", len(s.words), s.words)
	}
	without = slices.Concat(without, s.list("without"))
	for component := range strings.SplitSeq(s.words[0], "/") {
		dir = path.Join(dir, component)
		if _, there := l.files[dir+"/cpu.stat"]; there {
			continue
		}
		for file, text := range l.groupFiles(s.n, without) {
			l.add(dir, file, text, without)
		}
	}
	for _, o := range s.options {
		switch {
		case strings.Contains(o.key, "."):
			l.files[path.Join(dir, o.key)] = o.value + "\n"
		case o.key != "pids" && o.key != "net" && o.key != "without":
			return fmt.Errorf("group takes no option %s, want pids, net, without or the name of a file", o.key)
		}
	}
	if err := l.processes(s, dir); err != nil {
		return err
	}
	for _, below := range s.body {
		if err := l.inGroup(below, dir, without); err != nil {
			return at(below.line, err)
		}
	}
	return nil
}

// inGroup reads a statement below a group's.
func (l *layout) inGroup(s *statement, dir string, without []string) error {
	switch s.name {
	case "group":
		return l.group(s, dir, without)
	case "file":
		return l.file(s, dir)
	case "remove":
		return l.remove(s, dir)
	case "fails":
		return l.failure(s, dir)
	}
	return fmt.Errorf("%s in a group, want group, file, remove or fails", s.name)
}

// processes lays out the processes of the group at dir.
func (l *layout) processes(s *statement, dir string) error {
	for _, process := range s.list("pids") {
		pid, name, _ := strings.Cut(process, ":")
		l.files[dir+"/cgroup.procs"] += pid + "\n"
		if pid == "0" {
			continue // how a process outside the PID namespace is shown
		}
		if err := l.process(pid, name, strings.TrimPrefix(dir, "cgroup"), s.option("net"), s.n); err != nil {
			return err
		}
	}
	return nil
}

// lonelyProcess reads "process PID NAME [in=PATH] [net=NETWORK]": one that is in the
// root group, as kernel threads are, or in that at PATH.
func (l *layout) lonelyProcess(s *statement) error {
	if err := s.takes(2, "in", "net"); err != nil {
		return err
	}
	list := path.Join("cgroup", s.option("in"), "cgroup.procs")
	if _, there := l.files[list]; there {
		l.files[list] += s.words[0] + "\n"
	}
	return l.process(s.words[0], s.words[1], "/"+s.option("in"), s.option("net"), s.n)
}

func (l *layout) process(pid, name, group, network string, n uint64) error {
	if _, err := strconv.ParseUint(pid, 10, 31); err != nil {
		return fmt.Errorf("process %q, want PID:NAME", pid)
	}
	parent := 1
	if pid == "1" {
		parent = 0
	}
	l.files["proc/"+pid+"/stat"] = fmt.Sprintf("%s (%s) S %d 1 1 0 -1 4194560 0 0 0 0 %d %d 0 0 20 0 %d 0 %d 4096 %d 18446744073709551615 1 1 0\n",
		pid, name, parent, 2*n, n, n, 10*n, 4*n)
	l.files["proc/"+pid+"/cgroup"] = "0::" + group + "\n"
	if pid == "1" {
		return nil // its network is the node's
	}
	namespace := "proc/1/net/dev"
	if network != "" {
		namespace = "networks/" + network
	}
	if _, there := l.files[namespace]; !there {
		return fmt.Errorf("process %s is in the network %s, which is not described", pid, network)
	}
	l.same["proc/"+pid+"/net/dev"] = namespace
	return nil
}

// network reads "network NAME INTERFACE=N…": a network namespace of a pod.
func (l *layout) network(s *statement) error {
	if len(s.words) != 1 {
		return fmt.Errorf("network with %d words %q, want its name", len(s.words), s.words)
	}
	text := netdevHeading
	for _, o := range s.options {
		n, err := strconv.ParseUint(o.value, 10, 64)
		if err != nil {
			return fmt.Errorf("interface %s=%s, want a number", o.key, o.value)
		}
		text += netdevLine(o.key, n)
	}
	l.files["networks/"+s.words[0]] = text
	return nil
}
