package daemon

import (
	"container/list"
	"context"
	"crypto/tls"
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// grace is what every connection has to show who it is of, while others of
	// its peer wait for its place. It is long for a handshake and a request.
	grace = 250 * time.Millisecond
	// waitingPerPlace bounds those that wait, and how long: each place is given
	// to another one after a grace.
	waitingPerPlace = 6
	// sayFullEvery is how often the log says that there are too many connections.
	sayFullEvery = time.Minute
)

// connections is a listener that has so many connections at most.
//
// A limit that lets new ones wait would be a way to shut everybody out: connect
// and say nothing. So when there are too many, one goes: of those that nobody is
// known on the oldest one of the peer that has the most of them. It goes at once
// for a peer that has fewer: who has one is not hindered by who has thousands
// elsewhere. For one of the same peer it goes after its grace; until then the new
// one waits behind the others, unread, and if too many wait it is closed.
type connections struct {
	net.Listener
	limit int
	log   *slog.Logger

	mu      sync.Mutex // held to look at, or change, what is below it
	open    list.List  // of *connection, in the order they were let in
	waiting list.List  // of *connection, in the order they came
	timed   bool       // whether admitWaiting is going to be called
	saidAt  time.Time  // when the log last said that it is full
}

// A connection is one of connections, until it is closed.
type connection struct {
	net.Conn
	among *connections
	peer  netip.Prefix
	in    chan struct{} // closed once it is let in
	gone  chan struct{} // closed once it is closed

	// What follows is owned by among.mu.
	place *list.Element // in open or waiting; nil once it is closed
	since time.Time     // when it was let in; zero while it waits
	kept  bool
	owner string    // of one that is kept, where owners are told apart
	used  time.Time // when a request last kept it
}

// peerOf is where a connection comes from: an IPv4 address, or the 64 bits of an
// IPv6 address that name a network, as one machine may have all of it.
func peerOf(conn net.Conn) netip.Prefix {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	if address.Is4() {
		return netip.PrefixFrom(address, 32)
	}
	return netip.PrefixFrom(address, 64).Masked()
}

// Accept returns the next connection, which may have to wait when it is read.
func (l *connections) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &connection{Conn: conn, among: l, peer: peerOf(conn), in: make(chan struct{}), gone: make(chan struct{})}
		leaves := l.add(c)
		l.end(leaves)
		if leaves != c {
			return c, nil
		}
	}
}

// end closes who has to leave, if anybody does.
func (l *connections) end(leaves *connection) {
	if leaves != nil {
		l.sayFull(leaves)
		leaves.Close() // its peer may be told or not
	}
}

// add takes a new connection, lets it in or has it wait, and returns the one
// that leaves, if any: the new one where there is no room to wait.
func (l *connections) add(c *connection) (leaves *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	leaves, wait := l.admit(c)
	if wait == 0 {
		return leaves
	}
	if l.waiting.Len() >= waitingPerPlace*l.limit {
		return c
	}
	c.place = l.waiting.PushBack(c)
	if !l.timed {
		l.timed = true
		time.AfterFunc(wait, l.admitWaiting)
	}
	return nil
}

// admitWaiting lets in those whose time has come, one after another.
func (l *connections) admitWaiting() {
	for leaves, more := l.admitFirst(); more; leaves, more = l.admitFirst() {
		l.end(leaves)
	}
}

// admitFirst lets in the first one that waits, and returns the one that leaves
// for it. It reports whether it has done so; else it is tried again in time.
func (l *connections) admitFirst() (leaves *connection, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.waiting.Front()
	if l.timed = first != nil; first == nil {
		return nil, false
	}
	leaves, wait := l.admit(first.Value.(*connection))
	if wait > 0 {
		time.AfterFunc(wait, l.admitWaiting)
		return nil, false
	}
	l.waiting.Remove(first)
	return leaves, true
}

// admit lets a connection in and returns the one that leaves for it, if any,
// which may be itself, or says how long to wait before that is tried again. It
// is called with mu held.
func (l *connections) admit(c *connection) (leaves *connection, wait time.Duration) {
	if l.open.Len() >= l.limit {
		var atOnce bool
		if leaves, atOnce = l.surplus(c); leaves == c {
			return c, 0
		}
		if wait := time.Until(leaves.since.Add(grace)); wait > 0 && !atOnce {
			return nil, wait
		}
		l.open.Remove(leaves.place)
		leaves.place = nil
	}
	c.since = time.Now()
	c.place = l.open.PushBack(c)
	close(c.in)
	return leaves, 0
}

// A holding is how many connections a peer has.
type holding struct{ unkept, all int }

// before orders holdings by whose connection goes first.
func (h holding) before(other holding) bool {
	return h.unkept > other.unkept || h.unkept == other.unkept && h.all > other.all
}

// surplus returns the connection that goes when c is one too many, and whether
// it does so at once, as its peer has more than that of c. Kept ones stay, unless
// there are no others: then one goes of the owner who has most of them, or of a
// peer that has more than that of c. It is called with mu held.
func (l *connections) surplus(c *connection) (leaves *connection, atOnce bool) {
	held := map[netip.Prefix]holding{c.peer: {unkept: 1, all: 1}}
	for other := range l.each() {
		h := held[other.peer]
		if h.all++; !other.kept {
			h.unkept++
		}
		held[other.peer] = h
	}
	for other := range l.each() {
		if !other.kept && (leaves == nil || held[other.peer].before(held[leaves.peer])) {
			leaves = other
		}
	}
	if leaves != nil && !held[c.peer].before(held[leaves.peer]) {
		return leaves, held[leaves.peer].before(held[c.peer])
	}
	if least := l.ofGreatestOwner(); least != nil {
		return least, true
	}
	leaves = c
	for other := range l.each() {
		if held[other.peer].all > held[leaves.peer].all {
			leaves = other
		}
	}
	return leaves, true
}

// each is called with mu held.
func (l *connections) each() iter.Seq[*connection] {
	return func(yield func(*connection) bool) {
		for e := l.open.Front(); e != nil; e = e.Next() {
			if !yield(e.Value.(*connection)) {
				return
			}
		}
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
		l.log.Warn("too many connections: those are closed whose peer has most that nobody is known on", "limit", l.limit, "closed", left.RemoteAddr())
	}
}

// Read waits until the connection is let in.
func (c *connection) Read(p []byte) (int, error) {
	select {
	case <-c.in:
		return c.Conn.Read(p)
	case <-c.gone:
		return 0, net.ErrClosed
	}
}

// Close closes the connection and gives its place away.
func (c *connection) Close() error {
	c.among.forget(c)
	return c.Conn.Close()
}

func (l *connections) forget(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.place != nil {
		l.open.Remove(c.place) // which does nothing if it is in the other list
		l.waiting.Remove(c.place)
		c.place = nil
	}
	select {
	case <-c.gone: // it was closed before
	default:
		close(c.gone)
	}
}

type connectionKey struct{}

// withConnection makes the context of requests know their connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}
