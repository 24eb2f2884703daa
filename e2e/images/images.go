// Package images builds kubemon's container images without Docker: static Go
// programs, one layer each, as OCI archives that container runtimes import
// from a file. It serves air-gapped users (make images) and the lab.
//
// [Build] compiles the given programs for the given platforms and writes one
// archive per image. An archive is a tar of an OCI image layout holding one
// multi-platform index; it also carries the manifest.json of docker save, for
// readers that know only that form. The index is annotated with the image's
// full name, so containerd, k3s, Podman and Docker file it under that name.
//
// Beside the archive is an SBOM for each platform, in CycloneDX's JSON: the
// program with its digests, the Go version, and every module that the binary
// says it was built from, with version and sum. It is read from the binary and
// not from go.mod, which names more than what is linked. The npm packages of the
// hub's page are in it as the page's own build lists them, which the binary
// embeds too.
//
// The result depends on the sources, the toolchain and the options alone:
// times are fixed and entries sorted, so equal inputs give equal digests.
// Build needs the go command and, with warm caches, no network. It writes only
// into the output folder and a temporary folder that it removes.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
)

// A Program is a Go command and the image it becomes.
type Program struct {
	// Image is the image's name without a tag, such as kubemon/kubemon-agent.
	Image string
	// Module is the folder of the command's Go module, below Options.Root.
	Module string
	// Package is the command's package in that module, such as
	// ./cmd/kubemon-agent. Its last element names the binary.
	Package string
	// Packages is the file, below Module, with which the program embeds a list
	// of the npm packages that its page is made of; empty if it has no page.
	Packages string
	// Args are the arguments the image gives the program by default (OCI Cmd).
	Args []string
	// User is the numeric UID:GID that the program runs as; empty is root.
	User string
	// Description says in one line what the image is for.
	Description string
}

// Binary returns the path of the program in the image, which is the entrypoint.
func (p Program) Binary() string {
	return "/" + path.Base(p.Package)
}

// Kubemon returns the programs that the chart installs.
func Kubemon() []Program {
	return []Program{
		{
			Image:       "kubemon/kubemon-agent",
			Module:      "agent",
			Package:     "./cmd/kubemon-agent",
			Description: "Serves what the kernel of one Kubernetes node says about its pods.",
		},
		{
			Image:       "kubemon/kubemon-hub",
			Module:      "hub",
			Package:     "./cmd/kubemon-hub",
			Packages:    "internal/dashboard/dist/packages.json",
			User:        "65532:65532",
			Description: "Collects from the kubemon agents and answers for the whole cluster.",
		},
	}
}

// Options say what Build builds, and where.
type Options struct {
	// Root is the top folder of the sources.
	Root string
	// Output is the folder for the archives; Build creates it.
	Output string
	// Version is the tag of every image and the version its labels give.
	Version string
	// Platforms are os/architecture pairs such as linux/amd64. The first is the
	// one that readers of manifest.json get under the plain name.
	Platforms []string
	// Programs are the images to build, usually those of Kubemon.
	Programs []Program
	// Progress receives one line for each step; nil discards them.
	Progress io.Writer
}

// An Archive is one image in a file.
type Archive struct {
	// Name is the image's name and tag, such as kubemon/kubemon-agent:0.1.0.
	Name string
	// Path is the file.
	Path string
	// Digest is that of the multi-platform index, sha256:<hex>.
	Digest string
	// SBOMs are the files that list what is in the image, one for each
	// platform, in the order of the platforms.
	SBOMs []string
}

// Build compiles each program for each platform and writes its archive,
// <output>/<last element of the name>-<version>.tar, and beside it the SBOMs,
// <...>-<version>-<os>-<architecture>.cdx.json, replacing older ones. The
// archives are in the order of the programs. An error names the program and the
// platform; files finished before it stay.
func Build(ctx context.Context, opt Options) ([]Archive, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	if opt.Progress == nil {
		opt.Progress = io.Discard
	}
	if err := os.MkdirAll(opt.Output, 0o755); err != nil {
		return nil, fmt.Errorf("create output folder: %w", err)
	}
	scratch, err := os.MkdirTemp("", "kubemon-images-")
	if err != nil {
		return nil, fmt.Errorf("create temporary folder: %w", err)
	}
	defer os.RemoveAll(scratch)

	var archives []Archive
	for _, program := range opt.Programs {
		archive, err := opt.build(ctx, program, filepath.Join(scratch, path.Base(program.Image)))
		if err != nil {
			return archives, fmt.Errorf("build image %s: %w", program.Image, err)
		}
		fmt.Fprintf(opt.Progress, "wrote %s  %s  %s\n", archive.Path, archive.Name, archive.Digest)
		archives = append(archives, archive)
	}
	return archives, nil
}

// build makes one program's archive, with dir as its own scratch folder.
func (opt Options) build(ctx context.Context, program Program, dir string) (Archive, error) {
	archive := Archive{
		Name: program.Image + ":" + opt.Version,
		Path: filepath.Join(opt.Output, path.Base(program.Image)+"-"+opt.Version+".tar"),
	}
	var variants []variant
	for _, platform := range opt.Platforms {
		fmt.Fprintf(opt.Progress, "building %s for %s\n", program.Image, platform)
		variant, sbom, err := opt.buildVariant(ctx, program, platform, filepath.Join(dir, platform))
		if err != nil {
			return Archive{}, err
		}
		fmt.Fprintf(opt.Progress, "wrote %s\n", sbom)
		variants = append(variants, variant)
		archive.SBOMs = append(archive.SBOMs, sbom)
	}
	digest, err := writeArchive(archive, variants, filepath.Join(dir, "layout"))
	archive.Digest = digest
	return archive, err
}

// buildVariant makes the image of a program for one platform and writes its
// SBOM, whose file it returns.
func (opt Options) buildVariant(ctx context.Context, program Program, platform, dir string) (variant, string, error) {
	binary := filepath.Join(dir, path.Base(program.Package))
	if err := compile(ctx, filepath.Join(opt.Root, program.Module), program.Package, platform, binary); err != nil {
		return variant{}, "", err
	}
	image, err := newImage(program, opt.Version, platform, binary)
	if err != nil {
		return variant{}, "", fmt.Errorf("assemble image for %s: %w", platform, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return variant{}, "", fmt.Errorf("compute digest for %s: %w", platform, err)
	}
	about := subject{program: program, version: opt.Version, platform: platform, digest: digest.String()}
	sbom, err := opt.writeSBOM(about, binary)
	if err != nil {
		return variant{}, "", fmt.Errorf("write SBOM for %s: %w", platform, err)
	}
	return variant{platform: platform, image: image}, sbom, nil
}

// Check refuses options from which no image could be built; the error names
// each option and what it should be.
func (opt Options) Check() error {
	var errs []error
	require := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New(message))
		}
	}
	require(opt.Root != "", "root: empty, expected the top folder of the sources")
	require(opt.Output != "", "output: empty, expected a folder for the archives")
	require(opt.Version != "", "version: empty, expected a tag such as 0.1.0")
	require(len(opt.Platforms) > 0, "platforms: none given, expected at least one such as linux/amd64")
	require(len(opt.Programs) > 0, "programs: none given, expected at least one")
	for _, program := range opt.Programs {
		_, err := reference.ParseNormalizedNamed(program.Image + ":" + opt.Version)
		require(err == nil, fmt.Sprintf("image %s:%s: expected a name and tag such as kubemon/kubemon-agent:0.1.0: %v",
			program.Image, opt.Version, err))
	}
	for _, platform := range opt.Platforms {
		os, arch, _ := strings.Cut(platform, "/")
		require(os != "" && arch != "" && !strings.Contains(arch, "/"),
			fmt.Sprintf("platform %q: expected os/architecture such as linux/amd64", platform))
	}
	sorted := slices.Sorted(slices.Values(opt.Platforms))
	require(len(slices.Compact(sorted)) == len(opt.Platforms), "platforms: one is given twice")
	return errors.Join(errs...)
}
