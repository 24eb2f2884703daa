package rest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds two answers to the byte: names and their order are a
// promise.
func TestGolden(t *testing.T) {
	for name, target := range map[string]string{
		"podlist.json": v1 + "/namespaces/shop/pods?sort=-memory&limit=2",
		"node.json":    v1 + "/nodes/node1?window=30",
		"status.json":  v1 + "/status",
	} {
		var got bytes.Buffer
		if err := json.Indent(&got, get(handler(t, testReader()), target).Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("testdata/"+name, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("GET %s (-want +got):\n%s", target, diff)
		}
	}
}

// item is what the tests below look at.
type item struct {
	APIVersion, Kind, Namespace, Name, Pod, UID, Node string
	Status                                            hub.Status
	Usage                                             *hub.Usage
	Owner                                             *hub.Owner
	Unavailable                                       map[string]string
	Disks                                             []hub.DiskReading
	Series                                            map[string]json.RawMessage
	Summary                                           map[string]json.RawMessage
}

type listAnswer struct {
	Kind, Continue, By string
	Total              *int
	Items              []item
}

func (l listAnswer) names() string {
	var names []string
	for _, i := range l.Items {
		names = append(names, i.Name)
	}
	return strings.Join(names, " ")
}

func TestLists(t *testing.T) {
	h := handler(t, testReader())
	tests := []struct{ target, kind, names string }{
		{"/nodes", "NodeList", "node1 node2"},
		{"/nodes/node1/pods", "PodList", "web-1 web-2"},
		{"/nodes/node2/pods?namespace=shop", "PodList", ""},
		{"/pods", "PodList", "proxy db-0 web-1 web-2"},
		{"/pods?namespace=&node=", "PodList", "proxy db-0 web-1 web-2"},
		{"/pods?namespace=shop&node=node1", "PodList", "web-1 web-2"},
		{"/pods?labelSelector=app%3Dweb&sort=-name", "PodList", "web-2 web-1"},
		{"/pods?sort=cpu", "PodList", "web-2 web-1 proxy db-0"},
		{"/pods?sort=-cpuMillicores", "PodList", "web-1 web-2 proxy db-0"},
		{"/pods?sort=-memory", "PodList", "web-2 web-1 proxy db-0"},
		{"/pods?sort=-pressure.cpuSome", "PodList", "proxy db-0 web-1 web-2"},
		{"/namespaces", "NamespaceList", "kube-system shop"},
		{"/namespaces/kube-system/pods", "PodList", "proxy"},
		{"/namespaces/shop/deployments", "DeploymentList", "web"},
		{"/namespaces/kube-system/deployments", "DeploymentList", ""},
		{"/namespaces/shop/deployments/web/pods", "PodList", "web-1 web-2"},
		{"/namespaces/shop/workloads", "WorkloadList", "web db"},
		{"/namespaces/shop/workloads/STATEFULSET/db/pods", "PodList", "db-0"},
		{"/workloads", "WorkloadList", "proxy web db"},
		{"/top", "PodList", "web-1 web-2"},
		{"/top?by=memory&limit=1", "PodList", "web-2"},
		{"/top?of=containers&by=memory", "ContainerList", "web web"},
		{"/top?of=nodes&by=network", "NodeList", "node1"},
		{"/top?of=workloads&by=disk", "WorkloadList", "web"},
		{"/top?of=namespaces&by=memory", "NamespaceList", "shop"},
	}
	for _, tt := range tests {
		l := decode[listAnswer](t, get(h, v1+tt.target), http.StatusOK)
		if l.Kind != tt.kind || l.names() != tt.names {
			t.Errorf("GET %s = %s %q, want %s %q", tt.target, l.Kind, l.names(), tt.kind, tt.names)
		}
		if l.Items == nil {
			t.Errorf("GET %s: items is null, want []", tt.target)
		}
	}
	top := decode[listAnswer](t, get(h, v1+"/top?by=memory&limit=1&of=containers"), http.StatusOK)
	if top.By != "memory" || *top.Total != 2 || top.Items[0].Pod != "web-2" || top.Items[0].Namespace != "shop" {
		t.Errorf("top = %+v", top)
	}
}

// TestPages walks every order page by page, with a new round before each, and
// wants each item exactly once and in the order of the whole list.
func TestPages(t *testing.T) {
	r := testReader()
	h := handler(t, r)
	for _, order := range []string{"name", "-name", "cpu", "-cpu", "-memory", "-pids"} {
		for limit := 1; limit <= 5; limit++ {
			target := fmt.Sprintf("%s/pods?sort=%s", v1, order)
			want := decode[listAnswer](t, get(h, target), http.StatusOK).names()
			var names []string
			for next := ""; ; {
				l := decode[listAnswer](t, get(h, fmt.Sprintf("%s&limit=%d&continue=%s", target, limit, next)), http.StatusOK)
				if len(l.Items) > limit || *l.Total != 4 || len(names) > 4 {
					t.Fatalf("%s, limit %d: page %q of %d", order, limit, l.names(), *l.Total)
				}
				for _, i := range l.Items {
					names = append(names, i.Name)
				}
				if next = l.Continue; next == "" {
					break
				}
				r.next()
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("%s, limit %d: pages %q, want %q", order, limit, got, want)
			}
		}
	}
}

// TestPageAfterTheLastItemIsGone goes on behind an item that no longer exists.
func TestPageAfterTheLastItemIsGone(t *testing.T) {
	r := testReader()
	h := handler(t, r)
	first := decode[listAnswer](t, get(h, v1+"/pods?limit=2"), http.StatusOK)
	r.next()
	r.view.Pods = slices.Delete(slices.Clone(r.view.Pods), 1, 2)
	second := decode[listAnswer](t, get(h, v1+"/pods?limit=2&continue="+first.Continue), http.StatusOK)
	if got := second.names(); got != "web-1 web-2" {
		t.Errorf("after db-0 comes %q, want web-1 web-2", got)
	}
	p := decode[problem](t, get(h, v1+"/pods?limit=2&sort=-cpu&continue="+first.Continue), http.StatusBadRequest)
	if p.Parameter != "continue" {
		t.Errorf("a token of another list: %+v", p)
	}
}

func TestSingles(t *testing.T) {
	h := handler(t, testReader())
	node := decode[item](t, get(h, v1+"/nodes/node1"), http.StatusOK)
	if node.APIVersion != "kubemon.io/v1" || node.Kind != "Node" || len(node.Disks) != 1 || node.Series != nil {
		t.Errorf("node1 = %+v", node)
	}
	down := get(h, v1+"/nodes/node2")
	if got := decode[item](t, down, http.StatusOK); got.Usage != nil || got.Unavailable["usage"] == "" {
		t.Errorf("node2, which is down, = %+v", got)
	}
	for _, device := range []string{`"disks":null`, `"processes":null`, `"system":null`, `"usage":null`} {
		if !strings.Contains(down.Body.String(), device) {
			t.Errorf("node2, which is down, lacks %s: %s", device, down.Body)
		}
	}
	// The path may be escaped although it need not be.
	if got := decode[item](t, get(h, v1+"/nodes/node%31"), http.StatusOK); got.Name != "node1" {
		t.Errorf("nodes/node%%31 = %q", got.Name)
	}
	p := decode[problem](t, get(h, v1+"/nodes/a%2Fb"), http.StatusNotFound)
	if !strings.Contains(p.Detail, `node "a/b"`) {
		t.Errorf("nodes/a%%2Fb: %s", p.Detail)
	}
}

func TestHistory(t *testing.T) {
	r := testReader()
	h := handler(t, r)
	got := decode[item](t, get(h, v1+"/namespaces/shop/deployments/web?window=5m&step=30s&maxPoints=7"), http.StatusOK)
	for name, want := range map[string]string{
		"times": "[1767323025000,1767323035000,1767323045000]", "cpuMillicores": "[1.5,null,0]", "reporting": "[2,0,2]", "count": "[2,3,3]",
	} {
		if string(got.Series[name]) != want {
			t.Errorf("series %s = %s, want %s", name, got.Series[name], want)
		}
	}
	if want := `{"min":1.5,"avg":2,"p95":null,"max":4}`; string(got.Summary["memoryBytes"]) != want {
		t.Errorf("summary = %s, want %s", got.Summary["memoryBytes"], want)
	}
	want := []hub.HistoryQuery{{Kind: hub.KindWorkload, Namespace: "shop", Name: "web", OwnerKind: "Deployment", Window: 5 * time.Minute, Step: 30 * time.Second, MaxPoints: 7}}
	if diff := cmp.Diff(want, r.asked); diff != "" {
		t.Errorf("asked the window (-want +got):\n%s", diff)
	}
	if got := string(got.Series["max"]); !strings.Contains(got, `"cpuMillicores":[3,null,0.5],`) {
		t.Errorf("the greatest of each bucket are %s", got)
	}
	l := decode[listAnswer](t, get(h, v1+"/pods?window=60"), http.StatusOK)
	if len(l.Items) != 4 || l.Items[1].Series["times"] == nil || l.Items[1].Summary == nil || *l.Total != 4 {
		t.Errorf("list with a window = %+v", l)
	}
}

// TestHistoryOfAPod has its containers': of one that runs, and of one that is
// gone.
func TestHistoryOfAPod(t *testing.T) {
	h := handler(t, testReader())
	type container struct {
		Name        string
		Series      map[string]json.RawMessage
		Summary     map[string]json.RawMessage
		Unavailable map[string]string
	}
	type pod struct {
		Series     map[string]json.RawMessage
		Containers []container
	}
	one := decode[pod](t, get(h, v1+"/namespaces/shop/pods/web-1?window=60"), http.StatusOK)
	if one.Series["reporting"] != nil || one.Series["max"] != nil || len(one.Containers) != 2 {
		t.Fatalf("web-1 = %+v", one)
	}
	for i, name := range []string{"web", "setup"} {
		c := one.Containers[i]
		if c.Name != name || string(c.Series["memoryBytes"]) != "[1.5,null,0]" || c.Summary["memoryBytes"] == nil {
			t.Errorf("container %d = %+v, want the history of %s", i, c, name)
		}
	}
	if one.Containers[1].Unavailable["usage"] == "" || one.Containers[0].Unavailable["usage"] != "" {
		t.Errorf("containers = %+v, want one that is gone", one.Containers)
	}
	gone := decode[pod](t, get(h, v1+"/namespaces/shop/pods/web-gone?window=60"), http.StatusOK)
	if len(gone.Containers) != 2 || gone.Containers[0].Series == nil {
		t.Errorf("a pod that is gone has the containers %+v", gone.Containers)
	}
	for _, path := range []string{"/pods?window=60", "/namespaces/shop/pods/web-1"} {
		body := get(h, v1+path).Body.String()
		if containers := regexp.MustCompile(`"containers":\[\{[^\]]*"series"`); containers.MatchString(body) {
			t.Errorf("%s has histories of containers: %s", path, body)
		}
	}
}

// TestGone asks for things that only the window still knows.
func TestGone(t *testing.T) {
	h := handler(t, testReader())
	pod := decode[item](t, get(h, v1+"/namespaces/shop/pods/web-gone?window=60"), http.StatusOK)
	if pod.Kind != "Pod" || pod.UID != "uid-gone" || pod.Node != "node1" || pod.Owner.Name != "web" || pod.Usage != nil {
		t.Errorf("gone pod = %+v", pod)
	}
	if pod.Status.State != hub.StateDown || pod.Status.Reason == "" || pod.Unavailable["usage"] == "" || pod.Series == nil {
		t.Errorf("gone pod does not say so: %+v", pod)
	}
	if pod.Unavailable["owner"] != "" {
		t.Errorf("the owner of a gone pod is known, and yet unavailable: %s", pod.Unavailable["owner"])
	}
	bare := decode[item](t, get(h, v1+"/namespaces/shop/pods/bare-gone?window=60"), http.StatusOK)
	if bare.Owner != nil || bare.Unavailable["owner"] == "" {
		t.Errorf("a gone pod of which the window has no owner = %+v", bare)
	}
	job := decode[item](t, get(h, v1+"/namespaces/shop/workloads/Job/job-gone?window=60"), http.StatusOK)
	if job.Kind != "Job" || job.Namespace != "shop" || job.Series == nil {
		t.Errorf("gone job = %+v", job)
	}
	if w := get(h, v1+"/namespaces/shop/pods/web-gone"); w.Code != http.StatusNotFound {
		t.Errorf("gone pod without a window: status %d", w.Code)
	}
}
