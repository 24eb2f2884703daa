package scrape

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/shared/identity"
)

// A Trust says which keys are taken for an agent's: [Pinned], [Attested] or
// [Authority]. It is asked once for each connection, when the peer has proved
// to hold the key of its certificate, and before it is sent anything.
type Trust interface {
	// judge returns an error unless the chain's first certificate may be the
	// agent's, whose key was last the one before; nil if it had none yet.
	judge(ctx context.Context, agent hub.Agent, before *key, chain []*x509.Certificate) error
	kind() hub.Trust
}

// nobody is the trust of a Scraper that was given none: no key is an agent's,
// and no address without one is asked.
type nobody struct{}

func (nobody) kind() hub.Trust { return "" }

func (nobody) judge(context.Context, hub.Agent, *key, []*x509.Certificate) error {
	return errors.New("it is not said whose keys are agents'")
}

// Pinned takes the key of the first contact, and another one only from another
// container: an agent's key lives as long as its process.
type Pinned struct{}

func (Pinned) kind() hub.Trust { return hub.TrustPinned }

func (Pinned) judge(_ context.Context, agent hub.Agent, before *key, chain []*x509.Certificate) error {
	shown := fingerprintOf(chain[0])
	switch {
	case before == nil || before.fingerprint == shown:
		return nil
	case agent.PodUID == "":
		return fmt.Errorf("its key is not the one of the first contact: %s, expected %s; if it is a new agent, restart the hub", shown, before.fingerprint)
	case agent.Container == "":
		return fmt.Errorf("its key is not the one of the first contact: %s, expected %s; that its container restarted is not known", shown, before.fingerprint)
	case before.container == "":
		return fmt.Errorf("its key is not the one of the first contact: %s, expected %s, which container had that is not known; if the agent restarted, delete its pod", shown, before.fingerprint)
	case agent.Container == before.container:
		return fmt.Errorf("its key is not the one of the first contact: %s, expected %s, and its container has not restarted", shown, before.fingerprint)
	}
	return nil
}

// Attested takes a key that the cluster vouches for: the certificate holds a
// token, signed by the cluster, of the agents' service account and bound to the
// agent's pod, whose audience names the key (identity.KeyAudience). A key that
// was taken once is the pod's as long as it shows no other, so that neither an
// attestation that expires nor an API server that is away stops the reading.
type Attested struct {
	Verifier Verifier
	// Subject is the agents' service account,
	// "system:serviceaccount:NAMESPACE:NAME".
	Subject string
}

// A Verifier checks the token in a certificate; [identity.Verifier] does.
type Verifier interface {
	VerifyCertificate(ctx context.Context, leaf *x509.Certificate) (identity.Claims, error)
}

func (Attested) kind() hub.Trust { return hub.TrustAttested }

func (a Attested) judge(ctx context.Context, agent hub.Agent, before *key, chain []*x509.Certificate) error {
	shown := fingerprintOf(chain[0])
	if before != nil && before.fingerprint == shown {
		return nil
	}
	claims, err := a.Verifier.VerifyCertificate(ctx, chain[0])
	if err != nil {
		return fmt.Errorf("its key %s is not attested: %w", shown, err)
	}
	switch {
	case claims.Subject != a.Subject:
		return fmt.Errorf("its key %s is attested for %q, expected %q", shown, cut(claims.Subject), a.Subject)
	case claims.PodUID == "" || claims.PodUID != agent.PodUID:
		return fmt.Errorf("its key %s is attested for pod %q, expected %q", shown, cut(claims.PodUID), agent.PodUID)
	case claims.Node != "" && claims.Node != agent.Node: // API servers before 1.29 do not say
		return fmt.Errorf("its key %s is attested for node %q, expected %q", shown, cut(claims.Node), agent.Node)
	}
	return nil
}

// Authority takes keys that an authority of a file has certified.
type Authority struct {
	file       file[*x509.CertPool]
	serverName string
}

// NewAuthority reads the authorities' certificates, PEM, and again when they
// have changed. All agents have certificates for the one server name.
func NewAuthority(path, serverName string, log *slog.Logger) *Authority {
	return &Authority{file: file[*x509.CertPool]{path: path, parse: parseAuthorities, log: log}, serverName: serverName}
}

func parseAuthorities(content []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("it has no certificate, expected those of authorities in PEM")
	}
	return pool, nil
}

func (*Authority) kind() hub.Trust { return hub.TrustCA }

func (a *Authority) judge(_ context.Context, _ hub.Agent, _ *key, chain []*x509.Certificate) error {
	roots, err := a.file.latest()
	if roots == nil {
		return err
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: *roots, Intermediates: intermediates, DNSName: a.serverName, CurrentTime: time.Now(),
	})
	if names, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("its certificate is for %q, expected one for %q", cut(strings.Join(names.Certificate.DNSNames, ", ")), a.serverName)
	}
	if err != nil {
		return Unquoted(err)
	}
	return nil
}
