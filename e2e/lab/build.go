package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// A toolset is a module that pins third-party programs, built once per version
// into a folder of the user's cache.
type toolset struct {
	// folder is the module's, below the top of the sources.
	folder string
	// module is the one whose version is that of the programs.
	module string
	// packages are the programs' packages; the last element is the name.
	packages []string
	// linkerFlags returns what -ldflags gets for a version.
	linkerFlags func(version string) string
}

var kubernetesTools = toolset{
	folder: "e2e/lab/kubernetes",
	module: "k8s.io/kubernetes",
	packages: []string{
		"k8s.io/kubernetes/cmd/kube-apiserver",
		"k8s.io/kubernetes/cmd/kube-controller-manager",
		"k8s.io/kubernetes/cmd/kube-scheduler",
		"k8s.io/kubernetes/cmd/kubelet",
		"k8s.io/kubernetes/cmd/kube-proxy",
		"k8s.io/kubernetes/cmd/kubectl",
	},
	linkerFlags: kubernetesLinkerFlags,
}

var helmTools = toolset{
	folder:      "e2e/lab/helm",
	module:      "helm.sh/helm/v4",
	packages:    []string{"helm.sh/helm/v4/cmd/helm"},
	linkerFlags: func(string) string { return "-s -w" },
}

// kubernetesLinkerFlags stamps the version into Kubernetes' programs. Without
// it they report a placeholder, which Helm's kubeVersion check refuses.
func kubernetesLinkerFlags(version string) string {
	const stamp = "k8s.io/component-base/version."
	numbers := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	flags := "-s -w -X " + stamp + "gitVersion=" + version
	if len(numbers) == 3 {
		flags += " -X " + stamp + "gitMajor=" + numbers[0] + " -X " + stamp + "gitMinor=" + numbers[1]
	}
	return flags
}

// cacheFolder is where built programs and labs are kept.
func cacheFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	return filepath.Join(cache, "kubemon", "lab"), nil
}

// build builds what the cache does not have yet of the toolset and returns the
// folder with its programs. The folder's name carries the version and a hash
// of go.sum, so that programs of other sources are never taken for these.
func (t toolset) build(ctx context.Context, sources string, p *progress) (string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	module := filepath.Join(sources, filepath.FromSlash(t.folder))
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", fmt.Errorf("read sums of %s: %w", t.module, err)
	}
	version, err := goTool(ctx, module, "list", "-m", "-f", "{{.Version}}", t.module)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(append(sums, t.linkerFlags(version)...))
	dir := filepath.Join(cache, fmt.Sprintf("bin-%s-%s-%x", path.Base(t.folder), version, hash[:4]))
	for _, pkg := range t.packages {
		program := filepath.Join(dir, path.Base(pkg))
		if _, err := os.Stat(program); err == nil {
			continue
		}
		started := time.Now()
		p.step("building %s %s (minutes when nothing is cached)", path.Base(pkg), version)
		if err := compile(ctx, module, pkg, t.linkerFlags(version), program); err != nil {
			return "", err
		}
		p.step("built %s in %.0f s", path.Base(pkg), time.Since(started).Seconds())
	}
	return dir, nil
}

// compile builds one static program. It appears under its name only when it is
// complete, so that an interrupted build leaves nothing that looks finished.
func compile(ctx context.Context, module, pkg, linkerFlags, program string) error {
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return fmt.Errorf("make folder for %s: %w", path.Base(pkg), err)
	}
	unfinished := fmt.Sprintf("%s.%d.unfinished", program, os.Getpid())
	defer os.Remove(unfinished)
	if _, err := goTool(ctx, module, "build", "-trimpath", "-ldflags", linkerFlags, "-o", unfinished, pkg); err != nil {
		return err
	}
	if err := os.Rename(unfinished, program); err != nil {
		return fmt.Errorf("install %s: %w", path.Base(pkg), err)
	}
	return nil
}

// goTool runs the go command in a module, outside any workspace and at low
// priority: a build takes minutes and the machine should stay usable.
func goTool(ctx context.Context, module string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "nice", append([]string{"-n", "5", "go"}, args...)...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s in %s: %w: %s", args[0], module, err, lastLines(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// programs are the folders and files of everything a lab runs.
type programs struct {
	Kubernetes string `json:"kubernetes"` // a folder
	Helm       string `json:"helm"`
	GuestInit  string `json:"guestInit"`
	Lab        string `json:"lab"`
}

// buildPrograms builds what is missing and the lab's own programs, which go
// into the lab's folder since they change with the sources.
func (l *Lab) buildPrograms(ctx context.Context) error {
	kubernetes, err := kubernetesTools.build(ctx, l.sources, l.progress)
	if err != nil {
		return err
	}
	helm, err := BuildHelm(ctx, l.sources, l.progress.w)
	if err != nil {
		return err
	}
	l.programs = programs{
		Kubernetes: kubernetes,
		Helm:       helm,
		Lab:        l.path("bin", "lab"),
	}
	if err := l.buildGuestInit(ctx); err != nil {
		return err
	}
	return compile(ctx, filepath.Join(l.sources, "e2e"), "./cmd/lab", "-s -w", l.programs.Lab)
}

// buildGuestInit builds the first process of the lab's guests.
func (l *Lab) buildGuestInit(ctx context.Context) error {
	l.programs.GuestInit = l.path("bin", "init")
	return compile(ctx, filepath.Join(l.sources, "e2e"), "./lab/guest/init", "-s -w", l.programs.GuestInit)
}

// BuildHelm builds the Helm that the lab uses, unless the cache has it, and
// returns the program's path. Sources is the top folder of the repository.
func BuildHelm(ctx context.Context, sources string, w io.Writer) (string, error) {
	dir, err := helmTools.build(ctx, sources, newProgress(w))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "helm"), nil
}
