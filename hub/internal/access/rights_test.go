package access

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	authzv1 "k8s.io/api/authorization/v1"

	"github.com/kubemon/kubemon/hub"
)

// ann is the reader that an api knows.
func ann() Reader {
	return Reader{Name: "ann", UID: "7", Groups: []string{"dev"}, Extra: map[string][]string{"scope": {"a"}}}
}

func may(rights ...string) map[string]bool {
	set := map[string]bool{}
	for _, right := range rights {
		set[right] = true
	}
	return set
}

func TestScope(t *testing.T) {
	namespaces := []string{"shop", "kube-system", "bank"}
	tests := []struct {
		name    string
		may     map[string]bool
		want    hub.Scope
		reviews int
	}{
		{"everything", may("nodes", "pods"), hub.Everything(), 2},
		{"pods, without nodes", may("pods"), hub.Scope{AllNamespaces: true}, 2},
		{"nodes alone", may("nodes"), hub.Scope{Nodes: true}, 5},
		{"two namespaces", may("pods shop", "pods bank", "pods gone"), hub.Scope{Namespaces: []string{"bank", "shop"}}, 5},
		{"nothing", may(), hub.Scope{}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newAPI()
			server.may = tt.may
			rights, _ := testRights(server)
			for range 3 { // twice from what is kept
				got, err := rights.scope(t.Context(), ann(), namespaces)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("scope (-want +got):\n%s", diff)
				}
			}
			if _, reviews := server.counts(); reviews != tt.reviews {
				t.Errorf("%d reviews, want %d", reviews, tt.reviews)
			}
		})
	}
}

// TestTheReaderIsAskedFor wants all that is known of a reader in the question.
func TestTheReaderIsAskedFor(t *testing.T) {
	server := newAPI()
	server.may = may("nodes", "pods")
	rights, _ := testRights(server)
	if _, err := rights.scope(t.Context(), ann(), nil); err != nil {
		t.Fatal(err)
	}
	for _, spec := range server.rights {
		want := authzv1.SubjectAccessReviewSpec{
			User: "ann", UID: "7", Groups: []string{"dev"}, Extra: map[string]authzv1.ExtraValue{"scope": {"a"}},
			ResourceAttributes: &authzv1.ResourceAttributes{Verb: "list", Version: "v1", Resource: spec.ResourceAttributes.Resource},
		}
		if diff := cmp.Diff(want, spec); diff != "" {
			t.Errorf("question (-want +got):\n%s", diff)
		}
	}
	other := ann()
	other.Groups = nil
	if _, err := rights.scope(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	if _, reviews := server.counts(); reviews != 4 {
		t.Errorf("%d reviews for one name with other groups, want 4", reviews)
	}
}

func TestRightsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.may = may("pods shop")
		rights, _ := testRights(server)
		check := func(wait time.Duration, want ...string) {
			t.Helper()
			time.Sleep(wait)
			scope, err := rights.scope(t.Context(), ann(), []string{"shop", "bank"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(hub.Scope{Namespaces: want}, scope); diff != "" {
				t.Errorf("scope (-want +got):\n%s", diff)
			}
		}
		check(0, "shop")
		server.set(func() { server.may = may("pods bank") })
		check(denyRights-time.Second, "shop")
		check(time.Second, "bank", "shop") // a no is asked again sooner than a yes
		check(allowRights-denyRights, "bank")
	})
}

func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.delay = 10 * time.Millisecond
		rights, _ := testRights(server)
		var namespaces []string
		for i := range 500 {
			namespaces = append(namespaces, fmt.Sprint("ns", i))
		}
		if _, err := rights.scope(t.Context(), ann(), namespaces); err != nil {
			t.Fatal(err)
		}
		if server.most != maxQuestions {
			t.Errorf("%d questions at once, want %d", server.most, maxQuestions)
		}
		if _, err := rights.scope(t.Context(), ann(), namespaces[:1]); err != nil {
			t.Fatal(err)
		}
		if given := len(rights.verdictsOf(ann()).given); given != 3 {
			t.Errorf("%d verdicts are kept of a reader with one namespace, want 3", given)
		}
		for i := range 2 * maxReaders {
			rights.verdictsOf(Reader{Name: fmt.Sprint(i)})
		}
		if readers := len(rights.readers.Keys()); readers != maxReaders {
			t.Errorf("%d readers are kept, want %d", readers, maxReaders)
		}
	})
}

func TestRightsThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.may = may("pods shop")
		rights, counts := testRights(server)
		namespaces := []string{"shop", "bank"}
		want := hub.Scope{Namespaces: []string{"shop"}}
		if scope, err := rights.scope(t.Context(), ann(), namespaces); err != nil || !cmp.Equal(scope, want) {
			t.Fatalf("scope: %+v, %v", scope, err)
		}
		server.set(func() { server.delay = time.Hour })
		for range 60 {
			time.Sleep(10 * time.Minute)
			if scope, err := rights.scope(t.Context(), ann(), namespaces); err != nil || !cmp.Equal(scope, want) {
				t.Fatalf("scope in an outage: %+v, %v", scope, err)
			}
		}
		began := time.Now()
		if _, err := rights.scope(t.Context(), ann(), namespaces); err != nil || time.Since(began) > 0 {
			t.Errorf("scope right after an outage was seen: %v after %v, want it at once", err, time.Since(began))
		}
		if counts.count("access stale") == 0 {
			t.Error("nothing says that rights are old")
		}
		for name, err := range map[string]error{
			"a new namespace": second(rights.scope(t.Context(), ann(), []string{"shop", "new"})),
			"a new reader":    second(rights.scope(t.Context(), Reader{Name: "bob"}, namespaces)),
		} {
			if !errors.Is(err, errAway) || !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("%s in an outage: %v, want %v", name, err, errAway)
			}
		}
		server.set(func() { server.delay = 0; server.may = may() })
		time.Sleep(retryAfterOutage)
		if scope, err := rights.scope(t.Context(), ann(), namespaces); err != nil || !cmp.Equal(scope, hub.Scope{}) {
			t.Errorf("scope after the outage: %+v, %v; want nothing", scope, err)
		}
		server.set(func() { server.err = forbiddenError() })
		time.Sleep(allowRights)
		if _, err := rights.scope(t.Context(), ann(), namespaces); !errors.Is(err, errUnasked) {
			t.Errorf("scope of a hub without the right to ask: %v, want %v", err, errUnasked)
		}
	})
}

func second[A any](_ A, err error) error { return err }
