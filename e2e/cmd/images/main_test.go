package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/e2e/images"
)

func TestParse(t *testing.T) {
	root := sources(t, "appVersion: 1.2.3\n")
	tests := []struct {
		name string
		args []string
		want images.Options
	}{
		{"defaults", nil, images.Options{
			Root: root, Output: "dist", Version: "1.2.3", Platforms: []string{"linux/amd64", "linux/arm64"}}},
		{"everything given", []string{"--output", "out", "--version", "9", "--platforms", "linux/arm64"}, images.Options{
			Root: root, Output: "out", Version: "9", Platforms: []string{"linux/arm64"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got images.Options
			c := building(&got)
			c.Do = func(context.Context, io.Writer, io.Writer) error { return nil }
			got.Programs, test.want.Programs = images.Kubemon(), images.Kubemon()
			if code := c.Run(t.Context(), append([]string{"--root", root}, test.args...), t.Output(), t.Output()); code != 0 {
				t.Fatalf("exit code %d, want 0", code)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	root := sources(t, "appVersion: 1.2.3\n")
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"--out", "x"}, 2, "images: flag provided but not defined: -out\n"},
		{"argument", []string{"--root", root, "agent"}, 2, "images: unexpected argument \"agent\""},
		{"platform", []string{"--root", root, "--platforms", "arm64"}, 2, "images: platform \"arm64\": expected"},
		{"no sources", []string{"--root", t.TempDir()}, 2, "images: read version: open "},
		{"no programs there", []string{"--root", root, "--output", t.TempDir()}, 1, "images: build image kubemon/kubemon-agent: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := building(&images.Options{Programs: images.Kubemon()}).Run(t.Context(), test.args, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.HasPrefix(stderr.String(), test.want) {
				t.Errorf("printed %q, want it to begin with %q", stderr.String(), test.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := building(&images.Options{}).Run(t.Context(), []string{"-h"}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"-output", "-platforms", "-root", "-version"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("help does not list %s:\n%s", want, stderr.String())
		}
	}
}

// sources returns a folder that has nothing of the sources but a Chart.yaml.
func sources(t *testing.T, chart string) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "charts", "kubemon")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(chart), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}
