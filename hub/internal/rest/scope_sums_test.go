package rest_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// TestListsAreFilteredAndSumsAddUp takes random scopes, and wants every list to
// be that of everything without the rest, byte for byte, and the cluster to be
// the sum of the namespaces.
func TestListsAreFilteredAndSumsAddUp(t *testing.T) {
	var now hub.Scope
	cfg := config(quarterReader(), t.Output())
	cfg.Scope = func(*http.Request) (hub.Scope, error) { return now, nil }
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	type list struct{ Items []json.RawMessage }
	for range 40 {
		scope := randomScope()
		for _, target := range []string{"/pods", "/pods?sort=-memory", "/workloads", "/namespaces", "/top?limit=1000", "/top?of=containers&limit=1000&by=memory", "/pods?node=n2"} {
			now = hub.Everything()
			whole := decode[list](t, get(h, v1+target), http.StatusOK)
			now = scope
			part := decode[list](t, get(h, v1+target), http.StatusOK)
			want := slices.DeleteFunc(whole.Items, func(data json.RawMessage) bool { return !scope.Has(namespaceOf(t, data)) })
			if diff := cmp.Diff(texts(want), texts(part.Items)); diff != "" {
				t.Errorf("%+v: GET %s (-want +got):\n%s", scope, target, diff)
			}
		}
		if !scope.Nodes {
			checkSum(t, h, scope)
		}
	}
}

func randomScope() hub.Scope {
	s := hub.Scope{Nodes: rand.IntN(2) == 0, AllNamespaces: rand.IntN(4) == 0}
	for _, name := range quarters() {
		if rand.IntN(2) == 0 {
			s.Namespaces = append(s.Namespaces, name)
		}
	}
	return s
}

// namespaceOf is the one that an item is of, or is.
func namespaceOf(t *testing.T, data json.RawMessage) string {
	t.Helper()
	var i item
	if err := json.Unmarshal(data, &i); err != nil {
		t.Fatal(err)
	}
	if i.Kind == "Namespace" {
		return i.Name
	}
	return i.Namespace
}

func texts(list []json.RawMessage) []string {
	lines := []string{}
	for _, data := range list {
		lines = append(lines, string(data))
	}
	return lines
}

// checkSum holds the cluster against the namespaces of the same reader.
func checkSum(t *testing.T, h http.Handler, scope hub.Scope) {
	t.Helper()
	type sum struct {
		Usage hub.Usage
		Pods  hub.Count
	}
	cluster := decode[sum](t, get(h, v1+"/cluster"), http.StatusOK)
	total := sum{Usage: hub.Usage{Values: hub.Values{}}}
	for _, space := range decode[struct{ Items []sum }](t, get(h, v1+"/namespaces"), http.StatusOK).Items {
		total.Usage.Values.Add(&space.Usage.Values)
		total.Pods.Count += space.Pods.Count
		total.Pods.Reporting += space.Pods.Reporting
	}
	for m := range hub.MetricCount {
		if got, want := cluster.Usage.Values[m], total.Usage.Values[m]; m.Sums() && fmt.Sprintf("%.3f", got) != fmt.Sprintf("%.3f", want) {
			t.Errorf("%+v: the cluster's %s is %v, its namespaces' %v", scope, m, got, want)
		}
	}
	if cluster.Pods != total.Pods {
		t.Errorf("%+v: the cluster has %+v pods, its namespaces %+v", scope, cluster.Pods, total.Pods)
	}
}

// TestTheClusterOfWhoMayNotSeeNodes says what it is and what it lacks, also when
// fields cut it.
func TestTheClusterOfWhoMayNotSeeNodes(t *testing.T) {
	h := scopedHandler(t, quarterReader())
	answer := decode[struct {
		item
		Pods  *hub.Count
		Nodes *hub.Count
	}](t, get(h, v1+"/cluster", "Reader", "one"), http.StatusOK)
	if answer.Nodes != nil || answer.Pods == nil || *answer.Pods != (hub.Count{Count: 12, Reporting: 4}) || answer.Status.State != hub.StateOK {
		t.Errorf("the cluster is %+v", answer)
	}
	for _, name := range []string{"nodes", "capacity", "allocatable"} {
		if !strings.Contains(answer.Unavailable[name], "list nodes") {
			t.Errorf("%s is missing because %q", name, answer.Unavailable[name])
		}
	}
	if cut := decode[map[string]any](t, get(h, v1+"/cluster?fields=usage.pids", "Reader", "one"), http.StatusOK); cut["scope"] == nil || len(cut) != 5 {
		t.Errorf("with fields, the cluster is %v", cut)
	}
	whole, part := get(h, v1+"/cluster?fields=usage", "Reader", "everything"), get(h, v1+"/cluster?fields=usage", "Reader", "nodes+one")
	a, b := decode[map[string]any](t, whole, http.StatusOK), decode[map[string]any](t, part, http.StatusOK)
	if diff := cmp.Diff(a["usage"], b["usage"]); diff != "" {
		t.Errorf("who may list nodes has another cluster (-everything +his):\n%s", diff)
	}
}
