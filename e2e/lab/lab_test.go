package lab

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

func TestOptionsAreChecked(t *testing.T) {
	tests := map[string]struct {
		opt  Options
		want string
	}{
		"name":    {Options{Name: "Über"}, `lab name "Über"`},
		"path":    {Options{Name: "../x"}, `lab name "../x"`},
		"long":    {Options{Name: strings.Repeat("a", 21)}, "up to 20"},
		"nodes":   {Options{Nodes: 10}, "nodes 10"},
		"fewer":   {Options{Nodes: -1}, "nodes -1"},
		"listen":  {Options{Listen: "here"}, `listen address "here"`},
		"sources": {Options{Sources: "/nonesuch"}, "/nonesuch"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := newLab(test.opt); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("newLab(%+v) error = %v, want %q in it", test.opt, err, test.want)
			}
		})
	}
}

func TestSettingsAreKept(t *testing.T) {
	l := testLab(t)
	l.programs = programs{Kubernetes: "k", Helm: "h", GuestInit: "i", Lab: "l"}
	if err := l.saveSettings(); err != nil {
		t.Fatal(err)
	}
	opened, err := Open("unit", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if opened.programs != l.programs || opened.HubURL() != l.HubURL() || opened.version != l.version || opened.dir != l.dir {
		t.Errorf("Open() = %+v, want %+v", opened, l)
	}
	if _, err := Open("other", t.Output()); err == nil || !strings.Contains(err.Error(), "lab other: there is none") {
		t.Errorf("Open(other) error = %v, want one that says there is none", err)
	}
}

func TestOneProgramAtATimeChangesALab(t *testing.T) {
	l := testLab(t)
	if _, err := l.lock(); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("second lock error = %v, want one that names another program", err)
	}
}

func TestIdentities(t *testing.T) {
	l := testLab(t)
	if err := l.makeIdentities(); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", l.pki("node3.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	if config.Insecure || config.Host != apiServerURL {
		t.Errorf("node3's kubeconfig: host %s, insecure %t; want %s, verified", config.Host, config.Insecure, apiServerURL)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(config.CAData)
	block, _ := pem.Decode(config.CertData)
	client, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Verify(x509.VerifyOptions{Roots: authorities, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		t.Errorf("node3's certificate: %v", err)
	}
	if got := client.Subject.CommonName + " " + strings.Join(client.Subject.Organization, ","); got != "system:node:node3 system:nodes" {
		t.Errorf("node3 is %q, want system:node:node3 of system:nodes", got)
	}
}

func TestServerCertificateNamesEveryWayIn(t *testing.T) {
	ca, err := newAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if err := addServerFiles(files, ca); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(files["apiserver.crt"])
	server, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{controlPlaneAddress, apiServiceAddress, "127.0.0.1", "kubernetes.default.svc"} {
		if err := server.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestNodePlan(t *testing.T) {
	l := testLab(t)
	plan := l.nodePlan(2, "example/load:1")
	if plan.Hostname != "node2" || plan.Address != "10.77.0.12/24" || plan.CommandAddress != "10.77.0.12:10400" {
		t.Errorf("plan is for %s at %s, commands at %s", plan.Hostname, plan.Address, plan.CommandAddress)
	}
	for _, route := range plan.Routes {
		if route.To == podNetwork(2).String() {
			t.Errorf("node2 routes its own pods away: %+v", route)
		}
	}
	if len(plan.Routes) != MaxNodes {
		t.Errorf("node2 has %d routes, want the default and one for each other node: %d", len(plan.Routes), MaxNodes)
	}
	for _, file := range plan.Files {
		if filepath.Ext(file.Path) != ".yaml" && filepath.Ext(file.Path) != ".conflist" {
			continue
		}
		var content map[string]any
		if err := yaml.UnmarshalStrict([]byte(file.Content), &content); err != nil {
			t.Errorf("%s: %v", file.Path, err)
		}
	}
	if toml := containerdTOML("example/load:1"); !strings.Contains(toml, `sandbox_image = "example/load:1"`) {
		t.Errorf("containerd's configuration does not name the sandbox image:\n%s", toml)
	}
}

func TestKubernetesLinkerFlags(t *testing.T) {
	got := kubernetesLinkerFlags("v1.36.3")
	for _, want := range []string{"gitVersion=v1.36.3", "gitMajor=1", "gitMinor=36"} {
		if !strings.Contains(got, "-X k8s.io/component-base/version."+want) {
			t.Errorf("kubernetesLinkerFlags() = %q, want %s in it", got, want)
		}
	}
}

func TestExampleIsValidYAML(t *testing.T) {
	documents := strings.Split(exampleYAML, "\n---\n")
	pods := 0
	for _, document := range documents {
		var object struct {
			Kind string
			Spec struct{ Replicas *int }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		switch {
		case object.Kind != "Deployment" && object.Kind != "StatefulSet":
		case object.Spec.Replicas != nil:
			pods += *object.Spec.Replicas
		default:
			pods++
		}
	}
	if pods != examplePods {
		t.Errorf("the example has %d pods, and the lab waits for %d", pods, examplePods)
	}
}

func TestCountUsage(t *testing.T) {
	tests := map[string]struct {
		body string
		want string
	}{
		"all":      {`{"items":[{"usage":{"cpuMillicores":1.5}},{"usage":{"cpuMillicores":0}}]}`, ""},
		"one null": {`{"items":[{"usage":{"cpuMillicores":1.5}},{"usage":{"cpuMillicores":null}}]}`, "1 of 2 pods"},
		"none":     {`{"items":[]}`, "0 of 2 pods"},
		"no usage": {`{"items":[{},{}]}`, "0 of 2 pods"},
		"HTML":     {`<html>`, "parse list of pods"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := countUsage([]byte(test.body), 2)
			if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
				t.Errorf("countUsage(%s) = %v, want %q", test.body, err, test.want)
			}
		})
	}
}

func TestReadyEndpoint(t *testing.T) {
	slice := func(ready *bool, addresses ...string) discoveryv1.EndpointSlice {
		return discoveryv1.EndpointSlice{
			Ports:     []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: addresses, Conditions: discoveryv1.EndpointConditions{Ready: ready}}},
		}
	}
	tests := map[string]struct {
		slices []discoveryv1.EndpointSlice
		want   string
	}{
		"ready":     {[]discoveryv1.EndpointSlice{slice(new(true), "10.88.11.2")}, "10.88.11.2:8080"},
		"unsaid":    {[]discoveryv1.EndpointSlice{slice(nil, "10.88.11.2")}, "10.88.11.2:8080"},
		"second":    {[]discoveryv1.EndpointSlice{slice(new(false), "10.88.11.2"), slice(new(true), "10.88.12.3")}, "10.88.12.3:8080"},
		"not ready": {[]discoveryv1.EndpointSlice{slice(new(false), "10.88.11.2")}, ""},
		"none":      {nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := readyEndpoint(test.slices)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("readyEndpoint() = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestPollStopsWhenThereIsNothingToWaitFor(t *testing.T) {
	calls := 0
	err := poll(t.Context(), readyTimeout, "a thing", func(context.Context) error {
		calls++
		return errEnded
	})
	if !errors.Is(err, errEnded) || calls != 1 {
		t.Errorf("poll() = %v after %d calls, want errEnded after one", err, calls)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err = poll(cancelled, readyTimeout, "a thing", func(context.Context) error { return errors.New("not yet") })
	if err == nil || !strings.Contains(err.Error(), "a thing") || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("poll() = %v, want what was waited for and why it did not come", err)
	}
}

func TestDialTakesAddressesOnly(t *testing.T) {
	l := testLab(t)
	if _, err := l.Dial(t.Context(), "tcp", "kubernetes:443"); err == nil || !strings.Contains(err.Error(), `"kubernetes:443"`) {
		t.Errorf("Dial of a name: error %v, want one that names it", err)
	}
	if _, err := l.Dial(t.Context(), "tcp", net.JoinHostPort(controlPlaneAddress, "6443")); err == nil {
		t.Error("Dial succeeded without a network")
	}
}

func TestUsersAreThoseOfThePlan(t *testing.T) {
	want := []string{"system:node:node9", "system:nodes"}
	if diff := cmp.Diff(want, users()["node9"]); diff != "" {
		t.Errorf("users()[node9] (-want +got):\n%s", diff)
	}
}
