package fleet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// agents is one server that answers for every node, each at its own address, who
// shows it the token.
type agents struct {
	nodes          []Node
	token          string
	past, interval time.Duration // of what they have kept
	urls           []string
	close          func()
}

// addressOf is node i's address: of 127.0.0.0/8, all of which is this machine.
func addressOf(i int) net.IP { return net.IPv4(127, 1+byte(i>>16), byte(i>>8), byte(i)) }

// nodeAt is the reverse of addressOf.
func nodeAt(ip net.IP) int {
	ip = ip.To4()
	return int(ip[1]-1)<<16 | int(ip[2])<<8 | int(ip[3])
}

// serveAgents listens on all addresses of the loopback interface, and on no
// other: the socket is bound to the interface.
func serveAgents(ctx context.Context, nodes []Node, token string, past, interval time.Duration) (*agents, error) {
	toLoopback := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var bound error
		err := c.Control(func(fd uintptr) { bound = unix.BindToDevice(int(fd), "lo") })
		return errors.Join(err, bound)
	}}
	listener, err := toLoopback.Listen(ctx, "tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, fmt.Errorf("listen on the loopback interface: %w", err)
	}
	a := &agents{nodes: nodes, token: token, past: past, interval: interval}
	port := listener.Addr().(*net.TCPAddr).Port
	for i := range nodes {
		a.urls = append(a.urls, fmt.Sprintf("https://%s:%d", addressOf(i), port))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /snapshot", a.snapshot)
	mux.HandleFunc("GET /snapshots", a.snapshots)
	server := &http.Server{
		Handler:      a.known(mux),
		TLSConfig:    &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: newKeys().certificateFor},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1, as the agent
		ErrorLog:     log.New(io.Discard, "", 0),                               // the hub ends while some answer
	}
	var served sync.WaitGroup
	served.Go(func() { _ = server.ServeTLS(listener, "", "") })
	a.close = func() { _ = server.Close(); served.Wait() }
	return a, nil
}

// known answers only who shows the token.
func (a *agents) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+a.token {
			http.Error(w, "the token is missing", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// number is of the node that the request's connection leads to.
func (a *agents) number(r *http.Request) int {
	return nodeAt(r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr).IP)
}

func (a *agents) snapshot(w http.ResponseWriter, r *http.Request) {
	contentType := snapshot.Negotiate(r.Header.Get("Accept"))
	body, err := snapshot.Encode(a.nodes[a.number(r)].At(time.Now()), contentType)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // as the agent
	_, _ = w.Write(body)
}
