package cluster

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shell is a block of commands in a page.
var shell = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestDocumentedCommands runs, as they are written, the commands by which the
// pages say that kubemon is read: each block with a token in it, in the lab's
// network, with the administrator's kubeconfig.
func TestDocumentedCommands(t *testing.T) {
	awaitPod(t, "burn-")
	t.Cleanup(func() { // what docs/security.md makes
		if _, err := kubectl(context.Background(), "", "delete", "--namespace=shop", "--ignore-not-found", "serviceaccount/reader", "role/reader", "rolebinding/reader"); err != nil {
			t.Error(err)
		}
	})
	for page, least := range map[string]int{"README.md": 2, "docs/security.md": 1} {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		ran := 0
		for _, block := range shell.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(block[1], "$TOKEN") {
				continue
			}
			ran++
			out, err := runBlock(t, block[1])
			if err != nil || !strings.Contains(out, "node1") {
				t.Errorf("%s: %v, and node1 should be in what comes of\n%s\nwhich is\n%.1000s", page, err, block[1], out)
			}
		}
		if ran < least {
			t.Errorf("%s has %d blocks with a token, want %d", page, ran, least)
		}
	}
}

// runBlock runs commands until one fails, where an answer of 400 and more is
// failure too, and waits for what is left running in the background to answer.
func runBlock(t *testing.T, block string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".curlrc"), []byte("fail-with-body\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nexport CURL_HOME=" + folder + "\n"
	for line := range strings.Lines(block) {
		script += line
		if strings.HasSuffix(strings.TrimSpace(line), "&") {
			script += "for i in {1..100}; do curl -s -o /dev/null 127.0.0.1:8080/healthz && break; sleep 0.2; done\n"
		}
	}
	file := filepath.Join(folder, "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := theLab.Exec(t.Context(), nil, "bash", file)
	return string(out), err
}
