package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/images"
)

// TestProgramsEndOnSIGTERM runs both programs as people do, the hub on the agent,
// and asks them to end: they take no more requests and exit with 0.
func TestProgramsEndOnSIGTERM(t *testing.T) {
	binaries := map[string]string{}
	for _, program := range images.Kubemon() {
		name := path.Base(program.Image)
		binaries[name] = filepath.Join(t.TempDir(), name)
		build := exec.CommandContext(t.Context(), "go", "build", "-o", binaries[name], program.Package)
		build.Dir = filepath.Join("..", program.Module)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	agent := startProgram(t, binaries["kubemon-agent"], "/healthz", "--listen=127.0.0.1:0", "--node-name=here")
	hub := startProgram(t, binaries["kubemon-hub"], "/readyz", "--listen=127.0.0.1:0", "--agents=http://"+agent.address)
	hub.end(t)
	agent.end(t)
}

// A program is one that runs and answers.
type program struct {
	*exec.Cmd
	address string
}

// startProgram starts a program and waits until it answers the path.
func startProgram(t *testing.T, binary, path string, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), binary, args...)}
	log, err := p.StderrPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // for a test that fails
	var said strings.Builder
	listening := regexp.MustCompile(`msg=listening address=(\S+)`)
	lines := bufio.NewScanner(log)
	for p.address == "" && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			p.address = match[1]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	if p.address == "" {
		t.Fatalf("%s ended without listening:\n%s", binary, &said)
	}
	for p.get(path) != http.StatusOK {
		select {
		case <-t.Context().Done():
			t.Fatalf("%s never answered %s with 200", binary, path)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return p
}

// get returns the status of a path, 0 if nobody answers.
func (p *program) get(path string) int {
	response, err := http.Get("http://" + p.address + path)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// end asks the program to end, as the kubelet does.
func (p *program) end(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.Wait(); err != nil {
		t.Errorf("%s after SIGTERM: %v, want exit code 0", p.Path, err)
	}
	if took := time.Since(began); took > 15*time.Second { // ten to drain, and a slow machine
		t.Errorf("%s took %v to end", p.Path, took)
	}
	if c, err := net.Dial("tcp", p.address); err == nil {
		c.Close()
		t.Errorf("%s still listens", p.Path)
	}
}
