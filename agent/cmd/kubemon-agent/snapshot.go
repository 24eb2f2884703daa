package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/kubemon/kubemon/agent/internal/collect"
	"github.com/kubemon/kubemon/agent/internal/serve"
	"github.com/kubemon/kubemon/agent/internal/table"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// printSnapshot is the command snapshot.
func printSnapshot(ctx context.Context, log *slog.Logger, stdout io.Writer, args []string, lookupEnv func(string) (string, bool)) error {
	c, err := parseSnapshot(args, lookupEnv)
	if err != nil {
		return err
	}
	return withNode(ctx, log, c, func(c config, node collect.Node) error {
		collector := collect.New(node, c.options())
		defer collector.Close()
		s, err := collector.Collect()
		if err != nil {
			return err
		}
		if c.output == outputTable {
			return table.Write(stdout, s)
		}
		body, err := serve.Encode(s, snapshot.ContentTypeJSON)
		if err != nil {
			return err
		}
		_, err = stdout.Write(body)
		return err
	})
}
