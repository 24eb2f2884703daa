package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/contract"
)

// TestEveryPathAnswers asks every path of REST for real things.
func TestEveryPathAnswers(t *testing.T) {
	awaitPod(t, "burn-")
	lists := []string{
		"nodes", "nodes/node1/pods", "pods", "pods?namespace=loads", "pods?node=node1", "pods?labelSelector=app%3Dburn",
		"pods?sort=-memoryBytes&limit=2", "namespaces", "namespaces/loads/pods", "namespaces/loads/deployments",
		"namespaces/loads/deployments/burn/pods", "namespaces/loads/workloads", "workloads",
		"namespaces/loads/workloads/Deployment/burn/pods", "namespaces/loads/workloads/DaemonSet/everywhere/pods",
		"top?of=pods&by=memory&limit=3", "top?of=nodes&by=cpu",
	}
	for _, path := range lists {
		l := mustFetch[list](t, "/api/v1/"+path)
		if len(l.Items) == 0 || l.IntervalSeconds != 10 || l.Time.IsZero() || !strings.HasSuffix(l.Kind, "List") {
			t.Errorf("GET %s: kind %q, %d items, interval %v, time %v", path, l.Kind, len(l.Items), l.IntervalSeconds, l.Time)
		}
	}
	singles := map[string]string{
		"nodes/node1":                                     "Node",
		"namespaces/loads":                                "Namespace",
		"namespaces/loads/pods/bare":                      "Pod",
		"namespaces/loads/deployments/burn":               "Deployment",
		"namespaces/loads/workloads/Pod/bare":             "Pod",
		"namespaces/loads/workloads/Deployment/burn":      "Deployment",
		"namespaces/loads/workloads/StatefulSet/ordered":  "StatefulSet",
		"namespaces/loads/workloads/DaemonSet/everywhere": "DaemonSet",
		"namespaces/loads/workloads/Job/once":             "Job",
		"cluster":                                         "Cluster",
	}
	for path, kind := range singles {
		one := mustFetch[item](t, "/api/v1/"+path)
		if one.Kind != kind || one.Usage == nil || one.Usage.CPUMillicores == nil || value(one.Usage.MemoryBytes) <= 0 {
			t.Errorf("GET %s: kind %q, usage %+v, unavailable %v", path, one.Kind, one.Usage, one.Unavailable)
		}
	}
	// The CronJob's first run is up to a minute away.
	eventually(t, 3*time.Minute, "usage of the CronJob", func() error {
		job, err := fetch[item](t.Context(), "/api/v1/namespaces/loads/workloads/CronJob/often")
		if err == nil && (job.Usage == nil || value(job.Usage.MemoryBytes) <= 0) {
			err = fmt.Errorf("usage %+v", job.Usage)
		}
		return err
	})
}

// TestEveryAnswerKeepsTheContract asks every documented path for what is on the
// cluster, in every way that the path can be asked, and for what is not there.
// Each answer must be what the hub's own document says, to the last name.
func TestEveryAnswerKeepsTheContract(t *testing.T) {
	awaitPod(t, "burn-")
	c, err := contract.Load(t.Context(), theLab.HubURL(), hubReader)
	if err != nil {
		t.Fatal(err)
	}
	things := strings.NewReplacer("{node}", "node1", "{namespace}", "loads", "{pod}", "bare", "{deployment}", "burn", "{kind}", "Deployment", "{name}", "burn")
	ghosts := strings.NewReplacer("{node}", "ghost", "{namespace}", "loads", "{pod}", "ghost", "{deployment}", "ghost", "{kind}", "Deployment", "{name}", "ghost")
	values := map[string]string{
		"window": "60", "step": "20&window=60", "maxPoints": "3&window=60", "sort": "-ratios.memoryOfLimit", "limit": "1", "continue": "",
		"labelSelector": "app%3Dburn", "namespace": "loads", "node": "node1", "of": "containers", "by": "memory", "fields": "",
	}
	get := func(target string, status int, headers http.Header) {
		t.Helper()
		answer, err := c.Get(t.Context(), target, headers)
		if err != nil {
			t.Errorf("%v", err)
		} else if answer.Status != status {
			t.Errorf("GET %s: %d, want %d: %.300s", target, answer.Status, status, answer.Body)
		}
	}
	for _, path := range c.Paths() {
		if path == "/api/v1/events" {
			continue // goes on for ever: TestRoundsAreToldOf
		}
		target := things.Replace(path)
		get(target, http.StatusOK, nil)
		if !strings.HasPrefix(path, "/api/") {
			continue
		}
		get(target+"?colour=red", http.StatusBadRequest, nil)
		if ghost := ghosts.Replace(path); strings.Contains(ghost, "ghost") {
			get(ghost, http.StatusNotFound, nil)
		}
		for name, value := range values {
			if c.Takes(path, name) {
				get(target+"?"+name+"="+value, http.StatusOK, nil)
				get(target+"?"+name+"=%00", http.StatusBadRequest, nil)
			}
		}
	}
}

// TestRoundsAreToldOf reads the events of two rounds.
func TestRoundsAreToldOf(t *testing.T) {
	c, err := contract.Load(t.Context(), theLab.HubURL(), hubReader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, theLab.HubURL()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hubReader.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var rounds []string
	lines := bufio.NewScanner(resp.Body)
	for len(rounds) < 2 && lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if err := c.Is("Tick", []byte(data)); err != nil {
			t.Error(err)
		}
		rounds = append(rounds, data)
	}
	if err := lines.Err(); err != nil || len(rounds) < 2 || rounds[0] == rounds[1] {
		t.Errorf("told of %q, %v; want two rounds", rounds, err)
	}
}

// TestAnswersAreCompressedAndCut asks for the pods in each coding, and for a
// few of their names.
func TestAnswersAreCompressedAndCut(t *testing.T) {
	awaitPod(t, "burn-")
	for _, coding := range []string{"gzip", "zstd"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, theLab.HubURL()+"/api/v1/pods", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", coding)
		resp, err := hubReader.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Header.Get("Content-Encoding") != coding || !strings.HasSuffix(resp.Header.Get("ETag"), "-"+coding+`"`) {
			t.Errorf("HEAD with Accept-Encoding %s: %s %v", coding, resp.Status, resp.Header)
		}
	}
	cut := mustFetch[struct{ Items []map[string]any }](t, "/api/v1/namespaces/loads/pods?fields=name,usage.memoryBytes")
	for _, pod := range cut.Items {
		usage, _ := pod["usage"].(map[string]any)
		if len(pod) != 2 || pod["name"] == nil || len(usage) > 1 {
			t.Errorf("a pod cut to its name and memory is %v", pod)
		}
	}
	if len(cut.Items) == 0 {
		t.Error("no pods")
	}
}

// TestNodeHasItsParts looks at what only a single node's answer has.
func TestNodeHasItsParts(t *testing.T) {
	node := mustFetch[struct {
		System      []struct{ Cgroup string }
		Processes   []struct{ Name string }
		Disks       []struct{ Name string }
		Network     []struct{ Interface string }
		Filesystems []struct {
			Mount      string
			TotalBytes float64
		}
		Capacity, Allocatable struct{ CPUMillicores, MemoryBytes *float64 }
	}](t, "/api/v1/nodes/node1")
	var mounts, slices, processes []string
	for _, f := range node.Filesystems {
		if f.TotalBytes > 0 {
			mounts = append(mounts, f.Mount)
		}
	}
	for _, s := range node.System {
		slices = append(slices, s.Cgroup)
	}
	for _, p := range node.Processes {
		processes = append(processes, p.Name)
	}
	if !strings.Contains(fmt.Sprint(slices), "kubepods") {
		t.Errorf("slices of node1 are %v, want kubepods among them", slices)
	}
	if !strings.Contains(fmt.Sprint(processes), "kubelet") || strings.Contains(fmt.Sprint(processes), "load") {
		t.Errorf("host processes of node1 are %v, want the kubelet among them and no pod's", processes)
	}
	if len(node.Disks) != 1 || len(node.Network) != 1 || len(mounts) == 0 {
		t.Errorf("node1 has disks %v, uplinks %v, file systems %v; want one, one and some", node.Disks, node.Network, mounts)
	}
	if value(node.Capacity.CPUMillicores) != 1000 || value(node.Allocatable.MemoryBytes) <= 0 {
		t.Errorf("capacity %+v, allocatable %+v; want one CPU and some memory", node.Capacity, node.Allocatable)
	}
}

// TestDocumentsAndProbes asks for what is not about usage.
func TestDocumentsAndProbes(t *testing.T) {
	for path, want := range map[string]string{
		"/api/v1/openapi.json": `"openapi":"3.1`,
		"/api/v1/status":       `"node":"node1"`,
		"/healthz":             "ok",
		"/livez":               "ok",
		"/readyz":              "ok",
		"/metrics":             `kubemon_agent_up{node="node1"} 1`,
		"/":                    "<!doctype html>",
	} {
		status, _, body, err := ask(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusOK || !strings.Contains(strings.ToLower(string(body)), strings.ToLower(want)) {
			t.Errorf("GET %s: %d, want 200 with %q in\n%.300s", path, status, want, body)
		}
	}
}

// TestBadRequestsAreNamed asks for what is not there and for what makes no
// sense.
func TestBadRequestsAreNamed(t *testing.T) {
	for _, test := range []struct {
		path   string
		status int
		names  string
	}{
		{"nodes/nowhere", 404, "nowhere"},
		{"nodes/nowhere/pods", 404, "nowhere"},
		{"namespaces/void", 404, "void"},
		{"namespaces/void/pods", 404, "void"},
		{"namespaces/loads/pods/ghost", 404, "ghost"},
		{"namespaces/loads/deployments/ghost", 404, "ghost"},
		{"namespaces/loads/deployments/ghost/pods", 404, "ghost"},
		{"namespaces/loads/workloads/DaemonSet/ghost", 404, "ghost"},
		{"namespaces/loads/workloads/DaemonSet/burn", 404, "burn"},
		{"nowhere", 404, "/api/v1/nowhere"},
		{"pods?window=soon", 400, "window"},
		{"namespaces/loads/pods/bare?window=0", 400, "window"},
		{"namespaces/loads/pods/bare?window=99999", 400, "window"},
		{"pods?limit=-1", 400, "limit"},
		{"pods?sort=beauty", 400, "sort"},
		{"pods?labelSelector=a%3D%3D%3Db", 400, "labelSelector"},
		{"top?of=planets", 400, "of"},
		{"top?by=beauty", 400, "by"},
		{"pods?colour=red", 400, "colour"},
		{"pods?continue=xyz", 400, "continue"},
	} {
		status, header, body, err := ask(t.Context(), "/api/v1/"+test.path)
		if err != nil {
			t.Fatal(err)
		}
		var p problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Errorf("GET %s: %v in %s", test.path, err, body)
			continue
		}
		if status != test.status || p.Status != test.status || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s: %d %s, want %d as problem+json:\n%s", test.path, status, header.Get("Content-Type"), test.status, body)
		}
		if !strings.Contains(p.Detail+p.Parameter, test.names) {
			t.Errorf("GET %s: the problem does not name %q: %s", test.path, test.names, body)
		}
	}
}

// TestSameRoundIsNotSentTwice asks again with the ETag of an answer.
func TestSameRoundIsNotSentTwice(t *testing.T) {
	eventually(t, time.Minute, "a 304", func() error {
		_, header, _, err := ask(t.Context(), "/api/v1/pods")
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, theLab.HubURL()+"/api/v1/pods", nil)
		if err != nil {
			return err
		}
		req.Header.Set("If-None-Match", header.Get("ETag"))
		resp, err := hubReader.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNotModified {
			return fmt.Errorf("%s with If-None-Match %s", resp.Status, header.Get("ETag"))
		}
		return nil
	})
}
