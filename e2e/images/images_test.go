package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// hello is the image of a tiny program that writeHello writes.
func hello() Program {
	return Program{
		Image:       "example/hello",
		Module:      "greetings",
		Package:     "./cmd/hello",
		Args:        []string{"world"},
		User:        "65532:65532",
		Description: "Says hello.",
	}
}

// helloOptions returns options that build hello from fresh sources.
func helloOptions(t *testing.T) Options {
	t.Helper()
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "greetings", "go.mod"), "module example.com/greetings\n\ngo 1.26.0\n")
	writeFile(t, filepath.Join(root, "greetings", "cmd", "hello", "main.go"),
		"package main\n\nfunc main() { println(\"hello\") }\n")
	return Options{
		Root:      root,
		Output:    filepath.Join(t.TempDir(), "dist"),
		Version:   "1.2.3",
		Platforms: []string{"linux/amd64", "linux/arm64"},
		Programs:  []Program{hello()},
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mustBuild builds and returns the only archive.
func mustBuild(t *testing.T, opt Options) Archive {
	t.Helper()
	archives, err := Build(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(archives) != 1 {
		t.Fatalf("Build returned %d archives, want 1", len(archives))
	}
	return archives[0]
}

// unpack extracts an archive, as a runtime would, and returns its folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return untar(t, f)
}

// untar extracts the files of a tar and returns their folder.
func untar(t *testing.T, content io.Reader) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, header.Name), string(content))
	}
}

// readIndex returns the index that an unpacked archive names, and its
// descriptor.
func readIndex(t *testing.T, dir string) (v1.ImageIndex, v1.Descriptor) {
	t.Helper()
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("index.json has %d entries, want 1", len(manifest.Manifests))
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index, manifest.Manifests[0]
}

func TestArchiveIsNamedAndValid(t *testing.T) {
	archive := mustBuild(t, helloOptions(t))
	if got := filepath.Base(archive.Path); got != "hello-1.2.3.tar" {
		t.Errorf("file is %s, want hello-1.2.3.tar", got)
	}
	index, descriptor := readIndex(t, unpack(t, archive.Path))
	if err := validate.Index(index); err != nil {
		t.Errorf("index is not valid: %v", err)
	}
	if got := descriptor.Digest.String(); got != archive.Digest {
		t.Errorf("index has digest %s, Build returned %s", got, archive.Digest)
	}
	full := fullName(t, "example/hello:1.2.3")
	want := map[string]string{
		"io.containerd.image.name":          full,
		"org.opencontainers.image.ref.name": "1.2.3",
	}
	if diff := cmp.Diff(want, descriptor.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// fullName returns a name with the host of the registry that runtimes add when
// a pod gives none.
func fullName(t *testing.T, name string) string {
	t.Helper()
	full, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	if full.String() == name {
		t.Fatalf("the full name of %s has no host", name)
	}
	return full.String()
}

func TestArchiveHoldsEachPlatform(t *testing.T) {
	opt := helloOptions(t)
	index, _ := readIndex(t, unpack(t, mustBuild(t, opt).Path))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, descriptor.Platform.String())
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, image, *descriptor.Platform)
	}
	if diff := cmp.Diff(opt.Platforms, platforms); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
}

// checkConfig compares the configuration of a hello image with what hello
// asks for.
func checkConfig(t *testing.T, image v1.Image, platform v1.Platform) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != platform.OS || config.Architecture != platform.Architecture {
		t.Errorf("configuration is for %s/%s, want %s", config.OS, config.Architecture, platform)
	}
	want := v1.Config{
		Entrypoint: []string{"/hello"},
		Cmd:        []string{"world"},
		User:       "65532:65532",
		Labels:     labels(hello(), "1.2.3"),
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("configuration for %s (-want +got):\n%s", platform, diff)
	}
}

// TestArchiveIsDockerSave reads the archive as the classic image store of
// Docker does, which knows manifest.json only.
func TestArchiveIsDockerSave(t *testing.T) {
	archive := mustBuild(t, helloOptions(t))
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(archive.Path) })
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, entry := range manifest {
		tags = append(tags, entry.RepoTags...)
	}
	if diff := cmp.Diff([]string{"example/hello:1.2.3", "example/hello:1.2.3-arm64"}, tags); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	dir := unpack(t, archive.Path)
	for _, entry := range manifest {
		for _, file := range append(entry.Layers, entry.Config) {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Errorf("manifest.json names a file that is not there: %v", err)
			}
		}
	}
}

func TestBuildIsReproducible(t *testing.T) {
	first := mustBuild(t, helloOptions(t))
	second := mustBuild(t, helloOptions(t)) // Other folders, same content.
	if first.Digest != second.Digest {
		t.Errorf("two builds of the same sources have digests %s and %s", first.Digest, second.Digest)
	}
	if !bytes.Equal(mustRead(t, first.Path), mustRead(t, second.Path)) {
		t.Error("two builds of the same sources give different archives")
	}
	for i, sbom := range first.SBOMs {
		if !bytes.Equal(mustRead(t, sbom), mustRead(t, second.SBOMs[i])) {
			t.Errorf("two builds of the same sources give different SBOMs %s", filepath.Base(sbom))
		}
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBuildReportsProgress(t *testing.T) {
	opt := helloOptions(t)
	var progress bytes.Buffer
	opt.Progress = &progress
	archive := mustBuild(t, opt)
	want := fmt.Sprintf("building example/hello for linux/amd64\nwrote %s\nbuilding example/hello for linux/arm64\nwrote %s\n"+
		"wrote %s  example/hello:1.2.3  %s\n", archive.SBOMs[0], archive.SBOMs[1], archive.Path, archive.Digest)
	if diff := cmp.Diff(want, progress.String()); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestBuildRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*testing.T, *Options)
		want  string
	}{
		{"no version", func(_ *testing.T, o *Options) { o.Version = "" }, "version: empty"},
		{"no output", func(_ *testing.T, o *Options) { o.Output = "" }, "output: empty"},
		{"no programs", func(_ *testing.T, o *Options) { o.Programs = nil }, "programs: none given"},
		{"no platforms", func(_ *testing.T, o *Options) { o.Platforms = nil }, "platforms: none given"},
		{"half a platform", func(_ *testing.T, o *Options) { o.Platforms = []string{"linux"} }, `platform "linux"`},
		{"a platform twice", func(_ *testing.T, o *Options) { o.Platforms = []string{"linux/arm64", "linux/arm64"} }, "given twice"},
		{"an unknown platform", func(_ *testing.T, o *Options) { o.Platforms = []string{"linux/abacus"} }, "linux/abacus"},
		{"an impossible tag", func(_ *testing.T, o *Options) { o.Version = "one two" }, "image example/hello:one two"},
		{"a package that is not there", func(_ *testing.T, o *Options) { o.Programs[0].Package = "./cmd/bye" }, "./cmd/bye"},
		{"a module that is not there", func(_ *testing.T, o *Options) { o.Programs[0].Module = "bye" }, "bye"},
		{"a program that does not compile", func(t *testing.T, o *Options) {
			writeFile(t, filepath.Join(o.Root, "greetings/cmd/hello/main.go"), "package main\n\nfunc main() { nonsense }\n")
		}, "undefined: nonsense"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opt := helloOptions(t)
			test.spoil(t, &opt)
			archives, err := Build(t.Context(), opt)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Build = %v, want an error that says %q", err, test.want)
			}
			if len(archives) > 0 {
				t.Errorf("Build returned %v beside the error", archives)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	tests := []struct{ name, chart, want, wantErr string }{
		{"given", "appVersion: \"1.2.3\"\n", "1.2.3", ""},
		{"missing", "version: 1.2.3\n", "", "has no appVersion"},
		{"not YAML", "\t:", "", "parse"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			writeFile(t, filepath.Join(root, "charts", "kubemon", "Chart.yaml"), test.chart)
			got, err := Version(root)
			if got != test.want || (err != nil) != (test.wantErr != "") {
				t.Fatalf("Version = %q, %v, want %q", got, err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("Version = %v, want an error that says %q", err, test.wantErr)
			}
		})
	}
	if _, err := Version(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Version without a chart = %v, want os.ErrNotExist", err)
	}
}
