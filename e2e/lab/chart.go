package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// release is the name under which kubemon is installed. The namespace and the
// names of the Services follow from it.
const release = "kubemon"

// installTimeout is how long kubemon may take to be ready.
const installTimeout = "4m"

// installKubemon installs kubemon's chart with the command that people use, or
// upgrades it and restarts its pods, since an image of the same version may
// have been built anew.
func (l *Lab) installKubemon(ctx context.Context, extra []string) error {
	started := time.Now()
	_, err := l.Exec(ctx, nil, "helm", "status", release, "--namespace", Namespace)
	installed := err == nil
	verb := "install"
	if installed {
		verb = "upgrade"
	}
	if _, err := l.Exec(ctx, nil, l.helmArgs(extra, verb)...); err != nil {
		return fmt.Errorf("%s kubemon: %w", verb, err)
	}
	if installed {
		if err := l.restartKubemon(ctx); err != nil {
			return err
		}
	}
	l.progress.step("kubemon is installed and ready (helm took %.1f s)", time.Since(started).Seconds())
	return nil
}

// helmArgs is helm's command line: its verb, with flags of its own, on kubemon.
func (l *Lab) helmArgs(extra []string, verb ...string) []string {
	return slices.Concat([]string{"helm"}, verb, []string{release, filepath.Join(l.sources, "charts", "kubemon"),
		"--namespace", Namespace, "--create-namespace", "--wait", "--timeout", installTimeout}, extra)
}

// UpgradeKubemon changes the installed kubemon's values, given as arguments of
// helm such as --set hub.window=1m, and waits until its pods are ready.
func (l *Lab) UpgradeKubemon(ctx context.Context, extra ...string) error {
	if _, err := l.Exec(ctx, nil, l.helmArgs(extra, "upgrade")...); err != nil {
		return fmt.Errorf("upgrade kubemon: %w", err)
	}
	return nil
}

func (l *Lab) restartKubemon(ctx context.Context) error {
	for _, args := range [][]string{
		{"kubectl", "--namespace", Namespace, "rollout", "restart", "daemonset,deployment"},
		{"kubectl", "--namespace", Namespace, "rollout", "status", "--timeout", installTimeout, "daemonset,deployment"},
	} {
		if _, err := l.Exec(ctx, nil, args...); err != nil {
			return fmt.Errorf("restart kubemon: %w", err)
		}
	}
	return nil
}
