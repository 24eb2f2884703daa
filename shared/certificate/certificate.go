// Package certificate keeps the key and certificate that a server shows, and
// makes its TLS configuration: TLS 1.3 and nothing older. There are three ways
// to come by them:
//
//	NewSelfSigned   a key for the life of the process, which clients pin, and a
//	                certificate that is renewed daily
//	NewAttested     a key and a certificate that are renewed daily together, and
//	                a token in it that says whose the key is, see package identity
//	NewFiles        what somebody else puts into two files, and replaces there
//
// Each gives a [Keeper], whose Run renews until its context ends. New connections
// get what is current; open ones go on with what they began with. Keys that
// are made here are ECDSA P-256 and never leave memory. What cannot be renewed
// is kept, tried again, and counted.
package certificate

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often a keeper looks whether it is time. It goes by the
	// wall clock, so that a machine that slept renews when it wakes.
	lookEvery = time.Minute
	// shortestBackoff and longestBackoff are between attempts that fail.
	shortestBackoff = 5 * time.Second
	longestBackoff  = time.Minute
)

// A Keeper has the certificate that new connections get. Its methods may be
// called concurrently, but for Run.
type Keeper struct {
	log      *slog.Logger
	issue    func(context.Context) (issued, error)
	current  atomic.Pointer[issued]
	failures atomic.Uint64
}

// issued is a certificate, and when there should be another.
type issued struct {
	certificate *tls.Certificate
	expires     time.Time
	renew       time.Time
}

// TLSConfig returns the configuration of a server that shows the keeper's
// certificate and speaks these protocols, such as "http/1.1". Sessions are not
// resumed: with each connection the server proves its current key.
func (k *Keeper) TLSConfig(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protocols,
		SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return k.current.Load().certificate, nil
		},
	}
}

// Expires is when clients stop to take the current certificate.
func (k *Keeper) Expires() time.Time { return k.current.Load().expires }

// Failures is how often a new certificate could not be had.
func (k *Keeper) Failures() uint64 { return k.failures.Load() }

// Run renews the certificate when it is time, until ctx ends. The log says of
// several failures in a row that are alike once that they are, and when they
// are over.
func (k *Keeper) Run(ctx context.Context) {
	backoff, said := shortestBackoff, ""
	next := k.current.Load().renew
	for sleepUntil(ctx, next) {
		err := k.take(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			k.failures.Add(1)
			if said != err.Error() {
				k.log.Warn("no new certificate: the last one is kept", "err", err, "expires", k.Expires())
			}
			said = err.Error()
			next, backoff = time.Now().Add(backoff), min(2*backoff, longestBackoff)
			continue
		}
		if said != "" {
			k.log.Info("there is a new certificate again", "expires", k.Expires())
		}
		next, backoff, said = k.current.Load().renew, shortestBackoff, ""
	}
}

// take makes a new certificate the current one.
func (k *Keeper) take(ctx context.Context) error {
	next, err := k.issue(ctx)
	if err != nil {
		return err
	}
	k.current.Store(&next)
	return nil
}

// sleepUntil returns true once it is that time, false when ctx ends before.
func sleepUntil(ctx context.Context, when time.Time) bool {
	when = when.Round(0) // without the monotonic clock, which stands still in sleep
	for {
		wait := min(time.Until(when), lookEvery)
		if wait <= 0 {
			return ctx.Err() == nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}
