package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	forwarder = "forwarder"
	// Namespace and the Service's name are those of `helm install kubemon`.
	Namespace  = "kubemon"
	hubService = "kubemon-hub"
	// endpointLife is how long a hub's address is used before it is asked for
	// again; a hub that moves is found that much later.
	endpointLife = time.Second
)

// Forward makes the lab reachable from the host until ctx ends: it listens on
// the host's loopback and connects on to the hub, the agents and the API
// server inside the lab's network.
func (l *Lab) Forward(ctx context.Context, log *slog.Logger) error {
	client, err := l.client()
	if err != nil {
		return err
	}
	hub := &hubFinder{client: client}
	targets := map[netip.AddrPort]func(context.Context) (string, error){
		l.ports.hub():       hub.address,
		l.ports.apiServer(): fixed(net.JoinHostPort(controlPlaneAddress, "6443")),
	}
	for n := 1; n <= MaxNodes; n++ {
		targets[l.ports.agent(n)] = fixed(onNode(n, AgentPort))
	}
	g, ctx := errgroup.WithContext(ctx)
	for listen, target := range targets {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen.String())
		if err != nil {
			return fmt.Errorf("forward from %s: %w", listen, err)
		}
		context.AfterFunc(ctx, func() { listener.Close() })
		g.Go(func() error { return l.forwardAll(ctx, listener, target, log) })
	}
	return g.Wait()
}

func fixed(address string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return address, nil }
}

// forwardAll forwards every connection that a listener accepts.
func (l *Lab) forwardAll(ctx context.Context, listener net.Listener, target func(context.Context) (string, error), log *slog.Logger) error {
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept on %s: %w", listener.Addr(), err)
		}
		go func() {
			defer conn.Close()
			if err := l.forward(ctx, conn, target); err != nil {
				log.Warn("connection not forwarded", "listen", listener.Addr().String(), "err", err)
			}
		}()
	}
}

// forward connects conn to the target and copies both ways until both are
// done.
func (l *Lab) forward(ctx context.Context, conn net.Conn, target func(context.Context) (string, error)) error {
	dialCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	address, err := target(dialCtx)
	if err != nil {
		return err
	}
	upstream, err := l.Dial(dialCtx, "tcp", address)
	if err != nil {
		return err
	}
	defer upstream.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close(); upstream.Close() })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { copyHalf(upstream, conn) })
	wg.Go(func() { copyHalf(conn, upstream) })
	wg.Wait()
	return nil
}

// copyHalf copies one direction and passes its end on. Either side may break
// off whenever it likes, so a copy's error is an end like any other.
func copyHalf(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// A hubFinder asks the API server where the hub is. While the API server does
// not answer, the address known last serves on.
type hubFinder struct {
	client kubernetes.Interface

	mu    sync.Mutex
	known string
	until time.Time
}

func (h *hubFinder) address(ctx context.Context) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return h.known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	slices, err := h.client.DiscoveryV1().EndpointSlices(Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + hubService,
	})
	if err != nil && h.known == "" {
		return "", fmt.Errorf("find the hub: %w", err)
	}
	if err == nil {
		if h.known, err = readyEndpoint(slices.Items); err != nil {
			return "", fmt.Errorf("find the hub: %w", err)
		}
	}
	h.until = time.Now().Add(endpointLife)
	return h.known, nil
}

// readyEndpoint returns host:port of an endpoint that takes traffic.
func readyEndpoint(slices []discoveryv1.EndpointSlice) (string, error) {
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			ready := endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
			if ready && len(endpoint.Addresses) > 0 && len(slice.Ports) > 0 && slice.Ports[0].Port != nil {
				port := strconv.Itoa(int(*slice.Ports[0].Port))
				return net.JoinHostPort(endpoint.Addresses[0], port), nil
			}
		}
	}
	return "", errors.New("its Service " + hubService + " has no ready endpoint")
}

const forwarderTimeout = 15 * time.Second

// startForwarder runs Forward in a process of its own and waits until it
// listens.
func (l *Lab) startForwarder(ctx context.Context) error {
	if _, ok := l.running(forwarder); ok {
		return nil
	}
	if err := l.spawn(forwarder, l.programs.Lab, "forward", "--name", l.name); err != nil {
		return err
	}
	return poll(ctx, forwarderTimeout, "the forwarder", func(ctx context.Context) error {
		if _, ok := l.running(forwarder); !ok {
			return fmt.Errorf("%w: %s", errEnded, l.logTail(forwarder))
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.ports.apiServer().String())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
