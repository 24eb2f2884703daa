package procfs

import (
	"bytes"
	"fmt"
)

// A Mount is one line of /proc/PID/mountinfo:
//
//	27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
//
// The columns are mount ID, parent ID, device, root, mount point, options, any
// number of optional fields, "-", type, source and more options.
type Mount struct {
	Device string // "major:minor"
	Root   string // the folder of the file system that is mounted
	Point  string // where it is mounted
	Type   string
	// Options are those of the file system itself.
	Options string
}

// ParseMountinfo parses /proc/PID/mountinfo, the mounts that a process sees.
func ParseMountinfo(data []byte) ([]Mount, error) {
	var mounts []Mount
	for line := range bytes.Lines(data) {
		before, after, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" - "))
		// Not bytes.Fields: a path may hold the blanks of Unicode as they are.
		fields, kind := bytes.Split(before, []byte(" ")), bytes.Split(after, []byte(" "))
		if !ok || len(fields) < 6 || len(kind) < 3 {
			return nil, fmt.Errorf("%q is no line of a mount", line)
		}
		mounts = append(mounts, Mount{
			Device:  string(fields[2]),
			Root:    unescape(fields[3]),
			Point:   unescape(fields[4]),
			Type:    Text(kind[0]),
			Options: Text(kind[len(kind)-1]),
		})
	}
	return mounts, nil
}

// unescape undoes the kernel's \ooo for space, tab, newline and backslash.
func unescape(field []byte) string {
	var plain []byte
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) && octal(field[i+1:i+4]) {
			plain = append(plain, (field[i+1]-'0')<<6|(field[i+2]-'0')<<3|(field[i+3]-'0'))
			i += 3
			continue
		}
		plain = append(plain, field[i])
	}
	return Text(plain)
}

func octal(digits []byte) bool {
	for _, d := range digits {
		if d < '0' || d > '7' {
			return false
		}
	}
	return true
}
