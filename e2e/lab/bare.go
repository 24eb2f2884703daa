package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kubemon/kubemon/e2e/lab/guest"
)

// A Bare is one guest without Kubernetes: a kernel of its own with cgroup v2,
// on which a test makes whatever control groups and loads it likes.
type Bare struct {
	lab    *Lab
	unlock func()
}

// BootBare boots a bare guest in seconds. Of the options only Name, Sources and
// Progress count. What an earlier program left behind under this name is
// removed first; as long as that program still runs, it is an error. What this
// one started is removed again when BootBare fails.
func BootBare(ctx context.Context, opt Options) (*Bare, error) {
	l, err := newLab(opt)
	if err != nil {
		return nil, err
	}
	unlock, err := l.lock()
	if err != nil {
		return nil, err
	}
	b := &Bare{l, unlock}
	if err := b.boot(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("boot bare guest %s: %w", l.name, err), b.Stop())
	}
	return b, nil
}

func (b *Bare) boot(ctx context.Context) error {
	l := b.lab
	if _, err := l.remove(ctx); err != nil {
		return err
	}
	if err := l.makeFolders(); err != nil {
		return err
	}
	if err := checkHost(l.dir); err != nil {
		return err
	}
	if err := installPackages(ctx, l.progress); err != nil {
		return err
	}
	if err := l.buildGuestInit(ctx); err != nil {
		return err
	}
	if err := l.makeNetwork(ctx); err != nil {
		return err
	}
	if err := l.bootGuest(ctx, 1, barePlan()); err != nil {
		return err
	}
	return poll(ctx, bootTimeout, "the guest to boot", func(ctx context.Context) error {
		if _, ok := l.running(nodeName(1)); !ok {
			return fmt.Errorf("%w: %s", errEnded, l.logTail(nodeName(1)))
		}
		_, err := b.Run(ctx, nil, "true")
		return err
	})
}

// barePlan is a guest with a network, its cgroup controllers, what pods' networks
// are made of, and nothing else.
func barePlan() guest.Plan {
	return guest.Plan{
		Hostname:       nodeName(1),
		Interface:      "vec0",
		Address:        nodeAddress(1).String() + "/" + strconv.Itoa(nodePrefixBits),
		CommandAddress: onNode(1, commandPort),
		Modules:        []string{"overlay", "veth"},
	}
}

// Run runs a program in the guest, as root and in its root control group, and
// returns its standard output, also beside an error. Stdin may be nil.
func (b *Bare) Run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	return b.lab.OnNode(ctx, 1, stdin, args...)
}

// Install copies a program of the host to a folder of the guest's own disk.
func (b *Bare) Install(ctx context.Context, program, folder string) error {
	file, err := os.Open(program)
	if err != nil {
		return fmt.Errorf("install in guest: %w", err)
	}
	defer file.Close()
	target := filepath.Join(folder, filepath.Base(program))
	_, err = b.Run(ctx, file, "sh", "-c", `mkdir -p "$1" && cat >"$2" && chmod 755 "$2"`, "install", folder, target)
	return err
}

// Stop ends the guest and removes all that BootBare made. It needs no context:
// it must be done even when the caller is in a hurry.
func (b *Bare) Stop() error {
	defer b.unlock()
	if _, err := b.lab.remove(context.Background()); err != nil {
		return err
	}
	return os.Remove(b.lab.dir + ".lock")
}
