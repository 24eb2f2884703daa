package images

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDockerfiles holds the Dockerfiles to the table of programs, so that both
// ways of building give the same image.
func TestDockerfiles(t *testing.T) {
	root := filepath.Join("..", "..")
	version, err := Version(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range Kubemon() {
		t.Run(program.Module, func(t *testing.T) {
			lines := instructions(t, filepath.Join(root, program.Module, "Dockerfile"))
			for _, want := range wantInstructions(program, version) {
				if !slices.Contains(lines, want) {
					t.Errorf("the Dockerfile has no instruction\n\t%s", want)
				}
			}
			users := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "USER") })
			if users != (program.User != "") {
				t.Errorf("the Dockerfile sets a user: %v, want %v", users, program.User != "")
			}
		})
	}
}

// instructions returns the lines of a Dockerfile that are not empty and no
// comments.
func instructions(t *testing.T, name string) []string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(content), "\n"), func(line string) bool {
		return line == "" || strings.HasPrefix(line, "#")
	})
}

// wantInstructions returns the instructions from which Docker builds the image
// that Build builds.
func wantInstructions(program Program, version string) []string {
	binary := program.Binary()
	flags := strings.Join(buildFlags(), " ")
	flags = strings.Replace(flags, "-ldflags=-s -w -buildid=", `"-ldflags=-s -w -buildid="`, 1)
	want := []string{
		"ENV CGO_ENABLED=0 GOWORK=off",
		"WORKDIR /src/" + program.Module,
		fmt.Sprintf("RUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build %s -o %s %s", flags, binary, program.Package),
		"FROM scratch",
		"ARG VERSION=" + version,
		fmt.Sprintf("COPY --from=build %s %s", binary, binary),
		fmt.Sprintf("ENTRYPOINT [%q]", binary),
	}
	if program.User != "" {
		want = append(want, "USER "+program.User)
	}
	all := labels(program, "$VERSION")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		want = append(want, fmt.Sprintf("LABEL %s=%q", key, all[key]))
	}
	return want
}
