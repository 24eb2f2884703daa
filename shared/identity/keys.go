package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
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
	// It doubles up to longestPause while they bring nothing new: then those ask
	// who send tokens that no cluster has signed.
	fetchPause   = 10 * time.Second
	longestPause = time.Minute
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

// keys are what the cluster publishes to check tokens with, as last asked for:
// the public keys that it signs with, and who it says that it is.
type keys struct {
	fetch      func(context.Context) ([]byte, error)
	findIssuer func(context.Context) (string, error) // nil: the issuer stays
	log        *slog.Logger

	current atomic.Pointer[jose.JSONWebKeySet] // nil: none yet
	issuers atomic.Pointer[issuers]

	fetching chan struct{} // holds a value while somebody fetches; what is below is his
	tried    time.Time     // when he last began to
	pause    time.Duration // from then to the next time
	fresh    bool          // whether he succeeded
}

func newKeys(c Config) *keys {
	k := &keys{fetch: c.Fetch, findIssuer: c.FindIssuer, log: c.Log, fetching: make(chan struct{}, 1), pause: fetchPause}
	k.issuers.Store(&issuers{present: c.Issuer})
	return k
}

// issued returns nil if tokens of that issuer count. If they do not, who the
// issuer is is asked anew, unless that was tried a moment ago.
func (k *keys) issued(ctx context.Context, issuer string) error {
	if k.issuers.Load().include(issuer, time.Now()) {
		return nil
	}
	if k.findIssuer == nil {
		return ErrIssuer
	}
	k.refresh(ctx, context.WithoutCancel(ctx))
	switch known := k.issuers.Load(); {
	case known.include(issuer, time.Now()):
		return nil
	case known.present == "" || ctx.Err() != nil:
		return ErrKeysUnavailable
	}
	return ErrIssuer
}

// named returns the keys of that ID, at least one. If there is none they are
// fetched, unless that was tried a moment ago.
func (k *keys) named(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	if found := k.known(id); len(found) > 0 {
		return found, nil
	}
	// Others wait for the keys, too: they are fetched though this caller leaves.
	k.refresh(ctx, context.WithoutCancel(ctx))
	if found := k.known(id); len(found) > 0 {
		return found, nil
	}
	if k.current.Load() == nil || ctx.Err() != nil { // who leaves early has found out nothing
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
		if k.refresh(ctx, ctx) {
			backoff = fetchPause
		} else {
			wait, backoff = jittered(backoff), min(2*backoff, longestBackoff)
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
// because that was tried a moment ago. It waits until waiting ends, and the
// fetch is given up when fetching does. It reports whether the last attempt
// succeeded, as far as that is known by then.
func (k *keys) refresh(waiting, fetching context.Context) bool {
	select {
	case k.fetching <- struct{}{}:
	case <-waiting.Done():
		return false
	}
	ended := make(chan bool, 1)
	go func() {
		defer func() { <-k.fetching }()
		k.try(fetching)
		ended <- k.fresh
	}()
	select {
	case fresh := <-ended:
		return fresh
	case <-waiting.Done():
		return false
	}
}

// try is called by one goroutine at a time. What is there is kept when it fails.
func (k *keys) try(ctx context.Context) {
	since := time.Since(k.tried)
	if since < k.pause && !k.tried.IsZero() {
		return
	}
	if since >= 2*k.pause { // nobody has asked for a while
		k.pause = fetchPause
	}
	k.tried = time.Now()
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	newIssuer, issuerErr := k.askIssuer(ctx)
	newKey, keysErr := k.askKeys(ctx)
	if err := errors.Join(issuerErr, keysErr); err != nil {
		k.fresh = false
		k.log.Warn("the keys for tokens could not be fetched", "err", err, "kept", k.current.Load() != nil)
		return
	}
	k.fresh = true
	if k.pause = min(2*k.pause, longestPause); newIssuer || newKey {
		k.pause = fetchPause
	}
}

// askIssuer reports whether there is a new one.
func (k *keys) askIssuer(ctx context.Context) (isNew bool, err error) {
	if k.findIssuer == nil {
		return false, nil
	}
	issuer, err := k.findIssuer(ctx)
	if err != nil {
		return false, fmt.Errorf("find the issuer of tokens: %w", err)
	}
	before := k.issuers.Load()
	now := before.with(issuer, time.Now())
	k.issuers.Store(&now)
	if now == *before {
		return false, nil
	}
	k.log.Info("tokens have an issuer that is new", "issuer", now.present, "before", now.former, "until", now.until)
	return true, nil
}

// askKeys reports whether there is one that was not there before.
func (k *keys) askKeys(ctx context.Context) (isNew bool, err error) {
	body, err := k.fetch(ctx)
	if err != nil {
		return false, err
	}
	set, err := parseKeys(body)
	if err != nil {
		return false, err
	}
	isNew = slices.ContainsFunc(set.Keys, func(key jose.JSONWebKey) bool { return len(k.known(key.KeyID)) == 0 })
	k.current.Store(set)
	return isNew, nil
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
