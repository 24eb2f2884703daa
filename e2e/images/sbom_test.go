package images

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// agentArchive builds the agent's image from the project's own sources, for a
// program with modules of every kind.
func agentArchive(t *testing.T, output string) (Archive, string) {
	t.Helper()
	opt := Options{
		Root:      filepath.Join("..", ".."),
		Output:    output,
		Version:   "1.2.3",
		Platforms: []string{"linux/amd64", "linux/arm64"},
		Programs:  Kubemon()[:1],
	}
	archive := mustBuild(t, opt)
	return archive, unpack(t, archive.Path)
}

// TestSBOMIsOfTheBinary compares each SBOM with what the go command says of the
// binary in the image.
func TestSBOMIsOfTheBinary(t *testing.T) {
	archive, unpacked := agentArchive(t, t.TempDir())
	index, _ := readIndex(t, unpacked)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.SBOMs) != len(manifest.Manifests) {
		t.Fatalf("%d SBOMs for %d platforms", len(archive.SBOMs), len(manifest.Manifests))
	}
	for i, descriptor := range manifest.Manifests {
		platform := descriptor.Platform.String()
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil {
			t.Fatal(err)
		}
		content, err := layers[0].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(untar(t, content), "kubemon-agent")
		bom := readSBOM(t, archive.SBOMs[i])
		if diff := cmp.Diff(modulesOf(t, binary), listed(t, bom)); diff != "" {
			t.Errorf("modules for %s (-binary +SBOM):\n%s", platform, diff)
		}
		checkApplication(t, bom, binary, map[string]string{
			"kubemon:image":        "kubemon/kubemon-agent:1.2.3",
			"kubemon:image:digest": descriptor.Digest.String(),
			"kubemon:platform":     platform,
		})
	}
}

// checkApplication compares the component that an SBOM is about with the
// binary, and its properties, besides the Go version, with want.
func checkApplication(t *testing.T, bom *cyclonedx.BOM, binary string, want map[string]string) {
	t.Helper()
	program := bom.Metadata.Component
	if program.Name != "kubemon-agent" || program.Version != "1.2.3" {
		t.Errorf("the SBOM is about %s %s, want kubemon-agent 1.2.3", program.Name, program.Version)
	}
	sum := sha256.Sum256(mustRead(t, binary))
	if diff := cmp.Diff(&[]cyclonedx.Hash{{Algorithm: "SHA-256", Value: hex.EncodeToString(sum[:])}}, program.Hashes); diff != "" {
		t.Errorf("hashes (-binary +SBOM):\n%s", diff)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	want["kubemon:go:version"] = info.GoVersion
	if diff := cmp.Diff(want, properties(program)); diff != "" {
		t.Errorf("properties (-want +SBOM):\n%s", diff)
	}
}

// modulesOf returns "path version sum" of each module in a binary, from what
// `go version -m` prints, and of the standard library. Modules of the sources
// have the version that agentArchive gives.
func modulesOf(t *testing.T, binary string) []string {
	t.Helper()
	out, err := exec.Command("go", "version", "-m", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	modules := []string{"stdlib " + lines[0][strings.LastIndex(lines[0], " go")+3:] + " "}
	for i, line := range lines {
		fields := append(strings.Split(strings.TrimSpace(line), "\t"), "")
		replaced := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t=>\t")
		switch {
		case fields[0] == "mod" || fields[0] == "dep" && replaced:
			modules = append(modules, fields[1]+" 1.2.3 ")
		case fields[0] == "dep":
			modules = append(modules, strings.Join(fields[1:4], " "))
		}
	}
	if len(modules) < 4 || !strings.Contains(strings.Join(modules, "\n"), " h1:") {
		t.Fatalf("the binary has the modules %q: expected the project's own and others with sums", modules)
	}
	slices.Sort(modules)
	return modules
}

// listed returns "name version sum" of each component of an SBOM, sorted.
func listed(t *testing.T, bom *cyclonedx.BOM) []string {
	t.Helper()
	var modules []string
	for _, component := range *bom.Components {
		modules = append(modules, component.Name+" "+component.Version+" "+properties(&component)["kubemon:go:sum"])
	}
	slices.Sort(modules)
	return modules
}

func properties(component *cyclonedx.Component) map[string]string {
	values := map[string]string{}
	if component.Properties != nil {
		for _, property := range *component.Properties {
			values[property.Name] = property.Value
		}
	}
	return values
}

// readSBOM reads a file as CycloneDX's own library does.
func readSBOM(t *testing.T, file string) *cyclonedx.BOM {
	t.Helper()
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(mustRead(t, file)), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

// TestSBOMSaysNothingOfItsWriting builds the agent twice, which also has
// modules of others.
func TestSBOMSaysNothingOfItsWriting(t *testing.T) {
	first, _ := agentArchive(t, t.TempDir())
	second, _ := agentArchive(t, t.TempDir())
	for i := range first.SBOMs {
		if diff := cmp.Diff(string(mustRead(t, first.SBOMs[i])), string(mustRead(t, second.SBOMs[i]))); diff != "" {
			t.Errorf("two builds of the same sources give different SBOMs (-first +second):\n%s", diff)
		}
		if bom := readSBOM(t, first.SBOMs[i]); bom.SerialNumber != "" || bom.Metadata.Timestamp != "" {
			t.Errorf("the SBOM has serial number %q and time %q, want neither", bom.SerialNumber, bom.Metadata.Timestamp)
		}
	}
}

func TestModule(t *testing.T) {
	tests := []struct {
		name   string
		module debug.Module
		main   bool
		want   string // Package URL and sum.
	}{
		{"main", debug.Module{Path: "example.com/greetings", Version: "(devel)"}, true, "pkg:golang/example.com/greetings@1.2.3 "},
		{"of others", debug.Module{Path: "example.com/Words/v2", Version: "v2.0.1", Sum: "h1:abc="}, false,
			"pkg:golang/example.com/Words/v2@v2.0.1 h1:abc="},
		{"incompatible", debug.Module{Path: "example.com/words", Version: "v2.0.1+incompatible", Sum: "h1:abc="}, false,
			"pkg:golang/example.com/words@v2.0.1%2Bincompatible h1:abc="},
		{"replaced by a folder", debug.Module{Path: "example.com/words", Version: "v0.0.0",
			Replace: &debug.Module{Path: "../words", Version: "(devel)"}}, false, "pkg:golang/example.com/words@1.2.3 "},
		{"replaced by a module", debug.Module{Path: "example.com/words", Version: "v1.0.0",
			Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1", Sum: "h1:def="}}, false,
			"pkg:golang/example.com/fork@v1.0.1 h1:def="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			component := subject{version: "1.2.3"}.module(&test.module, test.main)
			if got := component.PackageURL + " " + properties(&component)["kubemon:go:sum"]; got != test.want {
				t.Errorf("module is %q, want %q", got, test.want)
			}
		})
	}
}

// TestSBOMFollowsTheSchema validates an SBOM by the JSON schema of CycloneDX,
// which comes with the library.
func TestSBOMFollowsTheSchema(t *testing.T) {
	schema := schema(t)
	archive, _ := agentArchive(t, t.TempDir())
	for _, sbom := range archive.SBOMs {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(mustRead(t, sbom)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", filepath.Base(sbom), err)
		}
		delete(document.(map[string]any), "bomFormat")
		if err := schema.Validate(document); err == nil {
			t.Errorf("%s follows the schema without its bomFormat as well: the schema says nothing", filepath.Base(sbom))
		}
	}
}

// schema returns the JSON schema of CycloneDX 1.6.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "schema")
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schemax.json"} {
		var document map[string]any
		if err := json.Unmarshal(mustRead(t, filepath.Join(folder, name)), &document); err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		if err := compiler.AddResource(document["$id"].(string), document); err != nil {
			t.Fatalf("add %s: %v", name, err)
		}
	}
	const id = "http://cyclonedx.org/schema/bom-1.6.schema.json"
	compiled, err := compiler.Compile(id)
	if err != nil {
		t.Fatalf("compile %s: %v", id, err)
	}
	return compiled
}
