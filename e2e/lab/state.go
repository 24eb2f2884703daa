package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// settings are what Open must know of a lab that Up made.
type settings struct {
	Sources  string   `json:"sources"`
	Version  string   `json:"version"`
	Listen   string   `json:"listen"`
	Programs programs `json:"programs"`
}

const settingsFile = "lab.json"

func (l *Lab) saveSettings() error {
	data, err := json.MarshalIndent(settings{
		Sources: l.sources, Version: l.version, Listen: l.ports.base.String(), Programs: l.programs,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return l.writeFiles("", map[string][]byte{settingsFile: data})
}

// Open returns a lab that Up made before. Progress is as in Options.
func Open(name string, w io.Writer) (*Lab, error) {
	if name == "" {
		name = DefaultName
	}
	dir, err := labFolder(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lab %s: there is none; `lab up` makes it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open lab %s: %w", name, err)
	}
	var s settings
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("open lab %s: parse %s: %w", name, settingsFile, err)
	}
	ports, err := parseListen(s.Listen)
	if err != nil {
		return nil, fmt.Errorf("open lab %s: %w", name, err)
	}
	return &Lab{name: name, sources: s.Sources, dir: dir, ports: ports,
		version: s.Version, programs: s.Programs, progress: newProgress(w)}, nil
}

// labFolder is where all files of the lab of this name are.
func labFolder(name string) (string, error) {
	if !validName.MatchString(name) {
		return "", fmt.Errorf("lab name %q: expected up to 20 lower-case letters, digits and inner hyphens", name)
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "labs", name), nil
}

// path returns the path of a file or folder of the lab.
func (l *Lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.dir}, elements...)...)
}

// writeFiles writes files, which may hold keys, into a folder of the lab.
func (l *Lab) writeFiles(folder string, files map[string][]byte) error {
	if err := os.MkdirAll(l.path(folder), 0o700); err != nil {
		return fmt.Errorf("make folder of lab %s: %w", l.name, err)
	}
	for name, content := range files {
		if err := os.WriteFile(l.path(folder, name), content, 0o600); err != nil {
			return fmt.Errorf("write file of lab %s: %w", l.name, err)
		}
	}
	return nil
}

// lock makes the lab's folders and keeps other programs from changing the lab
// until unlock is called or this program ends.
func (l *Lab) lock() (unlock func(), err error) {
	if err := l.makeFolders(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(l.dir+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock lab %s: %w", l.name, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock lab %s: another program is changing it: %w", l.name, err), file.Close())
	}
	return func() { file.Close() }, nil
}

// makeFolders makes the folders that the lab's files go into.
func (l *Lab) makeFolders() error {
	for _, folder := range []string{"log", "run", "uml", "images"} {
		if err := os.MkdirAll(l.path(folder), 0o700); err != nil {
			return fmt.Errorf("make folder of lab %s: %w", l.name, err)
		}
	}
	return nil
}

// Down ends everything that the lab started and removes its network and files.
// It carries on after an error, so that as little as possible stays.
func (l *Lab) Down(ctx context.Context) error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	ended, err := l.remove(ctx)
	if err != nil {
		return err
	}
	l.progress.step("lab %s is gone: %d processes ended, its network and files removed", l.name, ended)
	return os.Remove(l.dir + ".lock")
}

// remove is Down for who holds the lab's lock. It returns how many processes
// it ended.
func (l *Lab) remove(ctx context.Context) (ended int, err error) {
	names, err := l.recorded()
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, l.kill(name))
	}
	errs = append(errs, l.removeNetwork(ctx), os.RemoveAll(l.dir))
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("take lab %s down: %w", l.name, err)
	}
	return len(names), nil
}

// removeDead removes what is left of a lab of which nothing runs any more, for
// who holds the lab's lock.
func (l *Lab) removeDead(ctx context.Context) error {
	names, err := l.recorded()
	if err != nil || len(names) == 0 {
		return err
	}
	for _, name := range names {
		if _, ok := l.running(name); ok {
			return nil
		}
	}
	l.progress.step("lab %s has ended, nothing of it runs: it is made anew", l.name)
	if _, err := l.remove(ctx); err != nil {
		return err
	}
	return l.makeFolders()
}

// Status returns one line for each process that the lab started: its name,
// process number and whether it runs.
func (l *Lab) Status() ([]string, error) {
	names, err := l.recorded()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(names, strings.Compare)
	var lines []string
	for _, name := range names {
		p, ok := l.running(name)
		state := "running"
		if !ok {
			state = "ended"
		}
		lines = append(lines, fmt.Sprintf("%-26s %8d  %s", name, p.PID, state))
	}
	return lines, nil
}
