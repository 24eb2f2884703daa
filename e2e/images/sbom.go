package images

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
)

// The names of the properties in an SBOM that CycloneDX has no field for.
const (
	imageProperty     = "kubemon:image"        // Name and tag.
	digestProperty    = "kubemon:image:digest" // Of the platform's manifest.
	platformProperty  = "kubemon:platform"
	goVersionProperty = "kubemon:go:version"
	goSumProperty     = "kubemon:go:sum" // As in go.sum, h1:<base64>.

	npmIntegrityProperty = "kubemon:npm:integrity" // As in package-lock.json, sha512-<base64>.
)

// A subject is what an SBOM describes: one program as it was built for one
// platform.
type subject struct {
	program  Program
	version  string // The image's tag.
	platform string
	digest   string // That of the image's manifest, sha256:<hex>.
}

// fileName returns the name of the SBOM beside the archive.
func (s subject) fileName() string {
	return path.Base(s.program.Image) + "-" + s.version + "-" + strings.ReplaceAll(s.platform, "/", "-") + ".cdx.json"
}

// writeSBOM writes the SBOM of the binary at the given path into the output
// folder and returns its file.
func (opt Options) writeSBOM(s subject, binary string) (string, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return "", err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", fmt.Errorf("read build information: %w", err)
	}
	bom := newSBOM(s, info, sha256.Sum256(content))
	if s.program.Packages != "" {
		packages, err := embeddedPackages(filepath.Join(opt.Root, s.program.Module, s.program.Packages), content)
		if err != nil {
			return "", fmt.Errorf("list the page's packages: %w", err)
		}
		if packages == nil {
			fmt.Fprintf(opt.Progress, "%s is built without its page: `make page` makes one\n", s.program.Image)
		}
		*bom.Components = append(*bom.Components, packages...)
	}
	file := filepath.Join(opt.Output, s.fileName())
	return file, replaceFile(file, func(w io.Writer) error {
		return cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON).SetPretty(true).
			EncodeVersion(bom, cyclonedx.SpecVersion1_6)
	})
}

// newSBOM lists what the binary says that it was built from. It has neither
// the time nor a serial number, both of which CycloneDX leaves to the writer,
// so that it is the same whenever it is written.
func newSBOM(s subject, info *debug.BuildInfo, sum [sha256.Size]byte) *cyclonedx.BOM {
	components := []cyclonedx.Component{s.module(&info.Main, true)}
	for _, dep := range info.Deps {
		components = append(components, s.module(dep, false))
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: new(s.application(info, sum))}
	bom.Components = new(append(components, standardLibrary(info)))
	return bom
}

// application returns the component that the SBOM is about: the program.
func (s subject) application(info *debug.BuildInfo, sum [sha256.Size]byte) cyclonedx.Component {
	name := s.program.Image + ":" + s.version
	return cyclonedx.Component{
		BOMRef:      name,
		Type:        cyclonedx.ComponentTypeApplication,
		Name:        path.Base(s.program.Package),
		Version:     s.version,
		Description: s.program.Description,
		Licenses:    &cyclonedx.Licenses{{License: &cyclonedx.License{ID: license}}},
		Hashes:      &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Properties: &[]cyclonedx.Property{
			{Name: imageProperty, Value: name},
			{Name: digestProperty, Value: s.digest},
			{Name: platformProperty, Value: s.platform},
			{Name: goVersionProperty, Value: info.GoVersion},
		},
	}
}

// module returns the component of a module, or of the one that it is replaced
// by. A module from these sources, which is the main one or one replaced by a
// folder, has the image's version: Go knows no other, and no sum.
func (s subject) module(m *debug.Module, main bool) cyclonedx.Component {
	folder := m.Replace != nil && (m.Replace.Version == "" || m.Replace.Version == "(devel)")
	if main || folder {
		return library(m.Path, s.version, "")
	}
	if m.Replace != nil {
		m = m.Replace
	}
	return library(m.Path, m.Version, m.Sum)
}

// standardLibrary returns the component of Go's own packages, by the name that
// databases of vulnerabilities have for them.
func standardLibrary(info *debug.BuildInfo) cyclonedx.Component {
	version, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	return library("stdlib", version, "")
}

// library returns the component of a module; the sum is left out when there
// is none.
func library(module, version, sum string) cyclonedx.Component {
	namespace, name := path.Split(module)
	purl := packageurl.NewPackageURL(packageurl.TypeGolang, strings.TrimSuffix(namespace, "/"), name, version, nil, "").ToString()
	component := cyclonedx.Component{
		BOMRef:     purl,
		Type:       cyclonedx.ComponentTypeLibrary,
		Name:       module,
		Version:    version,
		PackageURL: purl,
	}
	if sum != "" {
		component.Properties = &[]cyclonedx.Property{{Name: goSumProperty, Value: sum}}
	}
	return component
}
