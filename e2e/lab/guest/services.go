package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	cgroupRoot = "/sys/fs/cgroup"
	// restartDelay is how long a service that ended stays away.
	restartDelay = time.Second
)

// enableControllers makes every controller of the kernel available in the
// root's children and in system.slice, as systemd does on a real node.
func enableControllers(context.Context, Plan) error {
	available, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return err
	}
	slice := filepath.Join(cgroupRoot, "system.slice")
	if err := os.Mkdir(slice, 0o755); err != nil {
		return err
	}
	for _, dir := range []string{cgroupRoot, slice} {
		for controller := range strings.FieldsSeq(string(available)) {
			control := filepath.Join(dir, "cgroup.subtree_control")
			if err := os.WriteFile(control, []byte("+"+controller), 0o644); err != nil {
				return fmt.Errorf("enable %s in %s: %w", controller, dir, err)
			}
		}
	}
	return nil
}

// keepServices starts the services, and starts again what ends, until ctx does.
func keepServices(ctx context.Context, services []Service) {
	var wg sync.WaitGroup
	for _, service := range services {
		wg.Go(func() { keepService(ctx, service) })
	}
	wg.Wait()
}

func keepService(ctx context.Context, service Service) {
	for service.After != "" && ctx.Err() == nil {
		if _, err := os.Stat(service.After); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for ctx.Err() == nil {
		fmt.Printf("lab: starting %s\n", service.Name)
		err := runService(ctx, service)
		fmt.Printf("lab: service %s ended: %v; the end of its log:\n%s\n", service.Name, err, logTail(service))
		time.Sleep(restartDelay)
	}
}

// runService runs a service once, to its end.
func runService(ctx context.Context, service Service) error {
	log, err := os.OpenFile(logPath(service), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	group := filepath.Join(cgroupRoot, "system.slice", service.Name+".service")
	if err := os.MkdirAll(group, 0o755); err != nil {
		return fmt.Errorf("make cgroup: %w", err)
	}
	cmd := exec.CommandContext(ctx, service.Args[0], service.Args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	procs := filepath.Join(group, "cgroup.procs")
	if err := os.WriteFile(procs, []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		return errors.Join(fmt.Errorf("enter cgroup: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	return cmd.Wait()
}

func logPath(service Service) string {
	return filepath.Join("/var/log", service.Name+".log")
}

// logTail returns the last lines of a service's log, for the console.
func logTail(service Service) string {
	const lines = 15
	data, err := os.ReadFile(logPath(service))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
