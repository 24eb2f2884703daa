package images

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// buildFlags leaves paths, symbol tables and version control state out of a
// binary, so that the same sources give the same bytes in every checkout.
func buildFlags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}
}

// compile builds a static binary of the command pkg, in the module at dir. The
// module's own requirements hold, not those of a workspace, which may be newer:
// the image is the same wherever the module is built.
func compile(ctx context.Context, dir, pkg, platform, output string) error {
	goos, goarch, _ := strings.Cut(platform, "/")
	args := slices.Concat([]string{"build"}, buildFlags(), []string{"-o", output, pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compile %s in %s for %s: %w\n%s", pkg, dir, platform, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}
