package rest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/kubemon/kubemon/hub"
)

// TestScopesAreKeptWithinBounds asks as readers of many scopes: all are
// answered, and what is kept of a round is for a few of them, with one copy of
// each item.
func TestScopesAreKeptWithinBounds(t *testing.T) {
	var now hub.Scope
	_, schemas, err := openAPI("")
	if err != nil {
		t.Fatal(err)
	}
	cuts := 0
	s := &server{Config: Config{
		Reader: oneView{view: viewOfPods(30)},
		Scope:  func(*http.Request) (hub.Scope, error) { return now, nil },
		Restrict: func(v *hub.View, scope hub.Scope) *hub.View {
			cuts++
			return &hub.View{Round: v.Round, Scope: scope, Pods: v.Pods, Cluster: &hub.Item{Kind: "Cluster", Name: scope.Namespaces[0]}}
		},
	}, schemas: schemas, work: newGate("answers", 1, patience), sending: budget{most: maxSending}}
	pods := s.list("PodList", hub.KindPod, takesNone, all(pods))
	cluster := s.one(hub.KindCluster, cluster)
	const scopes, turns = 3 * maxShares, 3
	for range turns {
		for i := range scopes {
			now = hub.Scope{Namespaces: []string{fmt.Sprint("space-", i)}}
			for target, h := range map[string]echo.HandlerFunc{"/pods": pods, "/cluster": cluster} {
				w := httptest.NewRecorder()
				if err := h(echo.New().NewContext(httptest.NewRequest(http.MethodGet, target, nil), w)); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(w.Body.String(), `"namespaces":["`+now.Namespaces[0]+`"]`) {
					t.Fatalf("scope %d: GET %s: %s", i, target, w.Body)
				}
			}
		}
	}
	kept := s.rounds.latest
	if len(kept.shares) != maxShares || len(kept.answers) != 2*maxShares {
		t.Errorf("%d scopes and %d answers are kept, want %d and two of each", len(kept.shares), len(kept.answers), maxShares)
	}
	if want := maxShares + 2*turns*(scopes-maxShares); cuts != want {
		t.Errorf("views were cut %d times, want %d: once for what is kept, and else for each request", cuts, want)
	}
	if len(kept.items.made) != 30 {
		t.Errorf("%d items are kept of 30 pods", len(kept.items.made))
	}
	if used := s.sending.used.Load(); used != 0 {
		t.Errorf("%d bytes that were sent are still counted", used)
	}
}

// TestEqualScopesHaveOneKey, and different ones never have.
func TestEqualScopesHaveOneKey(t *testing.T) {
	keyOf := func(allowed hub.Scope) string {
		s := &server{Config: Config{Scope: func(*http.Request) (hub.Scope, error) { return allowed, nil }}}
		scope, err := s.scope(httptest.NewRequest(http.MethodGet, "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		return scope.key
	}
	keys := make(map[string]int)
	for i, equal := range [][]hub.Scope{
		{hub.Everything(), {Nodes: true, AllNamespaces: true, Namespaces: []string{"a"}}},
		{{}, {Namespaces: []string{}}},
		{{Nodes: true}, {Nodes: true, Namespaces: []string{}}},
		{{AllNamespaces: true}, {AllNamespaces: true, Namespaces: []string{"a", "b"}}},
		{{Namespaces: []string{"a", "b"}}, {Namespaces: []string{"a", "b"}}},
		{{Nodes: true, Namespaces: []string{"a", "b"}}},
		{{Namespaces: []string{"a"}}},
		{{Namespaces: []string{"a,b"}}},
		{{Namespaces: []string{`a","b`}}},
		{{Namespaces: []string{"ab"}}},
		{{Namespaces: []string{"a b"}}},
		{{Namespaces: []string{""}}},
	} {
		for _, scope := range equal {
			key := keyOf(scope)
			if before, ok := keys[key]; ok && before != i {
				t.Errorf("%+v has the key of another scope, %q", scope, key)
			}
			keys[key] = i
			if (key == "") != (i == 0) {
				t.Errorf("%+v has the key %q", scope, key)
			}
		}
		if len(keys) != i+1 {
			t.Errorf("%+v have more than one key", equal)
		}
	}
}
