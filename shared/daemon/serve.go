package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"
)

// Limits of every server: a peer that is slow or sends too much costs little.
const (
	readHeaderTimeout = 5 * time.Second  // of the TLS handshake, too
	readTimeout       = 10 * time.Second // of a whole request
	writeTimeout      = 30 * time.Second // of an answer, unless its handler sets a deadline of its own
	idleTimeout       = 2 * time.Minute  // longer than a scrape interval, so connections are kept
	maxHeaderBytes    = 16 << 10
	maxBodyBytes      = 1 << 20
	maxStreams        = 100 // of one HTTP/2 connection
	// drainTimeout is how long open requests may take after the signal.
	drainTimeout = 10 * time.Second
)

// Loopback reports whether only this machine can reach address, which is
// host:port; its error is a [UsageError] about the flag -listen.
func Loopback(address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, Usagef("invalid value %q for flag -listen: want host:port: %w", address, err)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// CheckListen refuses an address that other machines can reach, unless
// allowUnauthenticated: whoever reaches the program may read everything.
func CheckListen(address string, allowUnauthenticated bool) error {
	loopback, err := Loopback(address)
	if err != nil || loopback || allowUnauthenticated {
		return err
	}
	return Usagef("--listen %s can be reached from other machines, and anybody who reaches it may read everything: "+
		"listen on 127.0.0.1, or say --allow-unauthenticated", address)
}

// Listen opens address; its error names it.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// A Server answers requests with Handler, which also gets those that net/http
// would answer itself, such as OPTIONS *.
type Server struct {
	Handler http.Handler
	Log     *slog.Logger
	// TLS is nil for plain HTTP. HTTP/2 is spoken if it is among the NextProtos.
	TLS *tls.Config
	// MaxConnections may be open at once, 0 for any number. When one more comes,
	// the oldest one goes of those that no request kept with [KeepConnection] and
	// whose peer, an IPv4 address or an IPv6 /64, has the most of them: at once if
	// the new one's peer has fewer, else once it is a quarter of a second old. So
	// thousands that say nothing, or say it slowly, do not lock out who comes from
	// elsewhere.
	MaxConnections int
}

// Serve answers requests on listener until ctx ends. Then it takes no new ones,
// gives the open ones ten seconds, and returns nil when all of them ended in
// that time.
func (s Server) Serve(ctx context.Context, listener net.Listener) error {
	server := s.server()
	if s.MaxConnections > 0 {
		listener = &connections{Listener: listener, limit: s.MaxConnections, log: s.Log}
	}
	served := make(chan error, 1)
	go func() {
		if s.TLS == nil {
			served <- server.Serve(listener)
		} else {
			served <- server.ServeTLS(listener, "", "")
		}
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	s.Log.Info("stopping", "cause", context.Cause(ctx))
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("drain %s: %w", listener.Addr(), err), server.Close())
	}
	<-served // http.ErrServerClosed, because Shutdown was called
	return err
}

// server is the standard library's, with our limits.
func (s Server) server() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(s.TLS != nil && slices.Contains(s.TLS.NextProtos, "h2"))
	return &http.Server{
		Handler:                      http.MaxBytesHandler(s.Handler, maxBodyBytes),
		DisableGeneralOptionsHandler: true, // it answers before anybody is asked who he is
		TLSConfig:                    s.TLS,
		Protocols:                    protocols,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout:            readHeaderTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ConnContext:                  withConnection,
		ErrorLog:                     log.New(&sparing{log: s.Log}, "", 0),
	}
}
