package images

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
)

// An npmPackage is an element of packages.json, which the page's build writes
// (hub/dashboard/scripts/packages.mjs).
type npmPackage struct {
	Name      string `json:"name"`    // With its scope, @tanstack/react-query.
	Version   string `json:"version"` // Without a v, 19.3.1.
	License   string `json:"license"` // An SPDX identifier or expression.
	Integrity string `json:"integrity"`
}

// embeddedPackages returns the components of the page in a program, as the file
// lists them that is embedded with it. Without that file the page was not built,
// and the program has none. A list that is not in the binary is an error: it is
// of another page.
func embeddedPackages(file string, binary []byte) ([]cyclonedx.Component, error) {
	list, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(binary, list) {
		return nil, fmt.Errorf("%s is not what the binary embeds: the page was built anew meanwhile; build again", file)
	}
	var packages []npmPackage
	if err := json.Unmarshal(list, &packages); err != nil {
		return nil, fmt.Errorf("decode %s: %w", file, err)
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("%s lists no package, expected those that the page is made of", file)
	}
	var components []cyclonedx.Component
	for i, p := range packages {
		if p.Name == "" || p.Version == "" || p.License == "" || p.Integrity == "" {
			return nil, fmt.Errorf("%s: package %d is %+v, expected name, version, license and integrity", file, i, p)
		}
		components = append(components, p.component())
	}
	return components, nil
}

func (p npmPackage) component() cyclonedx.Component {
	scope, name := path.Split(p.Name)
	purl := packageurl.NewPackageURL(packageurl.TypeNPM, strings.TrimSuffix(scope, "/"), name, p.Version, nil, "").ToString()
	return cyclonedx.Component{
		BOMRef:     purl,
		Type:       cyclonedx.ComponentTypeLibrary,
		Name:       p.Name,
		Version:    p.Version,
		Licenses:   &cyclonedx.Licenses{spdx(p.License)},
		PackageURL: purl,
		Properties: &[]cyclonedx.Property{{Name: npmIntegrityProperty, Value: p.Integrity}},
	}
}

// spdx returns a license by its identifier, or what an expression says of
// several.
func spdx(license string) cyclonedx.LicenseChoice {
	if strings.ContainsAny(license, " ()") {
		return cyclonedx.LicenseChoice{Expression: license}
	}
	return cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: license}}
}
