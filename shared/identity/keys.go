package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// When keys are fetched.
const (
	fetchTimeout = 10 * time.Second
	// refreshEvery is about how old keys get; a key that the cluster takes back
	// is believed for so long at most, if the cluster can be asked.
	refreshEvery = time.Hour
	// fetchPause is the least time between two attempts, whoever asks for them.
	fetchPause = 10 * time.Second
	// longestBackoff is between attempts that fail.
	longestBackoff = 5 * time.Minute
)

// Bounds of a JWKS. A cluster has one key, or a few while it changes them.
const (
	// MaxKeysBytes is the size of the longest JWKS that is looked at.
	MaxKeysBytes  = 256 << 10
	maxKeys       = 64
	minRSAKeyBits = 2048
)

// keys are the public keys that the issuer signs with, as last fetched.
type keys struct {
	fetch func(context.Context) ([]byte, error)
	log   *slog.Logger

	current  atomic.Pointer[jose.JSONWebKeySet] // nil: none yet
	fetching chan struct{}                      // holds a value while somebody fetches; what is below is his
	tried    time.Time                          // when he last began to
}

func newKeys(fetch func(context.Context) ([]byte, error), log *slog.Logger) *keys {
	return &keys{fetch: fetch, log: log, fetching: make(chan struct{}, 1)}
}

// named returns the keys of that ID, at least one. If there is none they are
// fetched, unless that was tried a moment ago.
func (k *keys) named(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	if found := k.known(id); len(found) > 0 {
		return found, nil
	}
	// Others wait for the keys, too: they are fetched though this caller leaves.
	if err := k.refresh(ctx, context.WithoutCancel(ctx)); err != nil {
		k.log.Warn("a token's key is not known, and the keys could not be fetched anew", "err", err)
	}
	if found := k.known(id); len(found) > 0 {
		return found, nil
	}
	if k.current.Load() == nil {
		return nil, ErrKeysUnavailable
	}
	return nil, ErrUnknownKey
}

func (k *keys) known(id string) []jose.JSONWebKey {
	set := k.current.Load()
	if set == nil {
		return nil
	}
	return set.Key(id)
}

// run keeps the keys fresh until ctx ends.
func (k *keys) run(ctx context.Context) {
	backoff := fetchPause
	for {
		wait := jittered(refreshEvery)
		if err := k.refresh(ctx, ctx); err != nil && ctx.Err() == nil {
			k.log.Warn("the keys for tokens could not be fetched", "err", err, "retry", backoff, "kept", k.current.Load() != nil)
			wait, backoff = jittered(backoff), min(2*backoff, longestBackoff)
		} else {
			backoff = fetchPause
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// jittered keeps the agents of a cluster that all start at once from asking the
// API server at once for ever. It is never shorter.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/8) }

// refresh fetches the keys, waits for who is fetching them, or does nothing
// because that was tried a moment ago. What is there is kept when it fails. The
// caller's turn is waited for as long as waiting lasts, and the fetch is given
// up when fetching ends.
func (k *keys) refresh(waiting, fetching context.Context) error {
	select {
	case k.fetching <- struct{}{}:
		defer func() { <-k.fetching }()
	case <-waiting.Done():
		return nil // the caller is gone, and nothing was tried
	}
	if time.Since(k.tried) < fetchPause && !k.tried.IsZero() {
		return nil
	}
	k.tried = time.Now()
	ctx, cancel := context.WithTimeout(fetching, fetchTimeout)
	defer cancel()
	body, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	set, err := parseKeys(body)
	if err != nil {
		return err
	}
	k.current.Store(set)
	return nil
}

// parseKeys reads a JWKS. Keys that cannot be used here are left out, as the
// issuer may have others for others; none that can be is an error.
func parseKeys(body []byte) (*jose.JSONWebKeySet, error) {
	if len(body) > MaxKeysBytes {
		return nil, fmt.Errorf("read keys: %d bytes, more than %d", len(body), MaxKeysBytes)
	}
	var list struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read keys: want a JSON Web Key Set: %w", err)
	}
	if len(list.Keys) > maxKeys {
		return nil, fmt.Errorf("read keys: %d of them, more than %d", len(list.Keys), maxKeys)
	}
	set := new(jose.JSONWebKeySet)
	for _, raw := range list.Keys {
		var key jose.JSONWebKey
		if err := key.UnmarshalJSON(raw); err == nil && usable(key) {
			set.Keys = append(set.Keys, key)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("read keys: none of them is a named public RSA or ECDSA key for signatures")
	}
	return set, nil
}

func usable(key jose.JSONWebKey) bool {
	if key.KeyID == "" || key.Use != "" && key.Use != "sig" || !key.Valid() {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= minRSAKeyBits
	case *ecdsa.PublicKey:
		return true
	}
	return false
}
