package rest

import (
	"context"
	"errors"
)

// made is what one request makes and others wait for: once done is closed, the
// value or its error.
type made[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// errBroken is what those get who waited for what panicked in the making.
var errBroken = errors.New("making the same answer for another request panicked")

func newMade[T any]() *made[T] { return &made[T]{done: make(chan struct{}), err: errBroken} }

// wait is for those who do not make it.
func (m *made[T]) wait(ctx context.Context) error {
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// make is called once. When it fails, or panics, forget sees to it that nobody
// finds m any more, and those who have waited share the failure.
func (m *made[T]) make(build func() (T, error), forget func()) error {
	defer func() {
		if m.err != nil {
			forget()
		}
		close(m.done)
	}()
	m.value, m.err = build()
	return m.err
}
