package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// help is what govulncheck prints of its flags, shortened.
const help = `Usage:

	govulncheck [flags] [patterns]

  -C dir
    	change to dir before running govulncheck
  -db url
    	vulnerability database url (default "%s")
  -format value
    	specify format output
    	The supported values are 'text' and 'json' (default 'text')
`

// A fakeTool ends with the given codes, by module, and remembers what it was
// asked.
type fakeTool struct {
	help  string
	codes map[string]int
	err   error
	asked []string
}

func (f *fakeTool) run(_ context.Context, out io.Writer, args ...string) (int, error) {
	if len(args) == 1 && args[0] == "-h" {
		fmt.Fprint(out, f.help)
		return 0, f.err
	}
	f.asked = append(f.asked, strings.Join(args, " "))
	return f.codes[args[3]], f.err
}

// database serves nothing but the index of a database, with the status.
func database(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/index/db.json" {
			t.Errorf("asked for %s, want the index", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// nobody returns a URL of this machine at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	return server.URL
}

func TestExitCodesOfGovulncheck(t *testing.T) {
	tests := []struct {
		name  string
		codes map[string]int
		err   error
		want  string // In the error; empty is success.
	}{
		{"nothing found", nil, nil, ""},
		{"a vulnerability is called", map[string]int{"/src/hub": 3}, nil, "module hub calls code with a known vulnerability"},
		{"in two modules", map[string]int{"/src/agent": 3, "/src/hub": 3}, nil,
			"module agent calls code with a known vulnerability\nmodule hub calls code with a known vulnerability"},
		{"the sources do not load, or the database went away", map[string]int{"/src/agent": 1}, nil,
			"check module agent: govulncheck ended with exit code 1"},
		{"it does not know the arguments, or panics", map[string]int{"/src/agent": 2}, nil,
			"check module agent: govulncheck ended with exit code 2"},
		{"it cannot be started", nil, errors.New("no go here"),
			"check module agent: no go here\ncheck module hub: no go here"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			db := database(t, http.StatusOK)
			fake := &fakeTool{codes: test.codes, err: test.err}
			c := checker{tool: fake.run, database: db, wait: time.Minute, modules: []string{"/src/agent", "/src/hub"}}
			got := ""
			if err := c.check(t.Context(), t.Output()); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("check = %q, want %q", got, test.want)
			}
			want := []string{"-db " + db + " -C /src/agent ./...", "-db " + db + " -C /src/hub ./..."}
			if diff := cmp.Diff(want, fake.asked); diff != "" {
				t.Errorf("govulncheck was asked (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDatabaseOutOfReach checks that nothing is loaded then, and that it is
// said once.
func TestDatabaseOutOfReach(t *testing.T) {
	db := nobody(t)
	fake := &fakeTool{help: fmt.Sprintf(help, db)}
	c := checker{tool: fake.run, wait: time.Minute, modules: []string{"/src/agent"}}
	var out strings.Builder
	if err := c.check(t.Context(), &out); err != nil {
		t.Errorf("check = %v, want success", err)
	}
	want := "vuln: NOT CHECKED for known vulnerabilities: no answer from the database at " + db + ": dial tcp "
	if got := out.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("printed %q, want one line that begins with %q", got, want)
	}
	if len(fake.asked) > 0 {
		t.Errorf("govulncheck was asked %q without a database", fake.asked)
	}
}

func TestReach(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	tests := []struct {
		name, database string
		wait           time.Duration
		want           string // In the error; empty is none.
		unreachable    bool
	}{
		{"there", database(t, http.StatusOK), time.Minute, "", false},
		{"a slash at the end", database(t, http.StatusOK) + "/", time.Minute, "", false},
		{"in a folder", "file:///nowhere", time.Minute, "", false},
		{"nobody there", nobody(t), time.Minute, "connection refused", true},
		{"says nothing", silent.URL, 10 * time.Millisecond, "deadline exceeded", true},
		{"not a database", database(t, http.StatusNotFound), time.Minute, "answers 404 Not Found, expected 200 OK", false},
		{"out of order", database(t, http.StatusServiceUnavailable), time.Minute, "answers 503", false},
		{"a stranger's certificate", stranger.URL, time.Minute, "certificate", false},
		{"no URL", "a b:c", time.Minute, "parse database URL", false},
		{"another scheme", "gopher://database.invalid", time.Minute, "expected a URL that begins with https, http or file", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := reach(t.Context(), test.database, test.wait)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("reach = %v, want an error that says %q", err, test.want)
			}
			if _, ok := errors.AsType[*unreachableError](err); ok != test.unreachable {
				t.Errorf("reach = %v, out of reach: %v, want %v", err, ok, test.unreachable)
			}
		})
	}
}

// TestNoAnswer has the errors that need a network, or the lack of one.
func TestNoAnswer(t *testing.T) {
	tests := []struct {
		name        string
		err         error
		unreachable bool
		want        string
	}{
		{"no such host", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "database.invalid"}}, true,
			"no answer from the database at https://database.invalid: dial tcp: lookup database.invalid: no such host"},
		{"a proxy that does not let it through", errors.New("Forbidden"), true,
			"no answer from the database at https://database.invalid: Forbidden"},
		{"a certificate that does not hold", &tls.CertificateVerificationError{Err: errors.New("expired")}, false,
			`ask database: Get "https://database.invalid/index/db.json": tls: failed to verify certificate: expired`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const database = "https://database.invalid"
			err := noAnswer(t.Context(), database, &url.Error{Op: "Get", URL: database + "/index/db.json", Err: test.err})
			if _, ok := errors.AsType[*unreachableError](err); ok != test.unreachable || err.Error() != test.want {
				t.Errorf("noAnswer = %v, out of reach: %v, want %v and %s", err, ok, test.unreachable, test.want)
			}
		})
	}
}

// TestInterruptedIsNotUnreachable checks that a check that was stopped does not
// look like one that was not possible.
func TestInterruptedIsNotUnreachable(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := reach(ctx, nobody(t), time.Minute)
	if _, ok := errors.AsType[*unreachableError](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("reach = %v, want context.Canceled", err)
	}
}

func TestDefaultDatabase(t *testing.T) {
	broken := errors.New("no go here")
	tests := []struct {
		name    string
		tool    fakeTool
		want    string
		wantErr string
	}{
		{"told", fakeTool{help: fmt.Sprintf(help, "https://database.invalid")}, "https://database.invalid", ""},
		{"not told", fakeTool{help: "  -db url\n    \tvulnerability database url\n  -x value\n    \tx (default \"y\")\n"}, "",
			"exit code 0, expected the default of -db in\n-db url"},
		{"cannot be started", fakeTool{err: broken}, "", "no go here"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := defaultDatabase(t.Context(), test.tool.run)
			if got != test.want || (err != nil) != (test.wantErr != "") {
				t.Errorf("defaultDatabase = %q, %v, want %q", got, err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("defaultDatabase = %v, want an error that says %q", err, test.wantErr)
			}
		})
	}
}

// vulnerability is an entry of a database: a function that the sources of
// TestGovulncheck call is vulnerable in every version.
const vulnerability = `{
	"schema_version": "1.3.1", "id": "GO-0000-0001", "modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z",
	"summary": "Made up for a test", "details": "Nothing is wrong with it.",
	"affected": [{
		"package": {"name": "stdlib", "ecosystem": "Go"},
		"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
		"ecosystem_specific": {"imports": [{"path": "os", "symbols": ["%s"]}]}
	}],
	"database_specific": {"url": "https://database.invalid/GO-0000-0001"}
}`

// TestGovulncheck runs the pinned govulncheck on a small module, with databases
// in folders: its exit codes are what the check relies on.
func TestGovulncheck(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	module := t.TempDir()
	write(t, filepath.Join(module, "go.mod"), "module example.com/small\n\ngo 1.26.0\n")
	write(t, filepath.Join(module, "main.go"), "package main\n\nimport \"os\"\n\nfunc main() { println(os.Getpid()) }\n")
	called, linked, empty := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(called, "GO-0000-0001.json"), fmt.Sprintf(vulnerability, "Getpid"))
	write(t, filepath.Join(linked, "GO-0000-0001.json"), fmt.Sprintf(vulnerability, "Getppid"))
	tests := []struct{ name, database, module, want, prints string }{
		{"called", called, module, "calls code with a known vulnerability", "GO-0000-0001"},
		{"linked but not called", linked, module, "", "1 vulnerability in packages you import"},
		{"none known", empty, module, "", "No vulnerabilities found."},
		{"no database", filepath.Join(empty, "nowhere"), module, "exit code 1", "creating client"},
		{"no module", empty, empty, "exit code 1", "no go.mod file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := checker{tool: govulncheck(root), database: "file://" + test.database, modules: []string{test.module}}
			var out strings.Builder
			err := c.check(t.Context(), &out)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("check = %v, want an error that says %q", err, test.want)
			}
			if !strings.Contains(out.String(), test.prints) {
				t.Errorf("printed\n%s\nwithout %q", out.String(), test.prints)
			}
		})
	}
	t.Run("default database", func(t *testing.T) {
		database, err := defaultDatabase(t.Context(), govulncheck(root))
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := url.Parse(database); err != nil || parsed.Scheme != "https" || parsed.Host == "" {
			t.Errorf("the default is %q, %v, want an https URL", database, err)
		}
	})
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWorkspace(t *testing.T) {
	folders, err := workspace(t.Context(), filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, folder := range folders {
		names = append(names, filepath.Base(folder))
	}
	if diff := cmp.Diff([]string{"agent", "e2e", "hub", "shared"}, names); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if _, err := workspace(t.Context(), filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("workspace of a folder that is not there: no error")
	}
}

func TestRunRefuses(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"--databse", "x"}, 2, "vuln: flag provided but not defined: -databse\n"},
		{"argument", []string{"agent"}, 2, "vuln: unexpected argument \"agent\""},
		{"no time", []string{"--wait", "0s"}, 2, "vuln: wait 0s: expected more than 0"},
		{"no sources", []string{"--root", nowhere}, 1, "vuln: list modules of the workspace at " + nowhere},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := vuln().Run(t.Context(), test.args, t.Output(), &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.HasPrefix(stderr.String(), test.want) {
				t.Errorf("printed %q, want it to begin with %q", stderr.String(), test.want)
			}
		})
	}
}
