package record

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// A Recording is an archive that was opened: a node to read, whose clock stands
// still. It must be closed.
type Recording struct {
	Moment Moment
	// Errors says of each file that could not be recorded why.
	Errors []string
	folder string
}

// Open unpacks an archive into a temporary folder, which Close removes. It
// fails, and leaves nothing behind, when the file is none that [Write] wrote.
func Open(ctx context.Context, file string) (*Recording, error) {
	return open(ctx, file, defaultLimits())
}

func open(ctx context.Context, file string, most limits) (*Recording, error) {
	archive, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	folder, err := os.MkdirTemp("", "kubemon-recording-*")
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	r := &Recording{folder: folder}
	if err := r.unpack(ctx, archive, most); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is no recording of a node, or a damaged one: %w", file, err), r.Close())
	}
	return r, nil
}

// Close removes what Open unpacked.
func (r *Recording) Close() error { return os.RemoveAll(r.folder) }

// The folders of the recorded node. Those of logs may not be there.
func (r *Recording) Proc() string          { return filepath.Join(r.folder, procFolder) }
func (r *Recording) Sys() string           { return filepath.Join(r.folder, sysFolder) }
func (r *Recording) Cgroup() string        { return filepath.Join(r.folder, cgroupFolder) }
func (r *Recording) PodLogs() string       { return filepath.Join(r.folder, podLogsFolder) }
func (r *Recording) ContainerLogs() string { return filepath.Join(r.folder, containerLogsFolder) }

// Now is the moment of the recording, always.
func (r *Recording) Now() (wall time.Time, bootNanos int64, err error) {
	return r.Moment.Time, r.Moment.BootNanos, nil
}

// StatMount returns what was measured of a file system when it was recorded.
func (r *Recording) StatMount(mountPoint string) (snapshot.Filesystem, error) {
	i := slices.IndexFunc(r.Moment.Mounts, func(m Mount) bool { return m.Mount == mountPoint })
	if i < 0 {
		return snapshot.Filesystem{}, fmt.Errorf("%s was not measured when the node was recorded", mountPoint)
	}
	if mount := r.Moment.Mounts[i]; mount.Error != "" {
		return snapshot.Filesystem{}, errors.New(mount.Error)
	}
	return r.Moment.Mounts[i].Filesystem, nil
}

// unpack fills the folder and reads what is about the recording itself.
func (r *Recording) unpack(ctx context.Context, archive io.Reader, most limits) error {
	root, err := os.OpenRoot(r.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	zip, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	content := &bounded{zip, most.bytes}
	u := unpacking{root: root, left: most, made: map[string]bool{".": true}}
	if err := u.all(ctx, tar.NewReader(content)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil { // to the checksum, which comes last
		return err
	}
	for _, folder := range []string{procFolder, sysFolder, cgroupFolder} {
		if !u.made[folder] {
			return fmt.Errorf("it has no folder %s", folder)
		}
	}
	if err := r.readMoment(root); err != nil {
		return err
	}
	problems, err := root.ReadFile(errorsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Errors = strings.FieldsFunc(string(problems), func(c rune) bool { return c == '\n' })
	return nil
}

func (r *Recording) readMoment(root *os.Root) error {
	data, err := root.ReadFile(momentFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &r.Moment); err != nil {
		return fmt.Errorf("decode %s: %w", momentFile, err)
	}
	switch m := r.Moment; {
	case m.Version != version:
		return fmt.Errorf("%s has version %d, this program knows %d", momentFile, m.Version, version)
	case m.Node == "" || m.Time.IsZero() || m.BootNanos <= 0 || m.PageBytes == 0:
		return fmt.Errorf("%s lacks one of node, time, bootNanos and pageBytes", momentFile)
	}
	return nil
}

// longestName is the kernel's bound of a path.
const longestName = 4096

// An unpacking is an archive on its way into a folder. The folder is an
// os.Root, so nothing is made outside of it, whatever the names say.
type unpacking struct {
	root *os.Root
	left limits
	made map[string]bool // folders
	// symlinks are made when everything else is, so that no name leads through
	// one while it is made.
	symlinks []*tar.Header
}

func (u *unpacking) all(ctx context.Context, archive *tar.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return u.link()
		}
		if err != nil {
			return err
		}
		if err := u.entry(header, archive); err != nil {
			return fmt.Errorf("entry %.200q: %w", header.Name, err)
		}
	}
}

// entry unpacks one entry.
func (u *unpacking) entry(header *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(header.Name, "/")
	if !fs.ValidPath(name) || name == "." || len(name) > longestName {
		return errors.New("not a name of a file in a recording")
	}
	// The size of an entry with holes counts them, which the archive does not.
	u.left.entries--
	u.left.bytes -= header.Size
	if u.left.entries < 0 || u.left.bytes < 0 || header.Size > u.left.fileBytes {
		return errTooBig
	}
	if header.Typeflag == tar.TypeDir {
		return u.folder(name)
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg:
		return u.file(name, content)
	case tar.TypeLink:
		return u.root.Link(header.Linkname, name)
	case tar.TypeSymlink:
		u.symlinks = append(u.symlinks, header)
		return nil
	}
	return fmt.Errorf("type %q: want a file, a folder or a link", header.Typeflag)
}

func (u *unpacking) folder(name string) error {
	if u.made[name] {
		return nil
	}
	if err := u.root.MkdirAll(name, 0o700); err != nil {
		return err
	}
	for ; !u.made[name]; name = path.Dir(name) {
		u.made[name] = true
	}
	return nil
}

func (u *unpacking) file(name string, content io.Reader) error {
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// link makes the symbolic links. Whoever reads the recording follows them, so
// one that leads out of the folder is refused; one to nothing is not, since
// only some of the files of a node are recorded.
func (u *unpacking) link() error {
	for _, header := range u.symlinks {
		if err := u.root.Symlink(header.Linkname, header.Name); err != nil {
			return fmt.Errorf("entry %.200q: %w", header.Name, err)
		}
	}
	for _, header := range u.symlinks {
		if _, err := u.root.Stat(header.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("entry %.200q, a link to %.200q: %w", header.Name, header.Linkname, err)
		}
	}
	return nil
}

// bounded reads at most so many bytes and fails at more.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooBig
	}
	return n, err
}
