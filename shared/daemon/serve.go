package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of every server: a peer that is slow or sends too much costs little.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute // longer than a scrape interval, so connections are kept
	maxHeaderBytes    = 64 << 10
	maxBodyBytes      = 1 << 20
	// drainTimeout is how long open requests may take after the signal.
	drainTimeout = 10 * time.Second
)

// CheckListen refuses an address that other machines can reach, unless
// allowUnauthenticated: whoever reaches the program may read everything.
func CheckListen(address string, allowUnauthenticated bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return Usagef("invalid value %q for flag -listen: want host:port: %w", address, err)
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if loopback || allowUnauthenticated {
		return nil
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

// Serve answers requests on listener with handler until ctx ends. Then it
// takes no new ones, gives the open ones ten seconds, and returns nil when all
// of them ended in that time.
func Serve(ctx context.Context, log *slog.Logger, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           http.MaxBytesHandler(handler, maxBodyBytes),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	log.Info("stopping", "cause", context.Cause(ctx))
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("drain %s: %w", listener.Addr(), err), server.Close())
	}
	<-served // http.ErrServerClosed, because Shutdown was called
	return err
}
