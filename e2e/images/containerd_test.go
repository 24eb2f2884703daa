package images

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestContainerdImports imports an archive into a containerd of the test's
// own, as people do on a node, and looks for the image under the name that
// pods use.
func TestContainerdImports(t *testing.T) {
	archive := mustBuild(t, helloOptions(t))
	ctr := startContainerd(t)
	name := fullName(t, "example/hello:1.2.3")

	ctr("--namespace", "k8s.io", "images", "import", "--snapshotter", "native", archive.Path)
	list := ctr("--namespace", "k8s.io", "images", "list", "name=="+name)
	for _, want := range []string{name, archive.Digest, "linux/amd64", "linux/arm64"} {
		if !strings.Contains(list, want) {
			t.Errorf("containerd lists\n%s\nwithout %s", list, want)
		}
	}
	if check := ctr("--namespace", "k8s.io", "images", "check", "name=="+name); !strings.Contains(check, "complete") {
		t.Errorf("containerd says of the image\n%s\nwant complete", check)
	}
}

// startContainerd starts a containerd with nothing but temporary folders and
// returns a function that runs ctr against it. Both end with the test.
func startContainerd(t *testing.T) func(args ...string) string {
	t.Helper()
	for _, program := range []string{"containerd", "ctr"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: install the Debian package containerd", program)
		}
	}
	if os.Geteuid() != 0 {
		t.Fatal("containerd needs root: run the tests as root")
	}
	dir, err := os.MkdirTemp("", "kubemon-containerd-") // A socket's path is at most 107 bytes.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "containerd.sock")
	log := runContainerd(t, dir, socket)
	ctr := func(args ...string) ([]byte, error) {
		return exec.CommandContext(t.Context(), "ctr", append([]string{"--address", socket}, args...)...).CombinedOutput()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := ctr("version"); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("containerd did not answer within a minute; its log:\n%s", mustRead(t, log))
		}
	}
	return func(args ...string) string {
		t.Helper()
		out, err := ctr(args...)
		if err != nil {
			t.Fatalf("ctr %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}

// runContainerd runs containerd below dir until the test ends, and returns the
// file of its log.
func runContainerd(t *testing.T, dir, socket string) string {
	t.Helper()
	config := filepath.Join(dir, "config.toml")
	writeFile(t, config, fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = %q
`, filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("containerd", "--config", config)
	cmd.Stdout, cmd.Stderr = log, log
	// Not even a test that is killed leaves it running.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	return log.Name()
}
