package images

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// compile builds a static binary of the command pkg, in the module at dir.
//
// Paths, symbol tables and version control state are left out, so that the
// same sources give the same bytes in every checkout.
func compile(ctx context.Context, dir, pkg, platform, output string) error {
	goos, goarch, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(ctx, "go", "build",
		"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", output, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compile %s in %s for %s: %w\n%s", pkg, dir, platform, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}
