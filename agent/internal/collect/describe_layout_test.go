package collect_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A layout is a described node as files, by their path below its folder:
// proc, sys, cgroup, podlogs and containerlogs.
type layout struct {
	files map[string]string // a name that ends with / is a folder
	links map[string]string // symbolic, to a path relative to their folder
	same  map[string]string // hard, to another path of the node
	// fails are the files that exist and cannot be read.
	fails map[string]syscall.Errno

	without    []string          // features and files that no group has
	inIO       []string          // the devices that io.stat has, "major:minor"
	disks      map[string]string // the folder of each block device
	interfaces map[string]string // the folder of each interface
}

// A part is one kind of statement that describes a node.
type part struct {
	name   string
	layOut func(*layout, *statement) error
}

// parts are in the order in which they are laid out, whatever the order in the
// text.
var parts = []part{
	{"without", (*layout).leaveOut},
	{"cgroup", (*layout).root},
	{"disk", (*layout).disk},
	{"interface", (*layout).networkInterface},
	{"network", (*layout).network},
	{"group", func(l *layout, s *statement) error { return l.group(s, "cgroup", l.without) }},
	{"process", (*layout).lonelyProcess},
	{"podlog", func(l *layout, s *statement) error { return l.logFile(s, "podlogs/", "/0.log") }},
	{"containerlog", func(l *layout, s *statement) error { return l.logFile(s, "containerlogs/", ".log") }},
	{"file", func(l *layout, s *statement) error { return l.file(s, "") }},
	{"remove", func(l *layout, s *statement) error { return l.remove(s, "") }},
	{"fails", func(l *layout, s *statement) error { return l.failure(s, "") }},
}

// newLayout lays out the statements that describe a node.
func newLayout(node []*statement) (*layout, error) {
	l := &layout{
		files: machineFiles(), links: make(map[string]string), same: make(map[string]string), fails: make(map[string]syscall.Errno),
		disks: make(map[string]string), interfaces: make(map[string]string),
	}
	if !slices.ContainsFunc(node, func(s *statement) bool { return s.name == "cgroup" }) {
		node = append(slices.Clone(node), &statement{name: "cgroup", words: []string{"unified"}, n: 9000})
	}
	for _, s := range node {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == s.name }) {
			return nil, at(s.line, fmt.Errorf("%s describes no part of a node", s.name))
		}
	}
	for _, part := range parts {
		for _, s := range slices.DeleteFunc(slices.Clone(node), func(s *statement) bool { return s.name != part.name }) {
			if err := part.layOut(l, s); err != nil {
				return nil, at(s.line, err)
			}
		}
	}
	return l, nil
}

// features are files of which people speak by one name.
var features = map[string][]string{
	"cpu":    {"cpu.max"}, // and three of the lines of cpu.stat
	"memory": {"memory.current", "memory.stat", "memory.max", "memory.events", "memory.swap.current", "memory.peak"},
	"swap":   {"memory.swap.current"},
	"peak":   {"memory.peak"},
	"io":     {"io.stat"},
	"pids":   {"pids.current", "pids.max"},
	"psi":    {"cpu.pressure", "memory.pressure", "io.pressure", "pressure/cpu", "pressure/memory", "pressure/io"},
}

// isPartOf reports whether a file is the named one, or one of a feature's.
func isPartOf(file, name string) bool {
	files, ok := features[name]
	if !ok {
		files = []string{name}
	}
	return slices.ContainsFunc(files, func(suffix string) bool { return strings.HasSuffix(file, "/"+suffix) })
}

// leaveOut reads "without FEATURE…": what the kernel does not have.
func (l *layout) leaveOut(s *statement) error {
	l.without = append(l.without, s.words...)
	maps.DeleteFunc(l.files, func(file, _ string) bool {
		return slices.ContainsFunc(s.words, func(name string) bool { return isPartOf(file, name) })
	})
	return s.takes(len(s.words))
}

// logFile reads "podlog NAME" and "containerlog NAME".
func (l *layout) logFile(s *statement, folder, file string) error {
	if err := s.takes(1); err != nil {
		return err
	}
	l.files[folder+s.words[0]+file] = ""
	return nil
}

// file reads "file NAME TEXT…", or with the text on lines that begin with |. A
// text in quotation marks is taken as it is, without an end of line.
func (l *layout) file(s *statement, dir string) error {
	if len(s.words) == 0 || (len(s.words) > 1) == (s.text != "") {
		return fmt.Errorf("file wants a name, and its text either behind it or on lines below that begin with |")
	}
	l.files[path.Join(dir, s.words[0])] = strings.Join(s.words[1:], "") + s.text
	return s.takes(len(s.words))
}

// remove reads "remove NAME", a file or a folder.
func (l *layout) remove(s *statement, dir string) error {
	if err := s.takes(1); err != nil {
		return err
	}
	name, found := path.Join(dir, s.words[0]), false
	gone := func(file, _ string) bool {
		matches := strings.TrimSuffix(file, "/") == name || strings.HasPrefix(file, name+"/")
		found = found || matches
		return matches
	}
	maps.DeleteFunc(l.files, gone)
	maps.DeleteFunc(l.links, gone)
	maps.DeleteFunc(l.same, gone)
	if !found {
		return fmt.Errorf("remove %s: there is no such file", name)
	}
	return nil
}

// failure reads "fails NAME ERRNO": reading the file, all files in a folder, or
// all files of a feature gives that error.
func (l *layout) failure(s *statement, dir string) error {
	if err := s.takes(2); err != nil {
		return err
	}
	errno, known := errnos[s.words[1]]
	if !known {
		return fmt.Errorf("fails with %s, want one of %q", s.words[1], slices.Sorted(maps.Keys(errnos)))
	}
	name, found := path.Join(dir, s.words[0]), false
	for file := range l.files {
		if file == name || strings.HasPrefix(file, name+"/") || dir == "" && isPartOf(file, s.words[0]) {
			l.fails[file], found = errno, true
		}
	}
	if !found {
		return fmt.Errorf("fails %s: there is no such file", name)
	}
	return nil
}

// errnos are the errors with which the kernel refuses to read.
var errnos = map[string]syscall.Errno{
	"EACCES": syscall.EACCES, "EIO": syscall.EIO, "ENODEV": syscall.ENODEV, "EOPNOTSUPP": syscall.EOPNOTSUPP, "ESRCH": syscall.ESRCH,
}

// write writes the node below a folder.
func (l *layout) write(folder string) error {
	for file, text := range l.files {
		create := func(name string) error { return os.WriteFile(name, []byte(text), 0o644) }
		if strings.HasSuffix(file, "/") {
			create = func(name string) error { return os.MkdirAll(name, 0o755) }
		}
		if err := inFolder(folder, file, create); err != nil {
			return err
		}
	}
	for link, target := range l.links {
		if err := inFolder(folder, link, func(name string) error { return os.Symlink(target, name) }); err != nil {
			return err
		}
	}
	for link, file := range l.same {
		if err := inFolder(folder, link, func(name string) error { return os.Link(filepath.Join(folder, file), name) }); err != nil {
			return err
		}
	}
	return nil
}

// inFolder makes the folder that a file is to be in, then the file.
func inFolder(folder, file string, create func(name string) error) error {
	name := filepath.Join(folder, file)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return create(name)
}
