package scrape

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"net/http"

	"github.com/kubemon/kubemon/hub"
)

// A target is whom a connection is for. It travels in the context of a request,
// because a transport tells who dials no more than an address.
type target struct {
	agent   hub.Agent
	address string // host:port
}

type targetKey struct{}

func targetOf(ctx context.Context) target { return ctx.Value(targetKey{}).(target) }

// to returns the request as one to the agent. A transport uses connections again
// by the host in the URL, so that names the pod as well: what was opened for a
// pod whose address another has by now is not for that one. Host, which the
// agent sees, stays as it was.
func to(agent hub.Agent, r *http.Request) *http.Request {
	address := r.URL.Host
	host, port, err := net.SplitHostPort(address)
	if err != nil { // no port in it
		host, port = r.URL.Hostname(), map[string]string{"http": "80", "https": "443"}[r.URL.Scheme]
		address = net.JoinHostPort(host, port)
	}
	if agent.PodUID != "" {
		r.URL.Host = net.JoinHostPort(hex.EncodeToString([]byte(agent.PodUID))+"."+host, port)
	}
	return r.WithContext(context.WithValue(r.Context(), targetKey{}, target{agent, address}))
}

// dialTarget opens a connection in bounded time. A transport goes on dialing
// when the request that wanted the connection is over.
func (s *Scraper) dialTarget(ctx context.Context, network, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return s.dial(ctx, network, targetOf(ctx).address)
}

// dialTLS opens a connection on which requests, and the token with them, may be
// sent: the peer has proved to hold a key that is taken for the agent's. That is
// decided after the handshake and not by tls.Config.VerifyConnection, which is
// called before the peer's signature is seen.
func (s *Scraper) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := s.dialTarget(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn, err := s.shakeHands(ctx, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

func (s *Scraper) shakeHands(ctx context.Context, raw net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	conn := tls.Client(raw, &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true, // whom the key belongs to, the trust says
		// Sessions are not resumed: there is no ClientSessionCache.
	})
	err := conn.HandshakeContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, failuref(hub.FailureTimeout, "no TLS handshake within %s: %w", tlsTimeout, context.DeadlineExceeded)
	}
	if err != nil {
		return nil, failuref(hub.FailureBroken, "shake hands by TLS: %w", cause(err, Unquoted(err)))
	}
	if err := s.peers.accept(ctx, targetOf(ctx).agent, conn.ConnectionState().PeerCertificates); err != nil {
		return nil, err
	}
	return conn, nil
}
