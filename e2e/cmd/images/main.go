// Command images builds the container images of kubemon without Docker.
//
// Usage, at the top of the repository:
//
//	go run ./e2e/cmd/images [flags]
//
// It writes one OCI archive per image, for amd64 and arm64, and prints each
// file, archives with the image's name and digest:
//
//	dist/kubemon-agent-0.1.0.tar
//	dist/kubemon-hub-0.1.0.tar
//
// Beside each archive is a bill of materials (SBOM) for each platform, in
// CycloneDX 1.6 as JSON:
//
//	dist/kubemon-agent-0.1.0-linux-amd64.cdx.json
//
// It is read from the very binary in the image. metadata.component is the
// program: its SHA-256, and as properties the image's name and digest
// (kubemon:image, kubemon:image:digest), the platform and the version of Go.
// components are the modules that are linked, with their versions, their
// package URLs and, in kubemon:go:sum, the sums as in go.sum, and Go's standard
// library. The project's own modules have the image's version and no sum. The
// hub's has the npm packages that its page is made of as well, as the page's
// build listed them in the binary (make page), with their licenses and, in
// kubemon:npm:integrity, the sums as in package-lock.json. The module graph,
// licenses of Go modules and times are not in it. Scanners that read CycloneDX
// take the file as it is.
//
// To use them on machines that reach no registry:
//
//	ctr -n k8s.io images import FILE                      containerd, on each node
//	cp FILE /var/lib/rancher/k3s/agent/images/            k3s, on each node
//	kind load image-archive FILE                          kind
//	docker load -i FILE, podman load -i FILE              then tag and push
//
// With the classic image store of Docker, which knows one platform per name,
// docker load files the arm64 image under its name with "-arm64" at the end.
//
// Flags:
//
//	--output     the folder for the archives and SBOMs (dist)
//	--platforms  what to build for, comma-separated (linux/amd64,linux/arm64)
//	--root       the top folder of the sources (.)
//	--version    the images' tag (the chart's appVersion)
//
// The same sources and toolchain give the same digests and the same SBOMs. Exit
// codes: 0 done, 1 a build failed, 2 wrong usage.
package main

import (
	"context"
	"flag"
	"io"
	"os"
	"strings"

	"github.com/kubemon/kubemon/e2e/command"
	"github.com/kubemon/kubemon/e2e/images"
)

func main() {
	opt := images.Options{Programs: images.Kubemon()}
	os.Exit(building(&opt).Main(os.Args[1:], os.Stdout, os.Stderr))
}

// building is the command, which fills in the options.
func building(opt *images.Options) command.Command {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&opt.Output, "output", "dist", "the `folder` for the archives and SBOMs")
	flags.StringVar(&opt.Root, "root", ".", "the top `folder` of the sources")
	flags.StringVar(&opt.Version, "version", "", "the images' `tag` (default the chart's appVersion)")
	platforms := flags.String("platforms", "linux/amd64,linux/arm64", "what to build for, comma-separated")
	return command.Command{
		Flags: flags,
		Check: func() error { return complete(opt, *platforms) },
		Do: func(ctx context.Context, stdout, _ io.Writer) error {
			opt.Progress = stdout
			_, err := images.Build(ctx, *opt)
			return err
		},
	}
}

// complete fills in what the flags say in other words, and refuses what cannot be
// built.
func complete(opt *images.Options, platforms string) error {
	opt.Platforms = strings.Split(platforms, ",")
	if opt.Version == "" {
		version, err := images.Version(opt.Root)
		if err != nil {
			return err
		}
		opt.Version = version
	}
	return opt.Check()
}
