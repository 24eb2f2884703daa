package images

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const twoPackages = `[
  {"name": "words", "version": "1.0.0", "license": "MIT", "integrity": "sha512-abc="},
  {"name": "@made/up", "version": "2.0.0-rc.1", "license": "(MIT OR Apache-2.0)", "integrity": "sha512-def="}
]
`

// pageOptions returns options that build hello with a page in it, whose build
// left that list of packages.
func pageOptions(t *testing.T, list string) Options {
	t.Helper()
	opt := helloOptions(t)
	opt.Programs[0].Packages = "cmd/hello/dist/packages.json"
	command := filepath.Join(opt.Root, "greetings", "cmd", "hello")
	writeFile(t, filepath.Join(command, "dist", "packages.json"), list)
	writeFile(t, filepath.Join(command, "main.go"), `package main

import "embed"

//go:embed all:dist
var page embed.FS

func main() {
	list, _ := page.ReadFile("dist/packages.json")
	println(string(list))
}
`)
	return opt
}

// npmComponents returns "purl license integrity" of each npm package of an SBOM.
func npmComponents(t *testing.T, bom *cyclonedx.BOM) []string {
	t.Helper()
	var packages []string
	for _, component := range *bom.Components {
		if !strings.HasPrefix(component.PackageURL, "pkg:npm/") {
			continue
		}
		license := (*component.Licenses)[0]
		text := license.Expression
		if license.License != nil {
			text = license.License.ID
		}
		packages = append(packages, component.PackageURL+" "+text+" "+properties(&component)["kubemon:npm:integrity"])
	}
	return packages
}

func TestSBOMHasThePagesPackages(t *testing.T) {
	opt := pageOptions(t, twoPackages)
	schema := schema(t)
	archive := mustBuild(t, opt)
	for _, file := range archive.SBOMs {
		want := []string{"pkg:npm/words@1.0.0 MIT sha512-abc=", "pkg:npm/%40made/up@2.0.0-rc.1 (MIT OR Apache-2.0) sha512-def="}
		if diff := cmp.Diff(want, npmComponents(t, readSBOM(t, file))); diff != "" {
			t.Errorf("%s (-want +SBOM):\n%s", filepath.Base(file), diff)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(mustRead(t, file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

func TestSBOMOfAProgramWithoutItsPage(t *testing.T) {
	opt := helloOptions(t)
	opt.Programs[0].Packages = "cmd/hello/dist/packages.json"
	var progress bytes.Buffer
	opt.Progress = &progress
	if got := npmComponents(t, readSBOM(t, mustBuild(t, opt).SBOMs[0])); len(got) != 0 {
		t.Errorf("the SBOM has %q of a page that was not built", got)
	}
	if !strings.Contains(progress.String(), "example/hello is built without its page: `make page` makes one\n") {
		t.Errorf("the build does not say that the page is missing:\n%s", progress.String())
	}
}

func TestBadListsOfPackages(t *testing.T) {
	tests := []struct{ name, list, embedded, want string }{
		{"another page's", twoPackages, "other bytes", "is not what the binary embeds"},
		{"broken", "[{", "", "unexpected end of JSON input"},
		{"empty", "[]", "", "lists no package"},
		{"without a license", `[{"name": "words", "version": "1.0.0", "integrity": "sha512-abc="}]`, "", "package 0 is {Name:words Version:1.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "packages.json")
			writeFile(t, file, tt.list)
			if tt.embedded == "" {
				tt.embedded = "before " + tt.list + " after"
			}
			packages, err := embeddedPackages(file, []byte(tt.embedded))
			if err == nil || packages != nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%v, %v; want an error that names the file and says %q", packages, err, tt.want)
			}
		})
	}
}

// TestHubsPackages compares what the hub's page lists, as it was built last,
// with what its source asks for: all of that, what that needs in turn, and
// nothing that only builds or tests it.
func TestHubsPackages(t *testing.T) {
	root := filepath.Join("..", "..")
	hub := Kubemon()[1]
	file := filepath.Join(root, hub.Module, hub.Packages)
	var source struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(mustRead(t, filepath.Join(root, "hub", "dashboard", "package.json")), &source); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: build the page with `make page` first", err)
	}
	var built []npmPackage
	if err := json.Unmarshal(list, &built); err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for _, p := range built {
		versions[p.Name] = p.Version
		if _, tool := source.DevDependencies[p.Name]; tool {
			t.Errorf("%s is in the page, and only builds or tests it", p.Name)
		}
	}
	for name, version := range source.Dependencies {
		if versions[name] != version {
			t.Errorf("%s is in the page as %q, want %s", name, versions[name], version)
		}
	}
	for _, inTurn := range []string{"@tanstack/query-core", "scheduler"} {
		if versions[inTurn] == "" {
			t.Errorf("the page has no %s, which its packages need", inTurn)
		}
	}
}
