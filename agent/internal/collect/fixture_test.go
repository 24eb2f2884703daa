package collect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// layOut writes the node of an archive below folder.
//
// One txtar archive is one node's /proc, /sys, control groups and log folders.
// In it a file named "a -> b" becomes a symbolic link, and one named "a = b" a
// hard link: two processes in one network namespace have one /proc/PID/net/dev.
func layOut(archive, folder string) error {
	node, err := txtar.ParseFile(archive)
	if err != nil {
		return err
	}
	if len(node.Files) == 0 {
		return fmt.Errorf("lay out %s: it has no files", archive)
	}
	for _, file := range node.Files {
		if err := layOutFile(file, folder); err != nil {
			return fmt.Errorf("lay out %s: %w", archive, err)
		}
	}
	return nil
}

func layOutFile(file txtar.File, folder string) error {
	symlink, target, isSymlink := strings.Cut(file.Name, " -> ")
	link, existing, isLink := strings.Cut(symlink, " = ")
	name := filepath.Join(folder, link)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	switch {
	case isSymlink:
		return os.Symlink(target, name)
	case isLink:
		return os.Link(filepath.Join(folder, existing), name)
	}
	return os.WriteFile(name, file.Data, 0o644)
}
