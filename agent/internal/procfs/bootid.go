package procfs

import (
	"bytes"
	"fmt"
)

// ParseBootID parses /proc/sys/kernel/random/boot_id, a UUID that is new after
// every boot.
func ParseBootID(data []byte) (string, error) {
	id := bytes.TrimSpace(data)
	if len(id) != 36 {
		return "", fmt.Errorf("boot ID of %d characters, want 36", len(id))
	}
	return Text(id), nil
}
