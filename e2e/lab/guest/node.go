package guest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// kernelModules is where Debian's user-mode-linux package keeps the modules of
// its kernel; modprobe looks for them in /lib/modules.
const kernelModules = "/usr/lib/uml/modules"

// RunNode follows the plan in a guest whose root and mounts Init has made, and
// serves commands until ctx ends. Progress and failures go to the console.
func RunNode(ctx context.Context, plan Plan) error {
	steps := []struct {
		name string
		do   func(context.Context, Plan) error
	}{
		{"set host name", setHostname},
		{"write files", writeFiles},
		{"load kernel modules", loadModules},
		{"describe processor", describeProcessor},
		{"enable cgroup controllers", enableControllers},
		{"bring up network", bringUpNetwork},
	}
	for _, step := range steps {
		if err := step.do(ctx, plan); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	fmt.Println("lab: network up, starting services")
	go keepServices(ctx, plan.Services)
	return serveCommands(ctx, plan.CommandAddress)
}

func setHostname(_ context.Context, plan Plan) error {
	return unix.Sethostname([]byte(plan.Hostname))
}

func writeFiles(_ context.Context, plan Plan) error {
	for _, file := range plan.Files {
		if err := os.MkdirAll(filepath.Dir(file.Path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file.Path, []byte(file.Content), 0o600); err != nil {
			return err
		}
	}
	for _, link := range plan.Links {
		if err := os.MkdirAll(filepath.Dir(link.Path), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(link.Target, link.Path); err != nil {
			return err
		}
	}
	return nil
}

// loadModules lets modprobe find the kernel's modules and loads those of the
// plan, all in one go.
func loadModules(ctx context.Context, plan Plan) error {
	if err := (mount{kernelModules, "/lib/modules", "", unix.MS_BIND, ""}).do(); err != nil {
		return err
	}
	return run(ctx, append([]string{"modprobe", "--all"}, plan.Modules...)...)
}

// describeProcessor adds the clock speed to /proc/cpuinfo, which User-Mode
// Linux leaves out and without which the kubelet refuses to start.
func describeProcessor(context.Context, Plan) error {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	const described = "/run/cpuinfo"
	info = bytes.Replace(info, []byte("bogomips"), []byte("cpu MHz\t\t: 2000.000\nbogomips"), 1)
	if err := os.WriteFile(described, info, 0o644); err != nil {
		return err
	}
	return unix.Mount(described, "/proc/cpuinfo", "", unix.MS_BIND, "")
}

// bringUpNetwork uses the ip command: a handful of calls once per boot.
func bringUpNetwork(ctx context.Context, plan Plan) error {
	commands := [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"ip", "address", "add", plan.Address, "dev", plan.Interface},
		{"ip", "link", "set", plan.Interface, "up"},
	}
	for _, route := range plan.Routes {
		commands = append(commands, []string{"ip", "route", "add", route.To, "via", route.Via})
	}
	for _, command := range commands {
		if err := run(ctx, command...); err != nil {
			return err
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// run runs a command to its end; its error carries what the command said.
func run(ctx context.Context, args ...string) error {
	output, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %q: %w: %s", args, err, bytes.TrimSpace(output))
	}
	return nil
}
