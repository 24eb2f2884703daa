package identity

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

var errAway = errors.New("the API server is away")

// expect fails the test unless the verifier says that of the token.
func expect(t *testing.T, v *Verifier, token string, want error) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token, audience); !errors.Is(err, want) {
		t.Errorf("Verify: %v, want %v", err, want)
	}
}

// TestKeysOutliveTheServer goes through an outage that begins before the agent
// and one that lasts a day.
func TestKeysOutliveTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		token := issuer.Token(holder, audience, 48*time.Hour)
		issuer.Fail(errAway)
		v := newVerifier(issuer)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		time.Sleep(time.Minute)
		expect(t, v, token, ErrKeysUnavailable)
		issuer.Fail(nil)
		time.Sleep(10 * time.Minute) // more than the longest backoff
		if v.keys.current.Load() == nil {
			t.Error("the keys are not fetched though the server is back")
		}
		expect(t, v, token, nil)

		issuer.Fail(errAway)
		time.Sleep(24 * time.Hour)
		expect(t, v, token, nil)
		stop()
		<-ended
	})
}

// TestKeysAreRefreshed takes a key back: about an hour later it is not believed.
func TestKeysAreRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, issuer := identitytest.New(t), identitytest.NewRSA(t)
		var current atomic.Pointer[identitytest.Issuer]
		current.Store(old)
		fetch := func(ctx context.Context) ([]byte, error) { return current.Load().Fetch(ctx) }
		v := NewVerifier(Config{Issuer: identitytest.URL, Fetch: fetch, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		synctest.Wait()
		token := old.Token(holder, audience, 48*time.Hour)
		expect(t, v, token, nil)
		current.Store(issuer)
		time.Sleep(59 * time.Minute)
		expect(t, v, token, nil)
		time.Sleep(10 * time.Minute)
		expect(t, v, token, ErrUnknownKey)
		stop()
		<-ended
	})
}

// TestANewKeyIsFetchedAtOnce rotates the issuer's key: the first token of the
// new one is taken, and those of the old one still are.
func TestANewKeyIsFetchedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		v := newVerifier(issuer)
		old := issuer.Token(holder, audience, time.Hour)
		expect(t, v, old, nil)
		time.Sleep(fetchPause)
		issuer.Rotate()
		expect(t, v, issuer.Token(holder, audience, time.Hour), nil)
		expect(t, v, old, nil)
		if got := issuer.Fetches(); got != 2 {
			t.Errorf("the keys were fetched %d times, want 2", got)
		}
	})
}

// TestUnknownKeysDoNotLoadTheServer sends ten thousand tokens of unknown keys,
// a hundred at once, within half a minute.
func TestUnknownKeysDoNotLoadTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, attacker := identitytest.New(t), identitytest.New(t)
		v := newVerifier(issuer)
		expect(t, v, issuer.Token(holder, audience, time.Hour), nil)
		attacker.Rotate() // to a key whose name is not the issuer's
		token := attacker.Token(holder, audience, time.Hour)
		for range 100 {
			var senders sync.WaitGroup
			for range 100 {
				senders.Go(func() { expect(t, v, token, ErrUnknownKey) })
			}
			senders.Wait()
			time.Sleep(300 * time.Millisecond)
		}
		if got := issuer.Fetches(); got > 4 {
			t.Errorf("the keys were fetched %d times in half a minute, want 4 at most", got)
		}
	})
}

// TestAFetchGoesOnWithoutItsCaller cancels the request that made the keys be
// fetched: who waited as well has them.
func TestAFetchGoesOnWithoutItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		slow := func(ctx context.Context) ([]byte, error) {
			select {
			case <-time.After(2 * time.Second):
				return issuer.Fetch(ctx)
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		v := NewVerifier(Config{Issuer: identitytest.URL, Fetch: slow, Log: slog.New(slog.DiscardHandler)})
		token := issuer.Token(holder, audience, time.Hour)
		gone, leave := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() { v.Verify(gone, token, audience) })
		synctest.Wait()
		callers.Go(func() { expect(t, v, token, nil) })
		left, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := v.Verify(left, token, audience); !errors.Is(err, ErrKeysUnavailable) {
			t.Errorf("Verify for who has left: %v, want %v", err, ErrKeysUnavailable)
		}
		leave()
		callers.Wait()
	})
}

// TestAHungServerEnds makes the server never answer.
func TestAHungServerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		v := NewVerifier(Config{Issuer: identitytest.URL, Fetch: hung, Log: slog.New(slog.DiscardHandler)})
		start := time.Now()
		expect(t, v, identitytest.New(t).Token(holder, audience, time.Hour), ErrKeysUnavailable)
		if took := time.Since(start); took != fetchTimeout {
			t.Errorf("it took %s, want %s", took, fetchTimeout)
		}
	})
}

// TestRunEndsAtOnce ends it while the server hangs.
func TestRunEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		v := NewVerifier(Config{Issuer: identitytest.URL, Fetch: hung, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		synctest.Wait()
		start := time.Now()
		stop()
		<-ended
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %s to end", took)
		}
	})
}

func TestParseKeys(t *testing.T) {
	body, err := identitytest.New(t).Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := strings.TrimSuffix(strings.TrimPrefix(string(body), `{"keys":[`), "]}")
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + "]}" }
	tests := []struct {
		name, body string
		count      int
		want       string
	}{
		{"one", set(good), 1, ""},
		{"beside others", set(`{"kty":"ML-DSA","kid":"new"}`, good, `{"kty":"oct","kid":"secret","k":"c2VjcmV0"}`, `7`), 1, ""},
		{"for encryption", set(strings.Replace(good, `"sig"`, `"enc"`, 1)), 0, "none of them"},
		{"unnamed", set(strings.Replace(good, `"kid"`, `"id"`, 1)), 0, "none of them"},
		{"short", set(`{"kty":"RSA","kid":"short","e":"AQAB","n":"` + strings.Repeat("_", 170) + `"}`), 0, "none of them"},
		{"none", set(), 0, "none of them"},
		{"too many", set(strings.Repeat("{},", maxKeys) + "{}"), 0, "65 of them"},
		{"too long", set(strings.Repeat(" ", MaxKeysBytes)), 0, "262155 bytes"},
		{"no set", `[1]`, 0, "want a JSON Web Key Set"},
		{"a page", `<html>`, 0, "want a JSON Web Key Set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseKeys([]byte(tt.body))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("parseKeys: %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || len(got.Keys) != tt.count {
				t.Errorf("parseKeys = %v, %v, want %d keys", got, err, tt.count)
			}
		})
	}
}

// TestKeptThroughNonsense has the server answer with something else.
func TestKeptThroughNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		token := issuer.Token(holder, audience, time.Hour)
		calls := 0
		v := NewVerifier(Config{Issuer: identitytest.URL, Log: slog.New(slog.DiscardHandler), Fetch: func(ctx context.Context) ([]byte, error) {
			if calls++; calls > 1 {
				return []byte(`{"keys":[]}`), nil
			}
			return issuer.Fetch(ctx)
		}})
		for range 3 {
			v.keys.refresh(t.Context(), t.Context())
			expect(t, v, token, nil)
			time.Sleep(fetchPause)
		}
		if calls != 3 {
			t.Errorf("the keys were fetched %d times, want 3", calls)
		}
	})
}

// TestASkippedRefreshIsNoSuccess has a token make the first attempt, which fails,
// a moment before the verifier begins to run: it soon tries again.
func TestASkippedRefreshIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := identitytest.New(t)
		issuer.Fail(errAway)
		v := newVerifier(issuer)
		expect(t, v, issuer.Token(holder, audience, time.Hour), ErrKeysUnavailable)
		issuer.Fail(nil)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		time.Sleep(time.Minute)
		if v.keys.current.Load() == nil {
			t.Error("a minute after the server is back there are no keys")
		}
		stop()
		<-ended
	})
}

// TestWhoLeavesEarlyHasFoundOutNothing verifies with a short time while the
// server hangs, and while another caller waits for it.
func TestWhoLeavesEarlyHasFoundOutNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, other := identitytest.New(t), identitytest.New(t)
		other.Rotate()
		var hangs atomic.Bool
		v := NewVerifier(Config{Issuer: identitytest.URL, Log: slog.New(slog.DiscardHandler), Fetch: func(ctx context.Context) ([]byte, error) {
			if hangs.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return issuer.Fetch(ctx)
		}})
		expect(t, v, issuer.Token(holder, audience, time.Hour), nil)
		time.Sleep(fetchPause)
		hangs.Store(true)
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() {
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if _, err := v.Verify(short, other.Token(holder, audience, time.Hour), audience); !errors.Is(err, ErrKeysUnavailable) {
					t.Errorf("Verify: %v, want %v", err, ErrKeysUnavailable)
				}
				if took := time.Since(start); took != time.Second {
					t.Errorf("a caller with one second waits %s", took)
				}
			})
		}
		callers.Wait()
		time.Sleep(fetchTimeout) // until the attempt is over, too
	})
}

// TestAttemptsGetRarer sends a token of an unknown key each second for an hour,
// and then rotates the issuer's key.
func TestAttemptsGetRarer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, attacker := identitytest.New(t), identitytest.New(t)
		v := newVerifier(issuer)
		expect(t, v, issuer.Token(holder, audience, time.Hour), nil)
		attacker.Rotate()
		attacker.Rotate()
		token := attacker.Token(holder, audience, 2*time.Hour)
		for range 3600 {
			expect(t, v, token, ErrUnknownKey)
			time.Sleep(time.Second)
		}
		if got := issuer.Fetches(); got > 64 {
			t.Errorf("the keys were fetched %d times in an hour, want about one a minute", got)
		}
		issuer.Rotate()
		time.Sleep(longestPause)
		expect(t, v, issuer.Token(holder, audience, time.Hour), nil)
		before := issuer.Fetches()
		time.Sleep(fetchPause) // it was worth it, so the pause is short again
		expect(t, v, token, ErrUnknownKey)
		if got := issuer.Fetches() - before; got != 1 {
			t.Errorf("%d fetches after the pause, want 1", got)
		}
	})
}
