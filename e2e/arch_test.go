// Package e2e checks the project as a whole, from outside its programs: the
// architecture's import rules here, the chart, the images and a real cluster
// in the folders below.
package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const project = "github.com/kubemon/kubemon/"

// A room is a set of packages under one rule: who may be imported besides the
// standard library, and which names of it are out of bounds.
type room struct {
	packages string   // a path below the project, or a prefix ending in /...
	ours     []string // packages of the project that may be imported
	theirs   []string // modules of others that may be imported
	banned   []string // imports, or selectors such as time.Now
	why      string
}

// pure is what a room without input, output and clock does without.
var pure = []string{
	"os", "net", "net/http", "log", "log/slog", "context",
	"time.Now", "time.Since", "time.Sleep", "time.After", "go statement",
}

// rooms lists the rules; the first that matches a package holds. Tests may
// import more than the code they test and are left out.
var rooms = []room{
	{packages: "shared/snapshot", theirs: []string{"github.com/tinylib/msgp"}, banned: pure,
		why: "the contract does no I/O and needs only its generated encoding"},
	{packages: "shared/daemon",
		why: "what both programs share costs them nothing but the standard library"},
	{packages: "shared/identity", theirs: []string{"github.com/go-jose/go-jose/v4"},
		why: "the room of the library for tokens; it asks nobody itself"},
	{packages: "shared/identity/identitytest", theirs: []string{"github.com/go-jose/go-jose/v4"},
		why: "tokens for tests"},
	{packages: "shared/certificate", ours: []string{"shared/identity"},
		why: "keys are made by the standard library, and attested by whom it is given"},

	{packages: "agent/internal/hostfs", theirs: []string{"golang.org/x/sys"}, banned: []string{"go statement"},
		why: "the one door to the node's file systems"},
	{packages: "agent/internal/procfs", banned: pure, why: "parsers are pure"},
	{packages: "agent/internal/cgroup", ours: []string{"agent/internal/hostfs"}, banned: pure,
		why: "parsers are pure; the tree and its groups read through hostfs"},
	{packages: "agent/internal/collect",
		ours:   []string{"shared/snapshot", "agent/internal/hostfs", "agent/internal/procfs", "agent/internal/cgroup"},
		banned: []string{"os", "net/http", "go statement"},
		why:    "collect reads what hostfs hands it and serves nobody"},
	{packages: "agent/internal/serve", ours: []string{"shared/snapshot", "agent/internal/problem"},
		why: "serve takes a collector; it does not know where numbers come from"},
	{packages: "agent/internal/auth", ours: []string{"shared/identity", "agent/internal/problem"}, banned: []string{"os", "net", "go statement"},
		why: "who may ask is decided from the request alone"},
	{packages: "agent/internal/kube", ours: []string{"shared/identity"}, banned: []string{"go statement"},
		why: "three calls to the API server need no client of Kubernetes"},
	{packages: "agent/internal/problem", banned: []string{"os", "go statement"},
		why: "errors are written alike, whoever finds them"},
	{packages: "agent/internal/history", ours: []string{"shared/snapshot"}, banned: []string{"os", "net", "net/http", "go statement"},
		why: "snapshots are kept in memory; whose they are and who asks is no concern of it"},
	{packages: "agent/internal/table", ours: []string{"shared/snapshot"}, banned: pure,
		why: "the text for people is made of a snapshot and nothing else"},
	{packages: "agent/internal/record", ours: []string{"shared/snapshot"}, banned: []string{"net", "net/http", "time.Now", "go statement"},
		why: "a recording is copied from the folders it is given; the clock is part of it"},
	{packages: "agent/internal/fixture", banned: []string{"net", "net/http", "time.Now", "go statement"},
		why: "described nodes for tests share no code with what reads them"},
	{packages: "agent/cmd/...", ours: []string{"shared/...", "agent/internal/..."},
		why: "the agent has no Kubernetes client and no web framework"},

	{packages: "hub", ours: []string{"shared/snapshot"}, banned: pure, why: "vocabulary only"},
	{packages: "hub/internal/discover", ours: []string{"hub"}, theirs: []string{"k8s.io/client-go", "k8s.io/api", "k8s.io/apimachinery"},
		why: "one of the two rooms of client-go that read"},
	{packages: "hub/internal/inventory", ours: []string{"hub"},
		theirs: []string{"k8s.io/client-go", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/component-helpers"},
		why:    "one of the two rooms of client-go that read"},
	{packages: "hub/internal/events", ours: []string{"hub"}, theirs: []string{"k8s.io/client-go", "k8s.io/api", "k8s.io/apimachinery"},
		why: "the third room of client-go: what the hub itself writes"},
	{packages: "hub/internal/access", ours: []string{"hub"},
		theirs: []string{"k8s.io/client-go", "k8s.io/api", "k8s.io/apimachinery", "golang.org/x/sync"},
		banned: []string{"html/template", "text/template"}, // a template that is used doubles the program's size
		why:    "the room of client-go that asks who readers are; it knows nothing of what they read"},
	{packages: "hub/internal/scrape", ours: []string{"hub", "shared/snapshot", "shared/identity"}, theirs: []string{"golang.org/x/sync"},
		why: "scrape asks agents and works nothing out"},
	{packages: "hub/internal/scrape/scrapetest", why: "a network for tests is the standard library's pipes"},
	{packages: "hub/internal/delta", ours: []string{"hub", "shared/snapshot"}, banned: pure,
		why: "rates come from two snapshots and nothing else"},
	{packages: "hub/internal/window/...", ours: []string{"hub", "hub/internal/window"}, theirs: []string{"github.com/tidwall/buntdb"},
		why: "the room of BuntDB"},
	{packages: "hub/internal/window", ours: []string{"hub"}, theirs: []string{"github.com/tidwall/buntdb"},
		why: "the room of BuntDB"},
	{packages: "hub/internal/aggregate", ours: []string{"hub"}, banned: pure,
		why: "answers come from a round and frames and nothing else"},
	{packages: "hub/internal/pipeline", ours: []string{"hub", "shared/snapshot", "hub/internal/scrape", "hub/internal/delta"},
		why: "the only loop knows the stages, not their libraries"},
	{packages: "hub/internal/rest", ours: []string{"hub"}, theirs: []string{"github.com/labstack/echo/v4", "github.com/klauspost/compress", "sigs.k8s.io/yaml"},
		why: "the room of echo"},
	{packages: "hub/internal/dashboard", why: "the page is embedded files"},
	{packages: "hub/internal/metricsapi", ours: []string{"hub"}, theirs: []string{"github.com/prometheus/client_golang"},
		why: "the room of the Prometheus client"},
	{packages: "hub/cmd/...", ours: []string{"shared/...", "hub", "hub/internal/..."},
		theirs: []string{"k8s.io/client-go", "k8s.io/klog/v2", "golang.org/x/sync"},
		why:    "cmd wires the stages; libraries beyond these stay in their rooms"},

	{packages: "e2e/...", ours: []string{"shared/snapshot", "e2e/..."}, theirs: []string{"..."},
		why: "the tests meet agent and hub on the wire only"},
}

// commandsOnly lists what only a command may touch.
var commandsOnly = []string{"os.Args", "os.Getenv", "os.LookupEnv", "os.Exit", "slog.Default", "flag.CommandLine"}

func TestImportsFollowTheArchitecture(t *testing.T) {
	seen := map[string]bool{}
	for file, parsed := range goFiles(t) {
		pkg := path.Dir(file)
		r, ok := roomOf(pkg)
		if !ok {
			t.Errorf("%s: package %s is in no room of the architecture; add a rule", file, pkg)
			continue
		}
		seen[r.packages] = true
		for _, broken := range breaks(r, pkg, parsed) {
			t.Errorf("%s: %s; %s", file, broken, r.why)
		}
	}
	for _, r := range rooms {
		if !seen[r.packages] && r.packages != "hub/internal/window/..." {
			t.Errorf("no package found for the rule of %s", r.packages)
		}
	}
}

// TestArchitectureRulesCanFail proves that the check sees what it forbids.
func TestArchitectureRulesCanFail(t *testing.T) {
	src := `package delta
import ("net/http"; "time"; "github.com/tidwall/buntdb"; "github.com/kubemon/kubemon/hub/internal/window")
func f() { go f(); _ = time.Now(); _ = http.MethodGet; _ = buntdb.Open; _ = window.Open }`
	parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := roomOf("hub/internal/delta")
	if got := breaks(r, "hub/internal/delta", parsed); len(got) != 5 {
		t.Errorf("breaks found %q, want the five that are there", got)
	}
}

// goFiles parses every Go file of the project but tests and generated ones, by
// its path below the root.
func goFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "testdata", "node_modules", "dist"}, d.Name()) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		below, err := filepath.Rel("..", name)
		files[filepath.ToSlash(below)] = parsed
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d Go files found: the check is not looking at the project", len(files))
	}
	return files
}

func roomOf(pkg string) (room, bool) {
	i := slices.IndexFunc(rooms, func(r room) bool { return within(pkg, r.packages) })
	if i < 0 {
		return room{}, false
	}
	return rooms[i], true
}

// within reports whether name is pattern, or below it when it ends in "...".
func within(name, pattern string) bool {
	prefix, below := strings.CutSuffix(pattern, "...")
	return name == pattern || below && strings.HasPrefix(name, prefix)
}

// breaks lists what in the file goes against the room's rule.
func breaks(r room, pkg string, file *ast.File) []string {
	var broken []string
	imports := map[string]string{} // by the name used in the file
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		imports[localName(spec, name)] = name
		if !allowed(r, name) {
			broken = append(broken, "imports "+name)
		}
	}
	banned := slices.Clone(r.banned)
	if !strings.Contains(pkg, "cmd/") && !strings.HasPrefix(pkg, "e2e") && pkg != "shared/daemon" {
		banned = append(banned, commandsOnly...)
	}
	for used := range selectors(file, imports) {
		if slices.Contains(banned, used) {
			broken = append(broken, "uses "+used)
		}
	}
	slices.Sort(broken)
	return broken
}

func localName(spec *ast.ImportSpec, name string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(name)
}

// allowed reports whether the room may import the package.
func allowed(r room, name string) bool {
	if ours, ok := strings.CutPrefix(name, project); ok {
		return slices.ContainsFunc(r.ours, func(p string) bool { return within(ours, p) })
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return !slices.Contains(r.banned, name)
	}
	return slices.ContainsFunc(r.theirs, func(m string) bool {
		return m == "..." || name == m || strings.HasPrefix(name, m+"/")
	})
}

// selectors collects "package.Name" for each use of an import, and "go
// statement" where one stands.
func selectors(file *ast.File, imports map[string]string) map[string]bool {
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			used["go statement"] = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && imports[x.Name] != "" {
				used[path.Base(imports[x.Name])+"."+n.Sel.Name] = true
			}
		}
		return true
	})
	return used
}

// TestPackagesAreIntroduced checks that every package says what it is for.
func TestPackagesAreIntroduced(t *testing.T) {
	introduced := map[string]bool{}
	for file, parsed := range goFiles(t) {
		pkg := path.Dir(file)
		introduced[pkg] = introduced[pkg] || parsed.Doc != nil
	}
	for _, pkg := range slices.Sorted(maps.Keys(introduced)) {
		if !introduced[pkg] {
			t.Errorf("package %s has no comment that says what it is for", pkg)
		}
	}
}

// TestFilesStayReadable holds the limits of length that keep a reader going:
// no function over sixty lines, no file over four hundred.
func TestFilesStayReadable(t *testing.T) {
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_gen.go") {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		test := strings.HasSuffix(name, "_test.go")
		if lines := fset.Position(parsed.FileEnd).Line; lines > 401 && !test {
			t.Errorf("%s has %d lines, more than 400", name, lines)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && !test {
				if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; lines > 60 {
					t.Errorf("%s: %s has %d lines, more than 60", name, f.Name.Name, lines)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
