package daemon

import (
	"context"
	"net"
	"sync"
	"time"
)

// The addresses of a network of pipes.
const (
	ours   = "10.0.0.1"
	theirs = "10.0.0.2"
	// tripTime is what a connection takes there.
	tripTime = 10 * time.Millisecond
)

// pipes is a network without a kernel, for tests whose time is not real.
type pipes struct {
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.dialed:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// from returns what dials from an address.
func (p *pipes) from(address string) func(ctx context.Context, _, _ string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		time.Sleep(tripTime)
		ours, theirs := net.Pipe()
		select {
		case p.dialed <- addressed{theirs, address}:
			return ours, nil
		case <-p.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	address string
}

func (a addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(a.address), Port: 1} }
