package guest

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Init is the work of a guest's first process: it makes the guest's root and
// mounts, runs `self node` to do the rest, and reaps orphans until that ends.
// The node is a process of its own because a first process, which must wait
// for any child, would take exit statuses away from os/exec.
func Init(self string) error {
	plan, err := ReadPlan(os.Getenv(PlanVariable))
	if err != nil {
		return err
	}
	if err := makeRoot(plan.Folders); err != nil {
		return fmt.Errorf("make root: %w", err)
	}
	if err := mountKernel(); err != nil {
		return fmt.Errorf("mount kernel file systems: %w", err)
	}
	node, err := os.StartProcess(self, []string{self, "node"}, &os.ProcAttr{
		Env:   []string{PlanVariable + "=" + os.Getenv(PlanVariable), "HOME=/root", searchPath},
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return fmt.Errorf("start node: %w", err)
	}
	return reapUntil(node.Pid)
}

// searchPath puts the links of the plan (the iptables tools of the legacy
// kind, since the guest's kernel lacks what the other kind needs) first.
const searchPath = "PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// reapUntil waits for children, own and adopted, until the one with pid ends.
func reapUntil(pid int) error {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fmt.Errorf("wait for children: %w", err)
		case ended == pid:
			return fmt.Errorf("node ended with status %d", status.ExitStatus())
		}
	}
}

// PowerOff stops the guest's kernel at once. It returns only if that failed.
func PowerOff() error {
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		return fmt.Errorf("power off: %w", err)
	}
	return nil
}
