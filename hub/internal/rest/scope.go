package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/kubemon/kubemon/hub"
)

// A scope is what the reader of one request may see.
type scope struct {
	hub.Scope
	// key is what tells it from every other scope, in ETags and in what is kept
	// of a round: empty for everything.
	key string
}

// scope asks for the reader's, and puts it in the one form that equal scopes
// have.
func (s *server) scope(r *http.Request) (scope, error) {
	allowed, err := s.Scope(r)
	switch {
	case errors.Is(err, hub.ErrUnavailable):
		return scope{}, unavailable(err.Error())
	case err != nil:
		return scope{}, fmt.Errorf("find out what the reader may see: %w", err)
	case allowed.IsEverything():
		return scope{Scope: hub.Everything()}, nil
	case allowed.AllNamespaces:
		allowed.Namespaces = nil
	case allowed.Namespaces == nil:
		allowed.Namespaces = []string{}
	}
	text, err := json.Marshal(allowed)
	if err != nil {
		return scope{}, fmt.Errorf("encode scope: %w", err)
	}
	// Nobody finds a second scope of that hash, so that no names of namespaces
	// get a reader what was made for another.
	hash := sha256.Sum256(text)
	return scope{allowed, "-" + hex.EncodeToString(hash[:16])}, nil
}

// maxShares bounds for how many scopes something is kept of a round, besides
// everything. Readers of more are answered all the same, each time anew.
const maxShares = 16

// A share is what readers of one scope have of a round.
type share struct {
	*round
	// cut is the round's view, cut to the scope when that is first asked for.
	cut  func() *hub.View
	kept bool
}

// share returns that of a scope.
func (r *round) share(of scope, restrict func(*hub.View, hub.Scope) *hub.View) *share {
	if of.key == "" {
		return r.whole
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.shares[of.key]; s != nil {
		return s
	}
	s := &share{
		round: r, kept: len(r.shares) < maxShares,
		cut: sync.OnceValue(func() *hub.View { return restrict(r.view, of.Scope) }),
	}
	if s.kept {
		r.shares[of.key] = s
	}
	return s
}

// allow refuses a thing that the reader may not see, whether or not there is
// one: a refusal must not tell.
func (r *request) allow(t thing) error {
	namespace := t.namespace
	switch t.kind {
	case hub.KindCluster:
		return nil // of which everyone has a part
	case hub.KindNode:
		return r.allowNodes(t.String())
	case hub.KindNamespace:
		namespace = t.name
	}
	if !r.view.Scope.Has(namespace) {
		return forbidden(t.String(), fmt.Sprintf("list pods in namespace %q", namespace))
	}
	return nil
}

// allowNodes refuses what is made of nodes.
func (r *request) allowNodes(what string) error {
	if !r.view.Scope.Nodes {
		return forbidden(what, "list nodes")
	}
	return nil
}

func forbidden(what, right string) *problem {
	return newProblem(http.StatusForbidden, "%s takes the right to %s, which you do not have", what, right)
}
