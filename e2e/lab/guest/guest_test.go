package guest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlanIsReadAsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	plan := Plan{
		Hostname: "node1", Interface: "vec0", Address: "10.77.0.11/24", CommandAddress: "10.77.0.11:10400",
		Routes:   []Route{{To: "default", Via: "10.77.0.1"}},
		Modules:  []string{"veth"},
		Folders:  []string{"/var/log"},
		Files:    []File{{Path: "/etc/machine-id", Content: "00\n"}},
		Links:    []Link{{Path: "/run/bin/a", Target: "/bin/b"}},
		Services: []Service{{Name: "kubelet", Args: []string{"kubelet", "--v=2"}, After: "/run/x"}},
	}
	if err := plan.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPlan(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plan, got); diff != "" {
		t.Errorf("ReadPlan (-want +got):\n%s", diff)
	}
}

func TestReadPlanNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	if _, err := ReadPlan(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("ReadPlan of no file: %v, want an error that names it", err)
	}
	if err := os.WriteFile(file, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPlan(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("ReadPlan of HTML: %v, want an error that names the file", err)
	}
}

// newGuest serves commands on loopback, as a guest does on its own address.
func newGuest(t *testing.T) Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+commandPath, handleCommand)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return Client{HTTP: server.Client(), Address: strings.TrimPrefix(server.URL, "http://")}
}

func TestCommands(t *testing.T) {
	guest := newGuest(t)
	binary := "\x00\xff\n"
	tests := map[string]struct {
		stdin string
		args  []string
		want  string
		fails string
	}{
		"output":      {"", []string{"echo", "a b", "c&d"}, "a b c&d\n", ""},
		"input":       {binary, []string{"cat"}, binary, ""},
		"exit code":   {"", []string{"sh", "-c", "echo out; echo why >&2; exit 3"}, "out\n", "exit code 3: why"},
		"no such":     {"", []string{"no-such-program"}, "", "no-such-program"},
		"no command":  {"", nil, "", "no arg parameter"},
		"killed":      {"", []string{"sh", "-c", "kill -9 $$"}, "", "exit code -1"},
		"input twice": {"x", []string{"sh", "-c", "cat; cat"}, "x", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := guest.Run(t.Context(), strings.NewReader(test.stdin), test.args...)
			if string(got) != test.want {
				t.Errorf("Run(%q) = %q, want %q", test.args, got, test.want)
			}
			if (err == nil) != (test.fails == "") || (err != nil && !strings.Contains(err.Error(), test.fails)) {
				t.Errorf("Run(%q) error = %v, want %q", test.args, err, test.fails)
			}
		})
	}
}
