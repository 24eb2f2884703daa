package scrape_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/shared/identity"
	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

// holder is the agent of node1, as its own tokens say it.
func holder() identitytest.Holder {
	return identitytest.Holder{Namespace: "kubemon", ServiceAccount: "kubemon-agent", Pod: "kubemon-agent-x", PodUID: "a", Node: "node1"}
}

// A counting verifier counts what it is asked.
type counting struct {
	*identity.Verifier
	asked atomic.Int32
}

func (c *counting) VerifyCertificate(ctx context.Context, leaf *x509.Certificate) (identity.Claims, error) {
	c.asked.Add(1)
	return c.Verifier.VerifyCertificate(ctx, leaf)
}

func attested(issuer *identitytest.Issuer) (scrape.Attested, *counting) {
	verifier := &counting{Verifier: identity.NewVerifier(identity.Config{
		Issuer: identitytest.URL, Fetch: issuer.Fetch, Log: slog.New(slog.DiscardHandler),
	})}
	return scrape.Attested{Verifier: verifier, Subject: "system:serviceaccount:kubemon:kubemon-agent"}, verifier
}

// TestAttestedAgent is read on one connection, which is judged once.
func TestAttestedAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		trust, verifier := attested(issuer)
		h := newTLSHub(t, trust)
		key := newKey(t)
		server := serveAgent(t, h.network, at, "node1", always(attest(t, key, issuer.Token(holder(), audienceOf(t, key), time.Hour))))
		for range 10 {
			checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustAttested)
			time.Sleep(10 * time.Second)
		}
		authorized, requests, handshakes := server.counts(h.bearer)
		if asked := verifier.asked.Load(); authorized != 10 || requests != 10 || handshakes != 1 || asked != 1 {
			t.Errorf("%d of %d requests have the token, %d handshakes, judged %d times; want ten on one connection, judged once",
				authorized, requests, handshakes, asked)
		}
	})
}

// TestAttestationsThatAreRefused has a row for each certificate that is not the
// agent's. None of those who show it is sent a byte.
func TestAttestationsThatAreRefused(t *testing.T) {
	tests := []struct {
		name, want  string
		certificate certifier
	}{
		{"none", "not attested", func(t *testing.T, _ *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return certify(t, key, nil, nil)
		}},
		{"garbage in its place", "not attested", func(t *testing.T, _ *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			extension, err := identity.NewAttestation("e30.e30.e30")
			if err != nil {
				t.Fatal(err)
			}
			extension.Value = append(extension.Value, 0)
			return certify(t, key, nil, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{extension} })
		}},
		{"no token in it", "not attested", func(t *testing.T, _ *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return attest(t, key, "garbage")
		}},
		{"another key", "another audience", func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return attest(t, key, issuer.Token(holder(), audienceOf(t, newKey(t)), time.Hour))
		}},
		{"a token for something else", "another audience", func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return attest(t, key, issuer.Token(holder(), identitytest.URL, time.Hour))
		}},
		{"another pod", `for pod "b", expected "a"`, changed(func(h *identitytest.Holder) { h.PodUID = "b" })},
		{"no pod", `for pod "", expected "a"`, changed(func(h *identitytest.Holder) { h.Pod, h.PodUID = "", "" })},
		{"another node", `for node "node2", expected "node1"`, changed(func(h *identitytest.Holder) { h.Node = "node2" })},
		{"another service account", `kubemon:default", expected "system:serviceaccount:kubemon:kubemon-agent"`,
			changed(func(h *identitytest.Holder) { h.ServiceAccount = "default" })},
		{"another namespace", `shop:kubemon-agent", expected`, changed(func(h *identitytest.Holder) { h.Namespace = "shop" })},
		{"expired", "expired", func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return attest(t, key, issuer.Token(holder(), audienceOf(t, key), -2*time.Minute))
		}},
		{"another cluster", "signature", func(t *testing.T, _ *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			return attest(t, key, identitytest.New(t).Token(holder(), audienceOf(t, key), time.Hour))
		}},
		{"the cluster cannot be asked", "keys of the cluster could not be had", func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
			issuer.Fail(errors.New("connection refused"))
			return attest(t, key, issuer.Token(holder(), audienceOf(t, key), time.Hour))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkAttestation(t, tt.certificate, tt.want) })
		})
	}
}

// A certifier makes a certificate of the key in some way.
type certifier func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate

// checkAttestation has a peer show the certificate: it is refused, each time, as
// one of whom nothing is known.
func checkAttestation(t *testing.T, certificate certifier, want string) {
	issuer := identitytest.New(t)
	trust, _ := attested(issuer)
	h := newTLSHub(t, trust)
	fake := pose(t, h.network, at, modern(always(certificate(t, issuer, newKey(t)))))
	for range 2 {
		r := h.ask(t, pod("a", "c1"))
		checkRefused(t, r, "is not taken for the agent", "sha256:", want)
		if r.Identity != (hub.Identity{}) {
			t.Errorf("known by %+v", r.Identity)
		}
	}
	fake.checkDeaf(t)
}

// changed attests the key for a holder that is not quite the agent.
func changed(change func(*identitytest.Holder)) certifier {
	return func(t *testing.T, issuer *identitytest.Issuer, key *ecdsa.PrivateKey) *tls.Certificate {
		other := holder()
		change(&other)
		return attest(t, key, issuer.Token(other, audienceOf(t, key), time.Hour))
	}
}

// TestAnOldAPIServerNamesNoNode: before Kubernetes 1.29 tokens say of a pod no
// node; the pod is enough.
func TestAnOldAPIServerNamesNoNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		trust, _ := attested(issuer)
		h := newTLSHub(t, trust)
		certificate := changed(func(h *identitytest.Holder) { h.Node = "" })(t, issuer, newKey(t))
		serveAgent(t, h.network, at, "node1", always(certificate))
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustAttested)
	})
}

// TestReusedAddressIsAnotherPods asks for a pod at an address where another one's
// agent still answers, on a connection that is open.
func TestReusedAddressIsAnotherPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		trust, _ := attested(issuer)
		h := newTLSHub(t, trust)
		key := newKey(t)
		server := serveAgent(t, h.network, at, "node1", always(attest(t, key, issuer.Token(holder(), audienceOf(t, key), time.Hour))))
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustAttested)
		checkRefused(t, h.ask(t, pod("b", "c2")), `for pod "a", expected "b"`)
		elsewhere := pod("a", "c1")
		elsewhere.PodUID, elsewhere.Node = "c", "node2"
		checkRefused(t, h.ask(t, elsewhere), `for pod "a", expected "c"`)
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustAttested)
		if _, requests, handshakes := server.counts(""); requests != 2 || handshakes != 3 {
			t.Errorf("%d requests on %d connections, want the first pod's two on one of three", requests, handshakes)
		}
	})
}

// TestAttestedKeyOutlivesItsAttestation takes the API server away and lets the
// attestation expire: the key stays the pod's, on new connections too. Another
// key still needs an attestation of its own.
func TestAttestedKeyOutlivesItsAttestation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		trust, _ := attested(issuer)
		h := newTLSHub(t, trust)
		key := newKey(t)
		certificate := attest(t, key, issuer.Token(holder(), audienceOf(t, key), 10*time.Minute))
		real := serveAgent(t, h.network, at, "node1", always(certificate))
		first := h.ask(t, pod("a", "c1"))
		checkAccepted(t, first, hub.TrustAttested)
		issuer.Fail(errors.New("connection refused"))
		time.Sleep(30 * time.Minute)
		real.stop() // and with it the connection
		real = serveAgent(t, h.network, at, "node1", always(certificate))
		if r := h.ask(t, pod("a", "c2")); r.Err != nil || r.Identity != first.Identity {
			t.Errorf("an hour later: %v, known by %+v, want %+v", r.Err, r.Identity, first.Identity)
		}
		real.stop()
		fake := pose(t, h.network, at, modern(always(attest(t, newKey(t), issuer.Token(holder(), audienceOf(t, key), time.Hour)))))
		checkRefused(t, h.ask(t, pod("a", "c2")), "another audience")
		fake.checkDeaf(t)
		next := newKey(t)
		serveAgent(t, h.network, at, "node1", always(attest(t, next, issuer.Token(holder(), audienceOf(t, next), time.Hour))))
		checkAccepted(t, h.ask(t, pod("a", "c2")), hub.TrustAttested)
	})
}

// TestKeysAreRenewedBetweenRounds makes the agent take a new key each second,
// on connections that live on and on those that are opened anew: no round is
// without an answer.
func TestKeysAreRenewedBetweenRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		trust, _ := attested(issuer)
		h := newTLSHub(t, trust)
		var made time.Time
		var current *tls.Certificate
		renewed := func() *tls.Certificate {
			if time.Since(made) >= time.Second {
				key := newKey(t)
				made, current = time.Now(), attest(t, key, issuer.Token(holder(), audienceOf(t, key), time.Hour))
			}
			return current
		}
		const rounds, restarts = 60, 6
		keys := make(map[string]bool)
		for range restarts {
			server := serveAgent(t, h.network, at, "node1", renewed)
			for range rounds / restarts {
				r := h.ask(t, pod("a", "c1"))
				checkAccepted(t, r, hub.TrustAttested)
				keys[r.Identity.Fingerprint] = true
				time.Sleep(time.Second)
			}
			server.stop()
		}
		if len(keys) != restarts {
			t.Errorf("%d keys were met, want one for each of %d connections", len(keys), restarts)
		}
	})
}

// A slow verifier knows nothing for ten seconds, whoever has left by then.
type slow struct{}

func (slow) VerifyCertificate(context.Context, *x509.Certificate) (identity.Claims, error) {
	time.Sleep(10 * time.Second)
	return identity.Claims{}, identity.ErrKeysUnavailable
}

// TestNobodyWaitsForWhoIsJudged asks an agent twice at a time while the cluster
// is slow to say whose its key is: who waits for that does so no longer than a
// handshake may take.
func TestNobodyWaitsForWhoIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Attested{Verifier: slow{}, Subject: "system:serviceaccount:kubemon:kubemon-agent"})
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		var first hub.Result
		var asking sync.WaitGroup
		asking.Go(func() { first = h.ask(t, pod("a", "c1")) })
		time.Sleep(time.Second)
		began := time.Now()
		p := h.Past(t.Context(), []hub.PastQuery{{Agent: pod("a", "c1")}})[0]
		if p.Err == nil || !strings.Contains(p.Err.Error(), "not looked at in time") || time.Since(began) > 3*time.Second {
			t.Errorf("after %v: %v, want the handshake's time to be over", time.Since(began), p.Err)
		}
		asking.Wait()
		checkError(t, first, "no whole answer within 5s")
		time.Sleep(10 * time.Second) // the slow one's own connection
		fake.checkDeaf(t)
	})
}

// FuzzPeer shows the hub certificates with any extension: none but that of the
// agent is taken, and nothing panics.
func FuzzPeer(f *testing.F) {
	oid := asn1.ObjectIdentifier{}
	if extension, err := identity.NewAttestation("a.b.c"); err == nil {
		oid = extension.Id
		f.Add(extension.Value, int64(1))
	}
	f.Add([]byte{}, int64(-1))
	f.Fuzz(func(t *testing.T, value []byte, serial int64) {
		issuer := identitytest.New(t)
		trust, _ := attested(issuer)
		key := newKey(t)
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), ExtraExtensions: []pkix.Extension{{Id: oid, Value: value}}}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return // no certificate of it can be made
		}
		h := newTLSHub(t, trust)
		fake := pose(t, h.network, at, modern(always(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})))
		if r := h.ask(t, pod("a", "c1")); r.Err == nil {
			t.Errorf("taken for the agent: %x", value)
		}
		fake.checkDeaf(t)
	})
}
