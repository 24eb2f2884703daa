package images

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The annotations by which runtimes learn an archived image's name. containerd
// and Podman take the first, which is a full name with the registry's host;
// the second is the OCI image specification's, and holds the tag.
const (
	nameAnnotation = "io.containerd.image.name"
	tagAnnotation  = "org.opencontainers.image.ref.name"
)

// A variant is an image for one platform.
type variant struct {
	platform string
	image    v1.Image
}

// writeArchive writes the variants as one archive and returns the digest of
// their index. It prepares the layout in dir, which must not exist.
func writeArchive(archive Archive, variants []variant, dir string) (string, error) {
	index := newIndex(variants)
	digest, err := index.Digest()
	if err != nil {
		return "", fmt.Errorf("compute digest: %w", err)
	}
	if err := writeLayout(dir, archive.Name, index); err != nil {
		return "", fmt.Errorf("write image layout: %w", err)
	}
	if err := writeManifestJSON(filepath.Join(dir, "manifest.json"), archive.Name, variants); err != nil {
		return "", fmt.Errorf("write manifest.json: %w", err)
	}
	if err := writeTar(archive.Path, os.DirFS(dir)); err != nil {
		return "", fmt.Errorf("write archive %s: %w", archive.Path, err)
	}
	return digest.String(), nil
}

// newIndex returns the index that lists each variant with its platform.
func newIndex(variants []variant) v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, v := range variants {
		goos, goarch, _ := strings.Cut(v.platform, "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        v.image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: goos, Architecture: goarch}},
		})
	}
	return index
}

// writeLayout writes an OCI image layout whose only entry is index, named.
func writeLayout(dir, name string, index v1.ImageIndex) error {
	full, err := reference.ParseDockerRef(name)
	if err != nil {
		return fmt.Errorf("parse image name %q: %w", name, err)
	}
	root, err := layout.Write(dir, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return err
	}
	tag := name[strings.LastIndex(name, ":")+1:]
	return root.AppendIndex(index, layout.WithAnnotations(map[string]string{
		nameAnnotation: full.String(),
		tagAnnotation:  tag,
	}))
}

// A savedImage is an entry of manifest.json, the table of contents of a
// docker save archive; paths are relative to the archive's root.
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// writeManifestJSON lists the variants in the form of docker save. That form
// knows no platforms, so only the first variant has the plain name; the
// others' names end in their architecture.
func writeManifestJSON(file, name string, variants []variant) error {
	var saved []savedImage
	for i, v := range variants {
		manifest, err := v.image.Manifest()
		if err != nil {
			return err
		}
		tag := name
		if i > 0 {
			tag += "-" + path.Base(v.platform)
		}
		entry := savedImage{Config: blobPath(manifest.Config.Digest), RepoTags: []string{tag}}
		for _, layer := range manifest.Layers {
			entry.Layers = append(entry.Layers, blobPath(layer.Digest))
		}
		saved = append(saved, entry)
	}
	data, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// blobPath returns where an OCI image layout keeps the content of a digest.
func blobPath(digest v1.Hash) string {
	return path.Join("blobs", digest.Algorithm, digest.Hex)
}

// writeTar writes the files of tree to a tar at name, in the order of their
// paths.
func writeTar(name string, tree fs.FS) error {
	return replaceFile(name, func(file io.Writer) error {
		w := tar.NewWriter(file)
		if err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return addFile(w, tree, file)
		}); err != nil {
			return err
		}
		return w.Close()
	})
}

// replaceFile writes a file that everybody may read. It appears under its name
// only when it is complete; until then an older one stays.
func replaceFile(name string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	if err := write(temp); err != nil {
		return err
	}
	if err := temp.Chmod(0o644); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}

// addFile appends one file of tree to the tar, with nothing of its own but
// its name and content.
func addFile(w *tar.Writer, tree fs.FS, name string) error {
	f, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Mode:     0o644,
		Size:     info.Size(),
		ModTime:  epoch(),
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
