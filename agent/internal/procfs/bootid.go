package procfs

import (
	"bytes"
	"fmt"
	"io/fs"
)

// ReadBootID reads /proc/sys/kernel/random/boot_id, a UUID that is new after
// every boot.
func ReadBootID(proc fs.FS) (string, error) {
	return read(proc, "sys/kernel/random/boot_id", parseBootID)
}

func parseBootID(data []byte) (string, error) {
	id := bytes.TrimSpace(data)
	if len(id) != 36 {
		return "", fmt.Errorf("boot ID of %d characters, want 36", len(id))
	}
	return text(id), nil
}
