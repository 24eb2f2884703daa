package lab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissingNamesEveryObstacle(t *testing.T) {
	able := host{
		root: true, architecture: "amd64", osRelease: "ID=debian\n", tun: true,
		diskBytes: 100 << 30, availableMemory: 8 << 30,
	}
	tests := map[string]struct {
		change func(*host)
		want   []string
	}{
		"able":       {func(*host) {}, nil},
		"user":       {func(h *host) { h.root = false }, []string{"not root"}},
		"arm":        {func(h *host) { h.architecture = "arm64" }, []string{"arm64"}},
		"fedora":     {func(h *host) { h.osRelease = "ID=fedora\n" }, []string{"not Debian or Ubuntu"}},
		"no tun":     {func(h *host) { h.tun = false }, []string{tunDevice}},
		"full disk":  {func(h *host) { h.diskBytes = 10 << 20 }, []string{"only 10 MiB free"}},
		"low memory": {func(h *host) { h.availableMemory = 20 << 20 }, []string{"only 20 MiB of memory"}},
		"several":    {func(h *host) { h.root, h.tun = false, false }, []string{"not root", tunDevice}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := able
			test.change(&h)
			got := h.missing()
			if len(got) != len(test.want) {
				t.Fatalf("missing() = %q, want %d sentences", got, len(test.want))
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("missing()[%d] = %q, want %q in it", i, got[i], want)
				}
			}
		})
	}
}

func TestDebianLike(t *testing.T) {
	tests := map[string]bool{
		"ID=debian":                          true,
		"NAME=\"Ubuntu\"\nID=ubuntu\n":       true,
		"ID=mint\nID_LIKE=\"ubuntu debian\"": true,
		"ID=\"alpine\"":                      false,
		"NAME=debian":                        false,
		"":                                   false,
	}
	for release, want := range tests {
		if got := debianLike(release); got != want {
			t.Errorf("debianLike(%q) = %t, want %t", release, got, want)
		}
	}
}

func TestAvailableBytes(t *testing.T) {
	const meminfo = "MemTotal:       24684132 kB\nMemFree:        17234648 kB\nMemAvailable:   22894720 kB\n"
	if got, want := availableBytes(meminfo), uint64(22894720*1024); got != want {
		t.Errorf("availableBytes() = %d, want %d", got, want)
	}
	if got := availableBytes("MemTotal: 1 kB\n"); got != 0 {
		t.Errorf("availableBytes() without the line = %d, want 0", got)
	}
}

func TestMissingPackages(t *testing.T) {
	listing := "runc installed\nkmod config-files\n"
	got := missingPackages([]string{"kmod", "runc", "iproute2"}, listing)
	if diff := cmp.Diff([]string{"kmod", "iproute2"}, got); diff != "" {
		t.Errorf("missingPackages (-want +got):\n%s", diff)
	}
}

func TestLastLines(t *testing.T) {
	if got, want := lastLines([]byte(strings.Repeat("a\n", 30)+"end\n")), strings.Repeat("a\n", 11)+"end"; got != want {
		t.Errorf("lastLines() = %q, want %q", got, want)
	}
}
