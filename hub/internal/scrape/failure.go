package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"

	"github.com/kubemon/kubemon/hub"
)

// A failure is an error with the word that it is counted under.
type failure struct {
	kind hub.Failure
	error
}

func (f failure) Unwrap() error { return f.error }

func failuref(kind hub.Failure, format string, args ...any) error {
	return failure{kind, fmt.Errorf(format, args...)}
}

func unreachable(base string, err error) error {
	return failuref(hub.FailureUnreachable, "read agent address %q: %w", base, err)
}

// failureOf is the word of an error that fetch returned, empty without one.
func failureOf(err error) hub.Failure {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[failure](err); ok {
		return f.kind
	}
	return hub.FailureBroken
}

// A dialError says that there was no connection: nobody has been asked yet.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

// plain replaces what net and net/http say of a failed exchange by its cause:
// their texts name the hub's own port, another one each time.
func (s *Scraper) plain(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		err = urlErr.Err // without its URL, whose host names the pod as well
	}
	if _, known := errors.AsType[failure](err); known {
		return err
	}
	op, isOp := errors.AsType[*net.OpError](err)
	if isOp && op.Op == "dial" {
		return dialError{s.plainDial(op)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return failuref(hub.FailureTimeout, "no whole answer within %s: %w", s.timeout, context.DeadlineExceeded)
	}
	return failure{hub.FailureBroken, cause(err, errors.New("what came is no whole HTTP/1.1 answer"))}
}

// plainDial says why there is no connection.
func (s *Scraper) plainDial(op *net.OpError) error {
	if dns, ok := errors.AsType[*net.DNSError](op); ok {
		return failuref(hub.FailureUnreachable, "look up %s: %s", dns.Name, dns.Err)
	}
	switch {
	case op.Timeout() || errors.Is(op, context.DeadlineExceeded):
		return failuref(hub.FailureTimeout, "no connection within %s: %w", min(dialTimeout, s.timeout), context.DeadlineExceeded)
	case errors.Is(op, syscall.ECONNREFUSED):
		return failure{hub.FailureRefused, cause(op, op.Err)}
	}
	return failure{hub.FailureUnreachable, cause(op, op.Err)}
}

// cause is what the system says, without whom it was about, or that the
// connection or the question ended. Of other errors, which quote what came, it
// is what else is given.
func cause(err, other error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	for _, end := range []error{context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, end) {
			return end
		}
	}
	return other
}
