package daemon

import (
	"container/list"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// grace is what every connection has to show who it is of. It is long for a
	// handshake and a request, and short for all who wait behind a hundred
	// connections that show nothing.
	grace = 250 * time.Millisecond
	// sayFullEvery is how often the log says that there are too many connections.
	sayFullEvery = time.Minute
)

// connections is a listener that has so many connections at most.
//
// A limit that lets new ones wait would be a way to shut everybody out: connect
// and say nothing. So a new connection takes the place of the oldest one that
// nobody is known on, once that has had its grace. Who is known has shown it by
// then, and stays.
type connections struct {
	net.Listener
	limit int
	log   *slog.Logger

	mu     sync.Mutex // held to look at, or change, what is below it
	open   list.List  // of *connection, in the order they came
	saidAt time.Time  // when the log last said that it is full
}

// A connection is one of connections, until it is closed.
type connection struct {
	net.Conn
	among *connections

	place *list.Element // nil once it is closed; owned by among.mu, as is kept
	kept  bool
	since time.Time
}

// Accept waits for a connection that there is room for.
func (l *connections) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := (&connection{Conn: conn, among: l}); l.admit(c) {
			return c, nil
		}
	}
}

// admit takes a connection in, or closes it, and closes another one if it must.
func (l *connections) admit(c *connection) bool {
	leaves, wait := l.add(c)
	for wait > 0 {
		time.Sleep(wait)
		leaves, wait = l.add(c)
	}
	if leaves != nil {
		l.sayFull(leaves)
		leaves.Close() // its peer may be told or not
	}
	return leaves != c
}

// add takes a connection in, or says how long to wait before that is tried
// again. leaves is the one that has to go for it, if any, and the new one itself
// if all others are kept.
func (l *connections) add(c *connection) (leaves *connection, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.Len() >= l.limit {
		leaves = l.oldestUnkept()
		if leaves == nil {
			return c, 0
		}
		if wait := time.Until(leaves.since.Add(grace)); wait > 0 {
			return nil, wait
		}
		l.remove(leaves)
	}
	c.since = time.Now()
	c.place = l.open.PushBack(c)
	return leaves, 0
}

// oldestUnkept is called with mu held.
func (l *connections) oldestUnkept() *connection {
	for e := l.open.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*connection); !c.kept {
			return c
		}
	}
	return nil
}

// remove is called with mu held.
func (l *connections) remove(c *connection) {
	if c.place != nil {
		l.open.Remove(c.place)
		c.place = nil
	}
}

func (l *connections) sayFull(left *connection) {
	l.mu.Lock()
	again := time.Since(l.saidAt) < sayFullEvery
	if !again {
		l.saidAt = time.Now()
	}
	l.mu.Unlock()
	if !again {
		l.log.Warn("too many connections: the oldest of unknown peers are closed", "limit", l.limit, "closed", left.RemoteAddr())
	}
}

// Close closes the connection and gives its place away.
func (c *connection) Close() error {
	c.among.mu.Lock()
	c.among.remove(c)
	c.among.mu.Unlock()
	return c.Conn.Close()
}

type connectionKey struct{}

// withConnection makes the context of requests know their connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// KeepConnection says that the sender of the request whose context this is is
// known: his connection is not closed to make room for another. It does nothing
// in a server without a limit.
func KeepConnection(request context.Context) {
	if c, ok := request.Value(connectionKey{}).(*connection); ok {
		c.among.mu.Lock()
		defer c.among.mu.Unlock()
		c.kept = true
	}
}
