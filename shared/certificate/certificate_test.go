package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
)

var discard = slog.New(slog.DiscardHandler)

// running runs the keeper until the function it returns is called.
func running(t *testing.T, k *Keeper) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { k.Run(ctx); close(ended) }()
	return func() { cancel(); <-ended }
}

// leaf is the certificate that a new connection would get.
func leaf(t *testing.T, k *Keeper) *x509.Certificate {
	t.Helper()
	shown, err := k.TLSConfig().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(shown.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if now := time.Now(); now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		t.Errorf("at %s a certificate is shown that is valid from %s to %s", now, certificate.NotBefore, certificate.NotAfter)
	}
	return certificate
}

// keyOf names the certificate's key.
func keyOf(c *x509.Certificate) string { return identity.KeyAudience(c.RawSubjectPublicKeyInfo) }

func TestSelfSignedKeepsItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, err := NewSelfSigned("kubemon-agent", discard)
		if err != nil {
			t.Fatal(err)
		}
		stop := running(t, k)
		defer stop()
		first := leaf(t, k)
		last := first
		for range 10 {
			time.Sleep(24*time.Hour + 2*time.Minute)
			next := leaf(t, k)
			if keyOf(next) != keyOf(first) {
				t.Error("the key that clients have pinned is gone")
			}
			if next.SerialNumber.Cmp(last.SerialNumber) == 0 || !next.NotAfter.After(last.NotAfter) {
				t.Errorf("after a day the certificate is the same, valid until %s", next.NotAfter)
			}
			last = next
		}
	})
}

// An api attests keys, as the API server does.
type api struct {
	life time.Duration

	mu     sync.Mutex // held to look at, or change, what is below it
	asked  int
	broken error
}

func (a *api) attest(_ context.Context, audience string) (string, time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	token := fmt.Sprintf("%d.%s", a.asked, strings.ReplaceAll(audience, ":", "-"))
	return token, time.Now().Add(a.life), a.broken
}

func (a *api) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = err
}

// attested checks that the token of the current certificate is for its key.
func attested(t *testing.T, k *Keeper) *x509.Certificate {
	t.Helper()
	c := leaf(t, k)
	token, ok := identity.Attestation(c)
	if _, audience, _ := strings.Cut(token, "."); !ok || audience != strings.ReplaceAll(keyOf(c), ":", "-") {
		t.Errorf("the certificate holds %q, which is not of its key %s", token, keyOf(c))
	}
	return c
}

// TestAttestedRenewsBoth is with tokens of less and of more than a day.
func TestAttestedRenewsBoth(t *testing.T) {
	for _, tt := range []struct{ life, renewed time.Duration }{
		{time.Hour, 48 * time.Minute},
		{24 * time.Hour, 19*time.Hour + 12*time.Minute},
		{1000 * time.Hour, 19*time.Hour + 12*time.Minute},
		{time.Second, time.Minute},
	} {
		t.Run(tt.life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &api{life: tt.life}
				k, err := NewAttested(t.Context(), "kubemon-agent", api.attest, discard)
				if err != nil {
					t.Fatal(err)
				}
				first := attested(t, k)
				defer running(t, k)()
				time.Sleep(tt.renewed - time.Millisecond)
				if current := k.current.Load().certificate.Certificate[0]; string(current) != string(first.Raw) {
					t.Errorf("the certificate is renewed before %s", tt.renewed)
				}
				time.Sleep(time.Second)
				if second := attested(t, k); keyOf(second) == keyOf(first) {
					t.Errorf("after %s the key is the same", tt.renewed)
				}
			})
		})
	}
}

// TestAttestedWaitsForTheServer begins without the API server, and loses it
// later for three days.
func TestAttestedWaitsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &api{life: 24 * time.Hour, broken: errors.New("the API server is away")}
		var log strings.Builder
		k, err := NewAttested(t.Context(), "kubemon-agent", api.attest, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		stop := running(t, k)
		time.Sleep(time.Hour)
		if token, ok := identity.Attestation(leaf(t, k)); ok {
			t.Errorf("a certificate that nobody attested holds %q", token)
		}
		api.fail(nil)
		time.Sleep(longestBackoff)
		good := attested(t, k)
		if got := k.Failures(); got < 10 || got > 100 {
			t.Errorf("%d attempts failed within an hour, want a few", got)
		}
		api.fail(errors.New("the API server is away"))
		time.Sleep(72 * time.Hour)
		if kept := k.current.Load().certificate.Certificate[0]; string(kept) != string(good.Raw) {
			t.Error("the last good certificate is not kept")
		}
		api.fail(nil)
		time.Sleep(longestBackoff)
		attested(t, k)
		stop()
		if got := strings.Count(log.String(), "the API server is away"); got != 3 {
			t.Errorf("the log says %d times that the server was away, want at the start and once for each time:\n%s", got, &log)
		}
	})
}

// TestAttestedStartsWithAHungServer makes the first attempt hang.
func TestAttestedStartsWithAHungServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := func(ctx context.Context, _ string) (string, time.Time, error) {
			<-ctx.Done()
			return "", time.Time{}, ctx.Err()
		}
		start := time.Now()
		k, err := NewAttested(t.Context(), "kubemon-agent", hung, discard)
		if err != nil {
			t.Fatal(err)
		}
		leaf(t, k)
		if took := time.Since(start); took != patience {
			t.Errorf("it took %s, want %s", took, patience)
		}
	})
}

// handshake connects to a server of that configuration and returns both ends
// and what the client was shown.
func handshake(t *testing.T, config *tls.Config) (client, server *tls.Conn, shown string) {
	t.Helper()
	ours, theirs := net.Pipe()
	server = tls.Server(theirs, config)
	client = tls.Client(ours, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	served := make(chan error, 1)
	go func() { served <- server.HandshakeContext(t.Context()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return client, server, keyOf(client.ConnectionState().PeerCertificates[0])
}

func pass(t *testing.T, from, to *tls.Conn) {
	t.Helper()
	go from.Write([]byte("x"))
	if _, err := to.Read(make([]byte, 1)); err != nil {
		t.Errorf("a connection of before does not go on: %v", err)
	}
}

// TestOpenConnectionsLiveOn renews the key under an open connection.
func TestOpenConnectionsLiveOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &api{life: time.Hour}
		k, err := NewAttested(t.Context(), "kubemon-agent", api.attest, discard)
		if err != nil {
			t.Fatal(err)
		}
		defer running(t, k)()
		synctest.Wait()
		config := k.TLSConfig("http/1.1")
		client, server, shown := handshake(t, config)
		for range 3 {
			time.Sleep(time.Hour)
			anew, other, now := handshake(t, config)
			if now == shown {
				t.Error("a new connection is shown the old key")
			}
			shown = now
			pass(t, client, server)
			pass(t, server, client)
			pass(t, anew, other)
			anew.NetConn().Close()
		}
		client.NetConn().Close()
	})
}

func TestTLSConfig(t *testing.T) {
	k, err := NewSelfSigned("kubemon-agent", discard)
	if err != nil {
		t.Fatal(err)
	}
	client, _, _ := handshake(t, k.TLSConfig("http/1.1"))
	state := client.ConnectionState()
	if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "http/1.1" || state.DidResume {
		t.Errorf("agreed on version %x, protocol %q", state.Version, state.NegotiatedProtocol)
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	go tls.Server(theirs, k.TLSConfig("http/1.1")).Handshake()
	old := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err := old.HandshakeContext(t.Context()); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
}

// put writes the keeper's certificate and key to the files.
func put(t *testing.T, from *Keeper, certificateFile, keyFile string) {
	t.Helper()
	pair := from.current.Load().certificate
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certificateFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		keyFile:         {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFiles replaces a pair by another, by halves of two and by nothing.
func TestFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		certificateFile, keyFile := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
		var pairs [3]*Keeper
		for i := range pairs {
			var err error
			if pairs[i], err = NewSelfSigned("kubemon-agent", discard); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		if _, err := NewFiles(certificateFile, keyFile, discard); err == nil || !strings.Contains(err.Error(), certificateFile) {
			t.Errorf("NewFiles: %v, want the missing file named", err)
		}
		put(t, pairs[0], certificateFile, keyFile)
		k, err := NewFiles(certificateFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		stop := running(t, k)
		shows := func(want *Keeper) {
			t.Helper()
			time.Sleep(2*longestBackoff + time.Second) // no reading falls on the writing that follows
			if keyOf(leaf(t, k)) != keyOf(leaf(t, want)) {
				t.Error("another certificate is shown")
			}
		}
		shows(pairs[0])
		put(t, pairs[1], certificateFile, keyFile)
		shows(pairs[1])
		put(t, pairs[2], filepath.Join(folder, "other"), keyFile)
		shows(pairs[1])
		if err := os.Remove(certificateFile); err != nil {
			t.Fatal(err)
		}
		shows(pairs[1])
		put(t, pairs[2], certificateFile, keyFile)
		shows(pairs[2])
		stop()
		if got := strings.Count(log.String(), "level=WARN"); got != 2 || k.Failures() < 4 || !strings.Contains(log.String(), keyFile) {
			t.Errorf("%d warnings for %d failures of two kinds, want 2 that name the files:\n%s", got, k.Failures(), &log)
		}
	})
}
