package scrape

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// rereadAfter is how old what a file said may be. A round has thousands of
// readers at once, and none of these files changes more often.
const rereadAfter = time.Second

// A file is a small one that is written anew now and then: the kubelet rotates
// tokens, and cert-manager certificates. It is read by content and not by its
// times, because the kubelet swaps a link.
type file[T any] struct {
	path  string
	parse func([]byte) (T, error)
	log   *slog.Logger

	mu      sync.Mutex
	read    time.Time // when it last was
	content []byte    // of the last good
	value   *T        // what that said; nil before the first
	err     error     // of the last reading
}

// latest returns what the file said last, nil if it never said anything, and
// what is wrong with it now. The log is told of each fault once.
func (f *file[T]) latest() (*T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); f.read.IsZero() || now.Sub(f.read) >= rereadAfter {
		f.read = now
		before := f.err
		if f.err = f.reread(); f.err != nil && (before == nil || before.Error() != f.err.Error()) {
			f.log.Warn("file cannot be used; what it said before counts", "err", f.err, "any", f.value != nil)
		}
	}
	return f.value, f.err
}

func (f *file[T]) reread() error {
	content, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("read file: %w", err) // it has the path
	}
	if f.value != nil && bytes.Equal(content, f.content) {
		return nil
	}
	value, err := f.parse(content)
	if err != nil {
		return fmt.Errorf("read file %s: %w", f.path, err)
	}
	f.content, f.value = content, &value
	return nil
}
