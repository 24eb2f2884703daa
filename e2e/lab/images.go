package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/e2e/images"
)

// loadProgram is the image of the known loads. Started without a command it
// waits, which is all that a pod's sandbox does, so it is that image as well.
var loadProgram = images.Program{
	Image:       "kubemon/kubemon-load",
	Module:      "e2e",
	Package:     "./cmd/load",
	Args:        []string{"pause"},
	Description: "Makes loads whose size is known.",
}

// LoadImage is the name of the image of e2e/cmd/load, whose version is that of
// kubemon.
func (l *Lab) LoadImage() string { return loadProgram.Image + ":" + l.version }

func (l *Lab) sandboxImage() string { return l.LoadImage() }

// archives are the files of the images that every node gets, when they exist.
func (l *Lab) archives() []string {
	files, err := filepath.Glob(l.path("images", "*.tar"))
	if err != nil {
		// Only a malformed pattern fails, and this one is fixed.
		panic(err)
	}
	return files
}

// buildImages builds kubemon's images and the loads'.
func (l *Lab) buildImages(ctx context.Context) error {
	started := time.Now()
	l.progress.step("building images of version %s", l.version)
	_, err := images.Build(ctx, images.Options{
		Root:      l.sources,
		Output:    l.path("images"),
		Version:   l.version,
		Platforms: []string{"linux/amd64"},
		Programs:  append(images.Kubemon(), loadProgram),
	})
	if err != nil {
		return fmt.Errorf("build images: %w", err)
	}
	l.progress.step("built images in %.1f s", time.Since(started).Seconds())
	return nil
}

// ImportImage gives an image archive to every running node, and to nodes that
// start later. An image of the same name is replaced.
func (l *Lab) ImportImage(ctx context.Context, archive string) error {
	content, err := os.ReadFile(archive)
	if err != nil {
		return fmt.Errorf("read image archive: %w", err)
	}
	name := filepath.Base(archive)
	if err := l.writeFiles("images", map[string][]byte{name: content}); err != nil {
		return err
	}
	return l.importImages(ctx, []string{l.path("images", name)})
}

// importImages imports archives on all running nodes at once.
func (l *Lab) importImages(ctx context.Context, archives []string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, node := range l.Nodes() {
		g.Go(func() error { return l.importOn(ctx, node.Number, archives) })
	}
	return g.Wait()
}

// importOn sends archives to the containerd of one node.
func (l *Lab) importOn(ctx context.Context, n int, archives []string) error {
	for _, archive := range archives {
		file, err := os.Open(archive)
		if err != nil {
			return fmt.Errorf("open image archive: %w", err)
		}
		_, err = l.OnNode(ctx, n, file, "ctr", "--namespace", "k8s.io", "images", "import", "-")
		file.Close()
		if err != nil {
			return fmt.Errorf("import %s: %w", filepath.Base(archive), err)
		}
	}
	return nil
}
