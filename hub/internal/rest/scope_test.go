package rest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/aggregate"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// An ask is a request and the rights that it takes.
type ask struct {
	target    string
	nodes     bool
	namespace string
}

func (a ask) allows(s hub.Scope) bool {
	return (!a.nodes || s.Nodes) && (a.namespace == "" || s.Has(a.namespace))
}

// asks has every path, and on each namespace, one that there is not included.
func asks() []ask {
	list := []ask{
		{target: "/cluster"}, {target: "/cluster?window=60"}, {target: "/cluster?fields=name,usage.pids"},
		{target: "/nodes", nodes: true}, {target: "/nodes?window=60", nodes: true}, {target: "/nodes/n1", nodes: true},
		{target: "/nodes/n1?window=60", nodes: true}, {target: "/nodes/no-such", nodes: true}, {target: "/nodes/no-such?window=60", nodes: true},
		{target: "/nodes/n1/pods", nodes: true}, {target: "/nodes/no-such/pods", nodes: true},
		{target: "/pods"}, {target: "/pods?sort=-cpu&limit=3"}, {target: "/pods?window=60"}, {target: "/pods?node=n1"}, {target: "/pods?node=no-such"},
		{target: "/pods?labelSelector=team%3Damber"}, {target: "/pods?fields=name"},
		{target: "/workloads"}, {target: "/workloads?window=60"}, {target: "/namespaces"}, {target: "/namespaces?window=60"},
		{target: "/top"}, {target: "/top?of=containers&limit=1000"}, {target: "/top?of=namespaces"}, {target: "/top?of=workloads&by=memory"},
		{target: "/top?of=nodes", nodes: true}, {target: "/top?node=n2"}, {target: "/status", nodes: true}, {target: "/events"}, {target: "/openapi.json"},
	}
	for _, name := range append(quarters(), "no-such") {
		in := "/namespaces/" + name
		for _, target := range []string{
			"/pods?namespace=" + name, "/workloads?namespace=" + name, "/top?of=containers&namespace=" + name,
			in, in + "?window=60", in + "/pods", in + "/pods?node=n1", in + "/pods/" + name + "-Deployment-n1", in + "/pods/" + name + "-Deployment-n1?window=60",
			in + "/pods/" + name + "-Deployment-n3", in + "/pods/" + name + "-Deployment-n4?window=60", in + "/pods/gone?window=60", in + "/pods/gone", in + "/deployments", in + "/deployments/" + name + "-web", in + "/deployments/" + name + "-web/pods",
			in + "/workloads", in + "/workloads/kind" + name + "/" + name + "-web", in + "/workloads/Kind" + name + "/" + name + "-web?window=60",
			in + "/workloads/Kind" + name + "/" + name + "-web/pods",
		} {
			list = append(list, ask{target: target, namespace: name})
		}
		list = append(list, ask{target: "/nodes/n1/pods?namespace=" + name, nodes: true, namespace: name})
	}
	return list
}

// TestNobodySeesMore asks everything as each reader, twice and in any order of
// one handler, and searches what comes back for what the reader may not see.
func TestNobodySeesMore(t *testing.T) {
	r := quarterReader()
	h := scopedHandler(t, r)
	c := newChecker(t, loadDocument(t, handler(t, testReader())))
	seen, checked := make(map[string]bool), make(map[string]bool)
	var turns []turn
	for who := range allScopes() {
		for _, a := range slices.Concat(asks(), asks()) {
			turns = append(turns, turn{who, a})
		}
	}
	rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	for _, turn := range turns {
		w := get(h, v1+turn.target, "Reader", turn.who)
		turn.check(t, w)
		req := httptest.NewRequest(http.MethodGet, v1+turn.target, nil)
		route, _, err := c.router.FindRoute(req)
		if err != nil {
			t.Fatalf("GET %s: %v", turn.target, err)
		}
		seen[route.Path] = true
		form := fmt.Sprint(route.Path, w.Code, strings.Contains(turn.target, "window"), strings.Contains(w.Body.String(), `"scope":`))
		if checked[form] || strings.Contains(turn.target, "fields=") {
			continue // an answer with fields lacks what is required
		}
		checked[form] = true
		if _, err := c.check(t.Context(), req, w); err != nil {
			t.Errorf("%s: GET %s: %v", turn.who, turn.target, err)
		}
	}
	for _, path := range rest.Paths() {
		if strings.HasPrefix(path, v1) && !seen[path] {
			t.Errorf("nobody has asked for %s", path)
		}
	}
}

// A turn is one request of one reader.
type turn struct {
	who string
	ask
}

// check wants the status that the reader has the right to, and nothing in the
// answer that he may not see.
func (turn turn) check(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	scope := allScopes()[turn.who]
	want := http.StatusOK
	gone := strings.Contains(turn.target, "/gone")
	switch {
	case !turn.allows(scope):
		want = http.StatusForbidden
	case gone && strings.Contains(turn.target, "window"):
	case gone || strings.Contains(turn.target, "no-such") && (scope.Nodes || turn.target != "/pods?node=no-such"):
		want = http.StatusNotFound
	}
	if w.Code != want {
		t.Errorf("%s: GET %s: status %d, want %d: %.300s", turn.who, turn.target, w.Code, want, w.Body)
		return
	}
	body := strings.ToLower(w.Body.String())
	for _, name := range quarters() {
		if !scope.Has(name) && strings.Contains(strings.ReplaceAll(body, turn.namespace, ""), name) {
			t.Errorf("%s: GET %s tells of %s: %s", turn.who, turn.target, name, w.Body)
		}
	}
	if !scope.Nodes && regexp.MustCompile(`secret|https:|sha256|"(capacity|allocatable|nodes)":\{`).MatchString(body) && !strings.HasSuffix(turn.target, "/openapi.json") {
		t.Errorf("%s: GET %s tells of nodes: %s", turn.who, turn.target, w.Body)
	}
	if want == http.StatusOK {
		turn.checkScope(t, scope, w)
	}
}

// checkScope wants lists and the cluster to say what they were cut to.
func (turn turn) checkScope(t *testing.T, scope hub.Scope, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Header().Get("Content-Type") != "application/json" || strings.HasSuffix(turn.target, "/openapi.json") {
		return
	}
	answer := decode[struct {
		Kind  string
		Items []json.RawMessage
		Scope *hub.Scope
	}](t, w, http.StatusOK)
	var want *hub.Scope
	if (answer.Items != nil || answer.Kind == "Cluster") && !scope.IsEverything() {
		want = &scope
		if want.AllNamespaces {
			want.Namespaces = nil
		} else if want.Namespaces == nil {
			want.Namespaces = []string{}
		}
	}
	if diff := cmp.Diff(want, answer.Scope); diff != "" {
		t.Errorf("%s: GET %s: scope (-want +got):\n%s", turn.who, turn.target, diff)
	}
}

// TestARefusalTellsNothing wants what there is to be refused like what there is
// not, word for word, to name the right, and to read no history.
func TestARefusalTellsNothing(t *testing.T) {
	r := quarterReader()
	h := scopedHandler(t, r)
	for _, a := range asks() {
		if a.namespace != "amber" && !a.nodes {
			continue
		}
		w := get(h, v1+a.target, "Reader", "nothing")
		p := decode[problem](t, w, http.StatusForbidden)
		right := "list nodes"
		if !a.nodes {
			right = `list pods in namespace "amber"`
		}
		if !strings.Contains(p.Detail, right) || w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s is refused by %s, %v; want it to name %s", a.target, p.Detail, w.Header(), right)
		}
		other := strings.NewReplacer("amber", "void", "n1", "n9").Replace
		if got := get(h, v1+other(a.target), "Reader", "nothing").Body.String(); got != other(w.Body.String()) {
			t.Errorf("GET %s is refused by %s, and of what there is not by %s", a.target, w.Body, got)
		}
	}
	if len(r.asked) > 0 {
		t.Errorf("histories were read: %+v", r.asked)
	}
}

// TestScopesShareNoAnswers compares one handler, which has answered everybody,
// with one for each reader alone; and wants no reader's ETag to be another's.
func TestScopesShareNoAnswers(t *testing.T) {
	h := scopedHandler(t, quarterReader())
	readers := slices.Sorted(maps.Keys(allScopes()))
	for range 2 {
		for _, who := range readers {
			alone := scopedHandler(t, quarterReader())
			for _, a := range asks() {
				got, want := get(h, v1+a.target, "Reader", who), get(alone, v1+a.target, "Reader", who)
				if got.Code != want.Code || got.Body.String() != want.Body.String() || got.Header().Get("ETag") != want.Header().Get("ETag") {
					t.Errorf("%s: GET %s: beside others %d %s, alone %d %s", who, a.target, got.Code, got.Body, want.Code, want.Body)
				}
			}
		}
	}
	for _, a := range asks() {
		if a.target == "/openapi.json" || a.target == "/events" {
			continue // the same for all
		}
		for _, who := range readers {
			tag := get(h, v1+a.target, "Reader", who).Header().Get("ETag")
			if tag == "" {
				continue
			}
			for _, other := range readers {
				w := get(h, v1+a.target, "Reader", other, "If-None-Match", tag)
				if notModified := w.Code == http.StatusNotModified; notModified != (who == other) {
					t.Errorf("GET %s with the ETag of %s: %s gets %d", a.target, who, other, w.Code)
				}
			}
		}
	}
}

// TestAScopeThatChanges answers a reader's next request by his new rights, also
// when he has the old answer.
func TestAScopeThatChanges(t *testing.T) {
	now := hub.Scope{Namespaces: []string{"amber", "birch"}}
	cfg := config(quarterReader(), t.Output())
	cfg.Scope = func(*http.Request) (hub.Scope, error) { return now, nil }
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	before := get(h, v1+"/pods")
	now = hub.Scope{Namespaces: []string{"amber"}}
	after := get(h, v1+"/pods", "If-None-Match", before.Header().Get("ETag"))
	if after.Code != http.StatusOK || strings.Contains(after.Body.String(), "birch") || !strings.Contains(before.Body.String(), "birch") {
		t.Errorf("with fewer rights, and the ETag from before: %d %s", after.Code, after.Body)
	}
	if p := decode[problem](t, get(h, v1+"/namespaces/birch/pods", "If-None-Match", "*"), http.StatusForbidden); p.Detail == "" {
		t.Error("a namespace that may no longer be seen is refused without a word")
	}
}

// TestTokensOfOtherScopes gives a continue token of who sees everything to one
// who does not: it is a place in the order and nothing else.
func TestTokensOfOtherScopes(t *testing.T) {
	h := scopedHandler(t, quarterReader())
	for _, sort := range []string{"name", "-cpu"} {
		target := v1 + "/pods?limit=3&sort=" + sort
		page := decode[struct{ Continue string }](t, get(h, target, "Reader", "everything"), http.StatusOK)
		w := get(h, target+"&continue="+page.Continue, "Reader", "two")
		next := decode[struct{ Items []item }](t, w, http.StatusOK)
		for _, item := range next.Items {
			if item.Namespace != "amber" && item.Namespace != "cedar" {
				t.Errorf("%s: a foreign token shows %s/%s", sort, item.Namespace, item.Name)
			}
		}
		if len(next.Items) == 0 {
			t.Errorf("%s: a foreign token shows nothing: %s", sort, w.Body)
		}
	}
}

// TestAScopeThatIsNotKnown is a 503 with the cause if that is for the reader,
// and else a 500 without.
func TestAScopeThatIsNotKnown(t *testing.T) {
	c := newChecker(t, loadDocument(t, handler(t, testReader())))
	var log strings.Builder
	cfg := config(quarterReader(), &log)
	cfg.Scope = asReader
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range asks() {
		if a.target == "/openapi.json" {
			continue // the same for all who are known
		}
		for who, status := range map[string]int{"unasked": 503, "broken": 500} {
			w := get(h, v1+a.target, "Reader", who)
			p := decode[problem](t, w, status)
			if strings.Contains(p.Detail, "no route") != (status == 503) || strings.Contains(p.Detail, "secret") {
				t.Errorf("%s: GET %s: %s", who, a.target, p.Detail)
			}
			if _, err := c.check(t.Context(), httptest.NewRequest(http.MethodGet, v1+a.target, nil), w); err != nil {
				t.Errorf("%s: GET %s: %v", who, a.target, err)
			}
		}
	}
	if !strings.Contains(log.String(), "secret 42") || strings.Contains(log.String(), "no route") {
		t.Errorf("the log has %.300s", log.String())
	}
}

// TestAViewIsCutOnceARound asks as readers of three scopes, two of them equal.
func TestAViewIsCutOnceARound(t *testing.T) {
	r := quarterReader()
	cfg := config(r, t.Output())
	cfg.Scope = asReader
	cuts := 0
	cfg.Restrict = func(v *hub.View, s hub.Scope) *hub.View {
		cuts++
		return aggregate.Restrict(v, s)
	}
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for _, who := range []string{"one", "two", "everything", "one", "two", "pods"} {
			for _, target := range []string{"/pods", "/cluster", "/namespaces"} {
				get(h, v1+target, "Reader", who)
			}
		}
		if want := 3 * (round + 1); cuts != want {
			t.Errorf("after %d rounds a view was cut %d times, want %d", round+1, cuts, want)
		}
		r.next()
	}
}
