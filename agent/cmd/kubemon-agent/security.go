package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/kubemon/kubemon/agent/internal/auth"
	"github.com/kubemon/kubemon/agent/internal/kube"
	"github.com/kubemon/kubemon/agent/internal/serve"
	"github.com/kubemon/kubemon/shared/certificate"
	"github.com/kubemon/kubemon/shared/daemon"
	"github.com/kubemon/kubemon/shared/identity"
)

// maxConnections may be open at once. One hub has one; the rest is for people.
const maxConnections = 64

// security is what stands between the listener and the agent's handler.
type security struct {
	securityConfig
	log          *slog.Logger
	verifier     *identity.Verifier  // nil: nobody is asked who he is
	certificates *certificate.Keeper // nil: no TLS
	guard        *auth.Guard         // nil without a verifier, and before serve
}

// newSecurity gets the first certificate, and finds out about the cluster what
// the flags do not say.
func newSecurity(ctx context.Context, log *slog.Logger, c securityConfig) (*security, error) {
	s := &security{securityConfig: c, log: log}
	api := kube.New(c.apiHost, c.apiPort, c.serviceAccountFolder)
	var err error
	if s.certificates, err = s.newCertificates(ctx, api); err != nil || c.auth == authNone {
		return s, err
	}
	keys, err := s.findKeys(ctx, api)
	if err != nil {
		return nil, err
	}
	known := identity.Config{Issuer: s.issuer, Fetch: keys, Log: log}
	if s.issuer == "" {
		if known.Issuer, err = api.OwnIssuer(); err != nil {
			return nil, daemon.Usagef("the issuer of tokens is not known, give --auth-issuer: %w", err)
		}
		known.FindIssuer = s.findIssuer(api)
	}
	s.verifier = identity.NewVerifier(known)
	return s, nil
}

// newCertificates returns nil when there is to be no TLS.
func (s *security) newCertificates(ctx context.Context, api *kube.API) (*certificate.Keeper, error) {
	switch s.tls {
	case tlsSelfSigned:
		return certificate.NewSelfSigned(program, s.log)
	case tlsAttested:
		return certificate.NewAttested(ctx, program, api.Attest, s.log)
	case tlsFiles:
		k, err := certificate.NewFiles(s.certFile, s.keyFile, s.log)
		if err != nil {
			return nil, daemon.Usagef("--tls=files: %w", err)
		}
		return k, nil
	}
	return nil, nil
}

// findIssuer returns what says who issues tokens now. The API server is asked
// for that only if it is asked for keys as well.
func (s *security) findIssuer(api *kube.API) func(context.Context) (string, error) {
	if s.jwks == "" {
		return api.Issuer
	}
	return func(context.Context) (string, error) { return api.OwnIssuer() }
}

// findKeys returns what gets the keys that tokens are signed with. A file must
// be there from the start; a server may be away.
func (s *security) findKeys(ctx context.Context, api *kube.API) (func(context.Context) ([]byte, error), error) {
	switch {
	case s.jwks == "":
		return api.Keys, nil
	case strings.HasPrefix(s.jwks, "https://"):
		return api.KeysAt(s.jwks), nil
	}
	keys := kube.KeysIn(s.jwks)
	if _, err := keys(ctx); err != nil {
		return nil, daemon.Usagef("invalid value %q for flag -jwks: %w", s.jwks, err)
	}
	return keys, nil
}

// serve answers with next to those who may ask, until ctx ends.
func (s *security) serve(ctx context.Context, listener net.Listener, next http.Handler) error {
	server := daemon.Server{Handler: next, Log: s.log, MaxConnections: maxConnections}
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if s.verifier != nil {
		s.guard = auth.New(next, auth.Config{
			Log: s.log, Verifier: s.verifier, Audience: s.audience, Subjects: strings.Split(s.subjects, ","),
			Open: serve.PathHealth, Known: daemon.KeepConnection,
		})
		server.Handler = s.guard
		running.Go(func() { s.verifier.Run(ctx) })
	}
	if s.certificates != nil {
		server.TLS = s.certificates.TLSConfig("http/1.1")
		running.Go(func() { s.certificates.Run(ctx) })
	}
	return server.Serve(ctx, listener)
}

// report is what the agent's metrics say of it.
func (s *security) report() serve.Security {
	var report serve.Security
	if s.guard != nil {
		report.Requests = s.guard.Results()
	}
	if s.certificates != nil {
		report.CertificateExpires, report.CertificateFailures = s.certificates.Expires(), s.certificates.Failures()
	}
	return report
}
