package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// source is where the images say that they come from.
const source = "https://github.com/kubemon/kubemon"

// license is the license of the programs, by its SPDX identifier.
const license = "Apache-2.0"

// epoch stands for every time in an image, so that digests do not depend on
// when it was built.
func epoch() time.Time {
	return time.Unix(0, 0).UTC()
}

// newImage returns the image of one program on one platform: an empty root
// file system with the binary in it.
func newImage(program Program, version, platform, binary string) (v1.Image, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	layer, err := newLayer(path.Base(program.Binary()), content)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	base, err = mutate.ConfigFile(base, config(program, version, platform))
	if err != nil {
		return nil, err
	}
	return mutate.Append(base, mutate.Addendum{
		Layer: layer,
		History: v1.History{
			Created:   v1.Time{Time: epoch()},
			CreatedBy: "go build " + program.Package,
		},
	})
}

// config returns the image's configuration; runtimes drop an image whose
// configuration names no platform.
func config(program Program, version, platform string) *v1.ConfigFile {
	goos, goarch, _ := strings.Cut(platform, "/")
	return &v1.ConfigFile{
		OS:           goos,
		Architecture: goarch,
		Created:      v1.Time{Time: epoch()},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: []string{program.Binary()},
			Cmd:        program.Args,
			User:       program.User,
			Labels:     labels(program, version),
		},
	}
}

// labels returns the image's labels, by the names of the OCI image
// specification's annotations.
func labels(program Program, version string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       path.Base(program.Image),
		"org.opencontainers.image.description": program.Description,
		"org.opencontainers.image.version":     version,
		"org.opencontainers.image.licenses":    license,
		"org.opencontainers.image.source":      source,
	}
}

// newLayer returns a layer that holds one executable file in the root folder.
func newLayer(name string, content []byte) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Mode:     0o555,
		Size:     int64(len(content)),
		ModTime:  epoch(),
	}
	if err := w.WriteHeader(header); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
