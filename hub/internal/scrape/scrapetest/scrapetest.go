// Package scrapetest is a network in memory for tests of whatever asks agents:
// agents listen on it under any address, and connections to it go nowhere else.
//
// It takes no descriptor and reads no clock of its own, so that it works under
// testing/synctest, where time passes only when everybody waits. A connection is
// a net.Pipe: it holds no bytes, so what a peer could write was read.
package scrapetest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
)

// A Network connects dialers with listeners. Its zero value has no listener.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener // by host:port
	silent    map[string]bool
	open      atomic.Int64
}

// Open counts the connections whose dialer has not closed them yet.
func (n *Network) Open() int { return int(n.open.Load()) }

// Dial connects to the listener at the address. Where nobody listens the
// connection is refused, as the kernel does it.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	l, silent := n.listeners[address], n.silent[address]
	n.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: syscall.ECONNREFUSED}
	if silent {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: ctx.Err()}
	}
	if l == nil {
		return nil, refused
	}
	near, far := net.Pipe()
	select {
	case l.incoming <- far:
		n.open.Add(1)
		return &conn{Conn: near, closed: sync.OnceFunc(func() { n.open.Add(-1) })}, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Addr: addr(address), Err: ctx.Err()}
	}
}

// Silence makes an address one from which nothing ever comes back, until stop.
func (n *Network) Silence(address string) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.silent == nil {
		n.silent = make(map[string]bool)
	}
	n.silent[address] = true
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.silent, address)
	}
}

// Listen takes connections to the address, in the place of who listened there
// before.
func (n *Network) Listen(address string) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[string]*listener)
	}
	l := &listener{address: addr(address), incoming: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() {
		close(l.closed)
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.listeners[address] == l {
			delete(n.listeners, address)
		}
	})
	n.listeners[address] = l
	return l
}

// Serve answers requests to the address until stop, which also breaks the
// connections that are open.
func (n *Network) Serve(address string, handler http.Handler) (stop func()) {
	return serve(n.Listen(address), handler)
}

// ServeTLS is Serve over TLS.
func (n *Network) ServeTLS(address string, config *tls.Config, handler http.Handler) (stop func()) {
	return serve(tls.NewListener(n.Listen(address), config), handler)
}

func serve(listener net.Listener, handler http.Handler) (stop func()) {
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	return func() {
		_ = server.Close()
		serving.Wait()
	}
}

// A conn is the dialer's end of a connection.
type conn struct {
	net.Conn
	closed func()
}

func (c *conn) Close() error {
	c.closed()
	return c.Conn.Close()
}

type listener struct {
	address  addr
	incoming chan net.Conn
	closed   chan struct{}
	close    func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.close()
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }

// An addr is a host:port.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }
