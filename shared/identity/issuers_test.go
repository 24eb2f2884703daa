package identity

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

const newURL = "https://issuer.example"

// ofIssuer is a good token of that issuer, of the same cluster.
func ofIssuer(cluster *identitytest.Issuer, url string) string {
	c := identitytest.Claims(holder, audience, 72*time.Hour)
	c["iss"] = url
	return cluster.Sign(c)
}

// TestTheIssuerChanges gives the cluster another issuer: the first token of it is
// taken, and those of the one before are for a day.
func TestTheIssuerChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := identitytest.New(t)
		var present atomic.Pointer[string]
		present.Store(new(identitytest.URL))
		v := NewVerifier(Config{Fetch: cluster.Fetch, Log: slog.New(slog.DiscardHandler),
			FindIssuer: func(context.Context) (string, error) { return *present.Load(), nil }})
		before, after := ofIssuer(cluster, identitytest.URL), ofIssuer(cluster, newURL)
		expect(t, v, before, nil)
		time.Sleep(fetchPause)
		expect(t, v, after, ErrIssuer)
		present.Store(new(newURL))
		time.Sleep(2 * fetchPause)
		expect(t, v, after, nil)
		expect(t, v, before, nil)
		time.Sleep(issuerKept - time.Second)
		expect(t, v, before, nil)
		time.Sleep(time.Second)
		expect(t, v, before, ErrIssuer)
		expect(t, v, after, nil)
		expect(t, v, ofIssuer(cluster, "https://elsewhere.example"), ErrIssuer)
	})
}

// TestTheIssuerIsNotKnownYet starts while nobody says who it is, and goes through
// a time in which nobody says so any more.
func TestTheIssuerIsNotKnownYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := identitytest.New(t)
		var away atomic.Bool
		away.Store(true)
		v := NewVerifier(Config{Fetch: cluster.Fetch, Log: slog.New(slog.DiscardHandler), FindIssuer: func(context.Context) (string, error) {
			if away.Load() {
				return "", errAway
			}
			return identitytest.URL, nil
		}})
		token, anonymous := ofIssuer(cluster, identitytest.URL), ofIssuer(cluster, "")
		expect(t, v, token, ErrKeysUnavailable)
		expect(t, v, anonymous, ErrKeysUnavailable)
		away.Store(false)
		time.Sleep(fetchPause)
		expect(t, v, token, nil)
		expect(t, v, anonymous, ErrIssuer)
		away.Store(true)
		time.Sleep(time.Hour)
		expect(t, v, token, nil)
		expect(t, v, ofIssuer(cluster, newURL), ErrIssuer)
	})
}

// TestOtherIssuersDoNotLoadTheServer sends a token of another issuer each second.
func TestOtherIssuersDoNotLoadTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, asked := identitytest.New(t), 0
		v := NewVerifier(Config{Fetch: cluster.Fetch, Log: slog.New(slog.DiscardHandler),
			FindIssuer: func(context.Context) (string, error) { asked++; return identitytest.URL, nil }})
		token := ofIssuer(cluster, newURL)
		for range 3600 {
			expect(t, v, token, ErrIssuer)
			time.Sleep(time.Second)
		}
		if asked > 64 {
			t.Errorf("the issuer was asked for %d times in an hour, want about one a minute", asked)
		}
	})
}

// TestIssuersSwing has two API servers that name different issuers for a while.
func TestIssuersSwing(t *testing.T) {
	var known issuers
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, issuer := range []string{"a", "b", "a", "b", "b"} {
		known = known.with(issuer, now)
		now = now.Add(time.Hour)
	}
	for issuer, want := range map[string]bool{"a": true, "b": true, "c": false, "": false} {
		if got := known.include(issuer, now); got != want {
			t.Errorf("after swings, tokens of %q count: %v, want %v", issuer, got, want)
		}
	}
	if now = now.Add(issuerKept); known.include("a", now) || !known.include("b", now) {
		t.Error("a day after the last swing, a counts, or b does not")
	}
}
