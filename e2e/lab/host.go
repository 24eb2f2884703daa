package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// debianPackages are what a lab, and the tests, need of the host's distribution.
// user-mode-linux is the nodes' kernel; conntrack is what kube-proxy cleans up
// with, and strace counts the agent's system calls; the rest says what it is.
var debianPackages = []string{
	"conntrack", "containerd", "containernetworking-plugins", "e2fsprogs", "etcd-server",
	"iproute2", "iptables", "kmod", "runc", "strace", "user-mode-linux",
}

const (
	mebibyte       = 1 << 20
	neededDisk     = 8192 * mebibyte
	neededMemory   = 3072 * mebibyte
	tunDevice      = "/dev/net/tun"
	osReleaseFile  = "/etc/os-release"
	memoryInfoFile = "/proc/meminfo"
)

// A host is what the lab must know of the machine before it starts.
type host struct {
	root            bool
	architecture    string
	osRelease       string
	tun             bool
	diskBytes       uint64
	availableMemory uint64
}

// missing returns one sentence for each thing that keeps a lab from running.
func (h host) missing() []string {
	var missing []string
	require := func(ok bool, format string, args ...any) {
		if !ok {
			missing = append(missing, fmt.Sprintf(format, args...))
		}
	}
	require(h.root, "not root: the lab makes network namespaces and installs Debian packages; run it as root, or set KUBECONFIG to use a cluster you have")
	require(h.architecture == "amd64", "the processor is %s: the lab's nodes are User-Mode Linux guests, which need x86_64 (amd64)", h.architecture)
	require(debianLike(h.osRelease), "not Debian or Ubuntu (%s): the lab's nodes need their package user-mode-linux", osReleaseFile)
	require(h.tun, "%s is missing: the lab's nodes are joined by tap devices; load the module tun", tunDevice)
	require(h.diskBytes >= neededDisk, "only %d MiB free on disk for the lab: it needs %d", h.diskBytes/mebibyte, neededDisk/mebibyte)
	require(h.availableMemory >= neededMemory, "only %d MiB of memory available: the lab needs %d", h.availableMemory/mebibyte, neededMemory/mebibyte)
	return missing
}

// debianLike reports whether an os-release file names Debian, Ubuntu or a
// distribution derived from them.
func debianLike(osRelease string) bool {
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for word := range strings.FieldsSeq(strings.Trim(value, `"'`)) {
			if word == "debian" || word == "ubuntu" {
				return true
			}
		}
	}
	return false
}

// availableBytes returns MemAvailable of a /proc/meminfo, which is in KiB.
func availableBytes(meminfo string) uint64 {
	for line := range strings.Lines(meminfo) {
		var kibibytes uint64
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kibibytes); err == nil {
			return kibibytes * 1024
		}
	}
	return 0
}

// inspectHost looks at the machine; dir is an existing folder on the disk that
// the lab will use. What cannot be read counts as missing.
func inspectHost(dir string) host {
	h := host{root: os.Geteuid() == 0, architecture: runtime.GOARCH}
	if release, err := os.ReadFile(osReleaseFile); err == nil {
		h.osRelease = string(release)
	}
	if meminfo, err := os.ReadFile(memoryInfoFile); err == nil {
		h.availableMemory = availableBytes(string(meminfo))
	}
	_, err := os.Stat(tunDevice)
	h.tun = err == nil
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err == nil {
		h.diskBytes = disk.Bavail * uint64(disk.Bsize)
	}
	return h
}

// checkHost refuses a machine on which no lab can run.
func checkHost(dir string) error {
	var errs []error
	for _, sentence := range inspectHost(dir).missing() {
		errs = append(errs, errors.New(sentence))
	}
	return errors.Join(errs...)
}

// InstallPackages checks that this machine can run a lab and installs the
// Debian packages that one needs. Up does so by itself.
func InstallPackages(ctx context.Context, w io.Writer) error {
	cache, err := cacheFolder()
	if err != nil {
		return err
	}
	if err := checkHost(cache); err != nil {
		return err
	}
	return installPackages(ctx, newProgress(w))
}

// installPackages installs those of the Debian packages that are missing.
func installPackages(ctx context.Context, p *progress) error {
	// dpkg-query exits with 1 for a package it never heard of and still prints
	// the others, so its exit status says nothing more than its output.
	installed, _ := exec.CommandContext(ctx, "dpkg-query", append([]string{
		"--show", "--showformat=${Package} ${db:Status-Status}\n"}, debianPackages...)...).Output()
	missing := missingPackages(debianPackages, string(installed))
	if len(missing) == 0 {
		return nil
	}
	p.step("installing Debian packages: %s", strings.Join(missing, " "))
	install := append([]string{"install", "--yes", "--no-install-recommends"}, missing...)
	if aptGet(ctx, install...) == nil {
		return nil
	}
	// The package lists may be missing or old: fetch them and try once more.
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	return aptGet(ctx, install...)
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, lastLines(output))
	}
	return nil
}

// missingPackages returns the wanted packages that dpkg-query's listing, lines
// of "name status", does not show as installed.
func missingPackages(wanted []string, listing string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(name string) bool {
		return slices.Contains(strings.Split(listing, "\n"), name+" installed")
	})
}

// lastLines shortens a program's output to what usually tells why it failed.
func lastLines(output []byte) string {
	const lines = 12
	all := strings.Split(string(bytes.TrimSpace(output)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
