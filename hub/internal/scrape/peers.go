package scrape

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubemon/kubemon/hub"
)

// keptFor is how long a key is remembered whose agent nobody asks any more. Far
// longer than an agent may be missing from its slices while its pod lives.
const keptFor = time.Hour

// A fingerprint is the SHA-256 of a key's SubjectPublicKeyInfo.
type fingerprint [sha256.Size]byte

func fingerprintOf(c *x509.Certificate) fingerprint { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

func (f fingerprint) String() string { return "sha256:" + hex.EncodeToString(f[:]) }

// A key is what an agent was accepted by.
type key struct {
	fingerprint fingerprint
	since       time.Time
	// container is the one that had it; empty while the inventory does not know.
	container string
}

// A peer is one agent, as it is known by.
type peer struct {
	judging chan struct{} // holds a value while somebody judges: the first key counts
	key     atomic.Pointer[key]
	asked   time.Time // last; of peers.mu
}

// peers remembers the agents' keys: by pod, because addresses are used again,
// and by URL where no pod is known.
type peers struct {
	trust Trust

	mu    sync.Mutex
	known map[string]*peer
}

func (p *peers) of(agent hub.Agent) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.enter(agent, time.Now())
}

func (p *peers) enter(agent hub.Agent, now time.Time) *peer {
	name := cmp.Or(agent.PodUID, agent.URL)
	known := p.known[name]
	if known == nil {
		known = &peer{judging: make(chan struct{}, 1)}
		p.known[name] = known
	}
	known.asked = now
	return known
}

// attend notes that these agents are asked, and forgets who has not been for
// long: their pods are gone.
func (p *peers) attend(agents []hub.Agent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for i := range agents {
		p.enter(agents[i], now)
	}
	for name, known := range p.known {
		if now.Sub(known.asked) > keptFor {
			delete(p.known, name)
		}
	}
}

// accept returns an error unless the key, which the peer has proved to hold, is
// taken for the agent's.
func (p *peers) accept(ctx context.Context, agent hub.Agent, chain []*x509.Certificate) error {
	known := p.of(agent)
	select {
	case known.judging <- struct{}{}:
		defer func() { <-known.judging }()
	case <-ctx.Done(): // what the one before asks the cluster takes too long
		return failuref(hub.FailureTimeout, "the peer's key was not looked at in time: %w", ctx.Err())
	}
	before := known.key.Load()
	if err := p.trust.judge(ctx, agent, before, chain); err != nil {
		return failuref(hub.FailureIdentity, "the peer is not taken for the agent: %w", err)
	}
	now := key{fingerprint: fingerprintOf(chain[0]), since: time.Now(), container: agent.Container}
	if before != nil && before.fingerprint == now.fingerprint {
		now.since = before.since
		now.container = cmp.Or(agent.Container, before.container)
	}
	known.key.Store(&now)
	return nil
}

// acceptPlain returns an error unless the agent may be asked without a key: not
// where keys are vouched for, and not where one is known, for who takes the
// address could else do without.
func (p *peers) acceptPlain(agent hub.Agent) error {
	if kind := p.trust.kind(); kind != hub.TrustPinned {
		return failuref(hub.FailureIdentity, "the address is plain HTTP, expected https and a key (%s)", kind)
	}
	if before := p.of(agent).key.Load(); before != nil {
		return failuref(hub.FailureIdentity, "the address is plain HTTP, expected https and the key of the first contact, %s", before.fingerprint)
	}
	return nil
}

// answered takes note of an agent's answer and returns what it is known by. Who
// answers with the key of the first contact runs in the container of now: from
// then on the key is that container's.
func (p *peers) answered(agent hub.Agent) hub.Identity {
	known := p.of(agent)
	if now := known.key.Load(); now != nil && now.container == "" && agent.Container != "" {
		learnt := *now
		learnt.container = agent.Container
		known.key.CompareAndSwap(now, &learnt)
	}
	return p.identity(agent)
}

// identity is what the agent was last known by.
func (p *peers) identity(agent hub.Agent) hub.Identity {
	now := p.of(agent).key.Load()
	switch {
	case now == nil && !strings.HasPrefix(agent.URL, "https:"):
		return hub.Identity{Trust: hub.TrustNone}
	case now == nil:
		return hub.Identity{}
	}
	return hub.Identity{Trust: p.trust.kind(), Fingerprint: now.fingerprint.String(), Since: now.since}
}
