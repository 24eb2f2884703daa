package access

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

// these is a cluster's namespaces.
func these(namespaces ...string) func() []string { return func() []string { return namespaces } }

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
				got, err := rights.scope(t.Context(), ann(), these(namespaces...))
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

// TestWhoSeesAllAsksForNoNamespaces counts how often somebody has to say which
// namespaces there are.
func TestWhoSeesAllAsksForNoNamespaces(t *testing.T) {
	for right, want := range map[string]int{"pods": 0, "pods shop": 3} {
		server := newAPI()
		server.may = may(right)
		rights, _ := testRights(server)
		calls := 0
		for range 3 {
			if _, err := rights.scope(t.Context(), ann(), func() []string { calls++; return []string{"shop"} }); err != nil {
				t.Fatal(err)
			}
		}
		if calls != want {
			t.Errorf("who may list %s had the namespaces asked for %d times, want %d", right, calls, want)
		}
	}
}

// TestNamespacesThatAreNotKnownYet wants nobody told that he has no rights before
// it is known to what.
func TestNamespacesThatAreNotKnownYet(t *testing.T) {
	server := newAPI()
	server.may = may("pods shop")
	rights, _ := testRights(server)
	if scope, err := rights.scope(t.Context(), ann(), these()); !errors.Is(err, errEarly) || !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("scope: %+v, %v; want %v", scope, err, errEarly)
	}
	if scope, err := rights.scope(t.Context(), ann(), these("shop")); err != nil || !scope.Has("shop") {
		t.Errorf("scope: %+v, %v", scope, err)
	}
}

// TestTokensOfOneReaderShareRights shows two tokens of one account, which differ
// in nothing but their name.
func TestTokensOfOneReaderShareRights(t *testing.T) {
	server := newAPI()
	rights, _ := testRights(server)
	for i := range 10 {
		reader := ann()
		reader.Extra[credentialID] = []string{fmt.Sprint("JTI=", i)}
		if _, err := rights.scope(t.Context(), reader, these("shop", "bank")); err != nil || len(reader.Extra) != 2 {
			t.Fatalf("%v, of %+v", err, reader)
		}
	}
	if _, reviews := server.counts(); reviews != 4 {
		t.Errorf("%d reviews for ten tokens of one account, want 4", reviews)
	}
}

// TestANewReaderIsAskedForAgain has the first question about a reader fail.
func TestANewReaderIsAskedForAgain(t *testing.T) {
	server := newAPI()
	server.may, server.err = may("pods shop"), statusError(500)
	rights, _ := testRights(server)
	if _, err := rights.scope(t.Context(), ann(), these("shop")); !errors.Is(err, errAway) {
		t.Errorf("scope: %v, want %v", err, errAway)
	}
	server.set(func() { server.err = nil })
	if scope, err := rights.scope(t.Context(), ann(), these("shop")); err != nil || !scope.Has("shop") {
		t.Errorf("scope right after: %+v, %v", scope, err)
	}
}

// manyNamespaces is a big cluster's.
func manyNamespaces(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%05d", i)
	}
	return names
}

// TestManyNamespacesAreAskedForInTheEnd has more namespaces than one request
// waits for.
func TestManyNamespacesAreAskedForInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.may = may("pods n09999")
		server.delay = 5 * time.Millisecond
		rights, counts := testRights(server)
		namespaces := manyNamespaces(10_000)
		began, tries := time.Now(), 0
		for {
			tries++
			asked := time.Now()
			scope, err := rights.scope(t.Context(), ann(), these(namespaces...))
			if waited := time.Since(asked); waited > sweepPatience+reviewTimeout {
				t.Fatalf("a request waited for %s", waited)
			}
			if err == nil && scope.Has("n09999") {
				break
			}
			if !errors.Is(err, errMany) || tries > 10 {
				t.Fatalf("try %d: %+v, %v", tries, scope, err)
			}
			time.Sleep(time.Second)
		}
		_, reviews := server.counts()
		if most := int(time.Since(began).Seconds()+1)*sweptPerSecond + sweptBurst + 2; reviews != len(namespaces)+2 || reviews > most {
			t.Errorf("%d reviews for %d namespaces in %s, want at most %d", reviews, len(namespaces), time.Since(began), most)
		}
		if counts.count("access limited") != tries-1 {
			t.Errorf("limited %d times in %d tries", counts.count("access limited"), tries)
		}
	})
}

// TestTheRightlessKeepNobodyOut has a hundred accounts without rights read a
// cluster of five hundred namespaces.
func TestTheRightlessKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.admins = may("root")
		server.delay = 5 * time.Millisecond
		rights, _ := testRights(server)
		namespaces := these(manyNamespaces(500)...)
		ctx, stop := context.WithCancel(t.Context())
		var crowd sync.WaitGroup
		for i := range 100 {
			crowd.Go(func() {
				for ctx.Err() == nil {
					if _, err := rights.scope(ctx, Reader{Name: fmt.Sprint(i)}, namespaces); err != nil && !errors.Is(err, errMany) && ctx.Err() == nil {
						t.Errorf("reader %d: %v", i, err)
					}
					time.Sleep(time.Second)
				}
			})
		}
		began := time.Now()
		for i := range 60 {
			asked := time.Now()
			scope, err := rights.scope(t.Context(), Reader{Name: "root", UID: fmt.Sprint(i)}, namespaces)
			if waited := time.Since(asked); err != nil || !scope.IsEverything() || waited > 50*time.Millisecond {
				t.Errorf("who may list everything: %+v, %v after %s", scope, err, waited)
			}
			time.Sleep(time.Second)
		}
		stop()
		crowd.Wait()
		took := time.Since(began)
		_, reviews := server.counts()
		if most := int(took.Seconds()+1)*sweptPerSecond + sweptBurst + 2*(60+100*3); reviews > most {
			t.Errorf("%d reviews in %s, want at most %d", reviews, took, most)
		}
		if most := maxSweeps*maxQuestions + 200; server.most > most {
			t.Errorf("%d reviews at once, want at most %d", server.most, most)
		}
	})
}

// TestAnOldNoIsEnoughInACrowd wants who was told no told so again when there is no
// time to ask, and nobody let in by an old yes.
func TestAnOldNoIsEnoughInACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.may = may("pods shop")
		rights, _ := testRights(server)
		check := func(want error) {
			t.Helper()
			if scope, err := rights.scope(t.Context(), ann(), these("shop", "bank")); !errors.Is(err, want) || err == nil && !cmp.Equal(scope.Namespaces, []string{"shop"}) {
				t.Errorf("scope: %+v, %v; want %v", scope, err, want)
			}
		}
		check(nil)
		for range maxSweeps {
			rights.sweeps <- struct{}{} // a crowd
		}
		time.Sleep(denyRights)
		check(nil)
		time.Sleep(allowRights)
		check(errMany)
	})
}

// TestTheReaderIsAskedFor wants all that is known of a reader in the question.
func TestTheReaderIsAskedFor(t *testing.T) {
	server := newAPI()
	server.may = may("nodes", "pods")
	rights, _ := testRights(server)
	if _, err := rights.scope(t.Context(), ann(), these()); err != nil {
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
	if _, err := rights.scope(t.Context(), other, these()); err != nil {
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
			scope, err := rights.scope(t.Context(), ann(), these("shop", "bank"))
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
		if _, err := rights.scope(t.Context(), ann(), these(namespaces...)); err != nil {
			t.Fatal(err)
		}
		if server.most != maxQuestions {
			t.Errorf("%d questions at once, want %d", server.most, maxQuestions)
		}
		if _, err := rights.scope(t.Context(), ann(), these(namespaces[0])); err != nil {
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
		if scope, err := rights.scope(t.Context(), ann(), these(namespaces...)); err != nil || !cmp.Equal(scope, want) {
			t.Fatalf("scope: %+v, %v", scope, err)
		}
		server.set(func() { server.delay = time.Hour })
		for range 60 {
			time.Sleep(10 * time.Minute)
			if scope, err := rights.scope(t.Context(), ann(), these(namespaces...)); err != nil || !cmp.Equal(scope, want) {
				t.Fatalf("scope in an outage: %+v, %v", scope, err)
			}
		}
		began := time.Now()
		if _, err := rights.scope(t.Context(), ann(), these(namespaces...)); err != nil || time.Since(began) > 0 {
			t.Errorf("scope right after an outage was seen: %v after %v, want it at once", err, time.Since(began))
		}
		if counts.count("access stale") == 0 {
			t.Error("nothing says that rights are old")
		}
		for name, err := range map[string]error{
			"a new namespace": second(rights.scope(t.Context(), ann(), these("shop", "new"))),
			"a new reader":    second(rights.scope(t.Context(), Reader{Name: "bob"}, these(namespaces...))),
		} {
			if !errors.Is(err, errAway) || !errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("%s in an outage: %v, want %v", name, err, errAway)
			}
		}
		server.set(func() { server.delay = 0; server.may = may() })
		time.Sleep(retryAfterOutage)
		if scope, err := rights.scope(t.Context(), ann(), these(namespaces...)); err != nil || !cmp.Equal(scope, hub.Scope{}) {
			t.Errorf("scope after the outage: %+v, %v; want nothing", scope, err)
		}
		server.set(func() { server.err = forbiddenError() })
		time.Sleep(allowRights)
		if _, err := rights.scope(t.Context(), ann(), these(namespaces...)); !errors.Is(err, errUnasked) {
			t.Errorf("scope of a hub without the right to ask: %v, want %v", err, errUnasked)
		}
	})
}

func second[A any](_ A, err error) error { return err }
