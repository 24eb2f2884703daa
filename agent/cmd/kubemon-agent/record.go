package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/record"
	"github.com/kubemon/kubemon/shared/daemon"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// recordNode is the command record.
func recordNode(ctx context.Context, log *slog.Logger, stdout io.Writer, args []string, lookupEnv func(string) (string, bool)) error {
	c, err := parseRecord(args, lookupEnv)
	if err != nil {
		return err
	}
	node, err := openNode(c)
	if err != nil {
		return err
	}
	moment, err := momentOf(node, c.nodeName)
	if err != nil {
		return err
	}
	source := record.Source{
		Moment: moment, Proc: node.Proc, Sys: node.Sys, Cgroup: node.Cgroup,
		PodLogs: node.PodLogs, ContainerLogs: node.ContainerLogs,
	}
	if c.file == "-" {
		return record.Write(ctx, stdout, source)
	}
	if err := replaceFile(c.file, func(w io.Writer) error { return record.Write(ctx, w, source) }); err != nil {
		return err
	}
	log.Info("recorded", "node", c.nodeName, "file", c.file)
	return nil
}

// momentOf asks the node what no file tells. Which file systems are measured
// the collector knows, so it is watched at measuring them.
func momentOf(node collect.Node, nodeName string) (record.Moment, error) {
	wall, bootNanos, err := node.Now()
	if err != nil {
		return record.Moment{}, err
	}
	moment := record.Moment{Agent: daemon.Version(), Node: nodeName, Time: wall, BootNanos: bootNanos, PageBytes: node.PageBytes}
	if node.StatMount == nil {
		return moment, nil
	}
	moment.Mounts = []record.Mount{}
	measure := node.StatMount
	node.StatMount = func(point string) (snapshot.Filesystem, error) {
		filesystem, err := measure(point)
		mount := record.Mount{Filesystem: filesystem}
		if mount.Mount = point; err != nil {
			mount.Error = err.Error()
		}
		moment.Mounts = append(moment.Mounts, mount)
		return filesystem, err
	}
	collector := collect.New(node, collect.Options{NodeName: nodeName})
	defer collector.Close()
	_, err = collector.Collect()
	return moment, err
}

// replaceFile writes a file that is there as a whole or not at all. Only its
// owner may read it: it tells what runs on a node.
func replaceFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = errors.Join(write(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}
