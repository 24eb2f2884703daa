package chart

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// hour is the life of a projected token, in seconds.
const hour = 3600

// TestTokens wants the tokens in the pods that need them, each for its audience
// and for an hour, and no others, whatever else uses the ServiceAccounts.
func TestTokens(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		accounts := make(map[string]bool)
		for _, account := range r.serviceAccounts {
			accounts[account.Name] = true
			if mount := account.AutomountServiceAccountToken; mount == nil || *mount {
				t.Errorf("ServiceAccount %s mounts its token unasked", account.Name)
			}
		}
		const apiServer = "/var/run/secrets/kubernetes.io/serviceaccount/token"
		wantHub, wantAgent := map[string]string{apiServer: ""}, map[string]string{}
		if r.withTokens() {
			wantHub["/var/run/kubemon/agent-token/token"] = "kubemon-agent"
			wantAgent[apiServer] = ""
		}
		for pod, want := range map[*corev1.PodSpec]map[string]string{new(r.hub().Spec): wantHub, new(r.agent().Spec): wantAgent} {
			if !accounts[pod.ServiceAccountName] {
				t.Errorf("a pod runs as ServiceAccount %q, which the chart does not make", pod.ServiceAccountName)
			}
			if mount := pod.AutomountServiceAccountToken; mount == nil || *mount {
				t.Errorf("%s: Kubernetes mounts a token by itself, for a year", pod.ServiceAccountName)
			}
			if diff := cmp.Diff(want, tokens(t, pod)); diff != "" {
				t.Errorf("tokens of %s by file, with their audience (-want +got):\n%s", pod.ServiceAccountName, diff)
			}
		}
		if r.hub().Spec.ServiceAccountName == r.agent().Spec.ServiceAccountName {
			t.Error("the agent shares the hub's ServiceAccount")
		}
	})
}

// tokens returns the audience of each token in a pod, by its file.
func tokens(t *testing.T, pod *corev1.PodSpec) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, volume := range pod.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if token := source.ServiceAccountToken; token != nil {
				if token.ExpirationSeconds == nil || *token.ExpirationSeconds != hour {
					t.Errorf("the token in volume %s lives %v s, want an hour", volume.Name, token.ExpirationSeconds)
				}
				found[mountOf(t, pod, volume.Name).MountPath+"/"+token.Path] = token.Audience
			}
		}
	}
	return found
}

func mountOf(t *testing.T, pod *corev1.PodSpec, volume string) corev1.VolumeMount {
	t.Helper()
	for _, mount := range pod.Containers[0].VolumeMounts {
		if mount.Name == volume {
			return mount
		}
	}
	t.Fatalf("volume %s of %s is not mounted", volume, pod.ServiceAccountName)
	return corev1.VolumeMount{}
}

// TestAuthModes holds the flags of both programs to the values, and the Service,
// the probes and the trust of the hub to the flags.
func TestAuthModes(t *testing.T) {
	tests := []struct {
		name       string
		set        []string
		scheme     string // of the agents
		agent, hub []string
		without    []string // of both
	}{
		{"the default", nil, "https",
			[]string{"--auth=token", "--tls=attested", "--listen=[$(POD_IP)]:10290"},
			[]string{"--auth=token", "--tls=off", "--agent-trust=attested", "--agent-token-file=/var/run/kubemon/agent-token/token", "--listen=:8080"},
			[]string{"--allow-unauthenticated", "--tls-cert-file", "--agent-ca-file", "--proxy-auth"}},
		{"pinned keys", []string{"agent.tls.mode=self-signed"}, "https",
			[]string{"--auth=token", "--tls=self-signed"}, []string{"--agent-trust=pinned"},
			[]string{"--agent-ca-file", "--tls-key-file"}},
		{"keys from a Secret", []string{"agent.tls.mode=files", "agent.tls.secretName=keys"}, "https",
			[]string{"--tls=files", "--tls-cert-file=/var/run/kubemon/tls/tls.crt", "--tls-key-file=/var/run/kubemon/tls/tls.key"},
			[]string{"--agent-trust=ca", "--agent-ca-file=/var/run/kubemon/agent-ca/ca.crt", "--agent-server-name=kubemon-agent.kubemon.svc"},
			nil},
		{"nobody asked", []string{"auth.mode=none"}, "http",
			[]string{"--auth=none", "--allow-unauthenticated", "--listen=[$(POD_IP)]:10290"}, []string{"--auth=none", "--allow-unauthenticated"},
			[]string{"--agent-token-file", "--agent-trust", "--auth-subjects", "--tls=attested"}},
		{"a proxy", []string{"hub.auth.proxySecretName=s", "hub.auth.proxyCASecretName=c", "hub.tls.mode=self-signed"}, "https", nil,
			[]string{"--proxy-auth-ca-file=/var/run/kubemon/proxy-ca/ca.crt", "--proxy-auth-secret-file=/var/run/kubemon/proxy-secret/secret", "--tls=self-signed"},
			nil},
		{"the hub's key from a Secret", []string{"hub.tls.mode=files", "hub.tls.secretName=s"}, "https", []string{"--tls=attested"},
			[]string{"--tls=files", "--tls-cert-file=/var/run/kubemon/tls/tls.crt", "--tls-key-file=/var/run/kubemon/tls/tls.key"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := decode(t, render(t, setArgs(test.set)...))
			checkArgs(t, r.agent(), test.agent, test.without)
			checkArgs(t, r.hub(), test.hub, test.without)
			hubScheme := "http"
			if !hasArg(r.hub(), "--tls=off") {
				hubScheme = "https"
			}
			checkScheme(t, findService(t, r, "kubemon-agent"), r.agent(), test.scheme)
			checkScheme(t, findService(t, r, "kubemon-hub"), r.hub(), hubScheme)
			checkFiles(t, r.agent().Spec)
			checkFiles(t, r.hub().Spec)
		})
	}
}

func setArgs(values []string) []string {
	var args []string
	for _, value := range values {
		args = append(args, "--set", value)
	}
	return args
}

func checkArgs(t *testing.T, pod corev1.PodTemplateSpec, want, without []string) {
	t.Helper()
	name, args := pod.Spec.Containers[0].Name, pod.Spec.Containers[0].Args
	for _, arg := range want {
		if !hasArg(pod, arg) {
			t.Errorf("the %s has no %s: %q", name, arg, args)
		}
	}
	for _, arg := range without {
		if hasArg(pod, arg) {
			t.Errorf("the %s has %s: %q", name, arg, args)
		}
	}
}

// checkScheme wants clients and probes to be told what the program speaks.
func checkScheme(t *testing.T, service *corev1.Service, pod corev1.PodTemplateSpec, want string) {
	t.Helper()
	if got := service.Spec.Ports[0].AppProtocol; got == nil || *got != want {
		t.Errorf("Service %s says that it speaks %v, want %s", service.Name, got, want)
	}
	container := pod.Spec.Containers[0]
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe, container.StartupProbe} {
		if probe != nil && string(probe.HTTPGet.Scheme) != strings.ToUpper(want) {
			t.Errorf("the %s is probed over %s, want %s", container.Name, probe.HTTPGet.Scheme, want)
		}
	}
}

// checkFiles wants each file that a flag names to be mounted, read-only, and of
// a Secret nothing but the files that flags name.
func checkFiles(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	mounted := map[string]bool{}
	for _, volume := range pod.Volumes {
		folder := mountOf(t, &pod, volume.Name).MountPath
		if volume.Secret == nil {
			continue
		}
		if len(volume.Secret.Items) == 0 {
			t.Errorf("all of Secret %s is mounted", volume.Secret.SecretName)
		}
		for _, item := range volume.Secret.Items {
			mounted[folder+"/"+item.Path] = true
		}
	}
	for file := range tokens(t, &pod) {
		mounted[file] = true
	}
	named := map[string]bool{"/var/run/secrets/kubernetes.io/serviceaccount/token": true} // by the programs themselves
	for _, arg := range pod.Containers[0].Args {
		if _, file, found := strings.Cut(arg, "="); found && strings.HasPrefix(file, "/var/run/") {
			named[file] = true
			if !mounted[file] {
				t.Errorf("%s has no file for %s", pod.ServiceAccountName, arg)
			}
		}
	}
	for file := range mounted {
		if !named[file] {
			t.Errorf("%s is given %s, which no flag names", pod.ServiceAccountName, file)
		}
	}
}

// TestCertificate compares what cert-manager is asked for with what the agents
// mount and the hub expects.
func TestCertificate(t *testing.T) {
	issuer := []string{"agent.tls.mode=files", "agent.tls.certManager.issuerRef.name=ca", "agent.tls.certManager.issuerRef.kind=ClusterIssuer"}
	for secret, set := range map[string][]string{"kubemon-agent-tls": issuer, "mine": append(issuer, "agent.tls.secretName=mine")} {
		r := decode(t, render(t, setArgs(set)...))
		if len(r.certificates) != 1 {
			t.Fatalf("%v: %d Certificates, want one", set, len(r.certificates))
		}
		spec := r.certificates[0].Spec
		name, _ := argOf(r.hub(), "--agent-server-name=")
		if spec.SecretName != secret || cmp.Diff([]string{name}, spec.DNSNames) != "" || spec.IssuerRef.Name != "ca" || spec.IssuerRef.Kind != "ClusterIssuer" {
			t.Errorf("the Certificate is %+v, want it in Secret %s for %s", spec, secret, name)
		}
		for _, pod := range []corev1.PodTemplateSpec{r.agent(), r.hub()} {
			if got := secretsOf(pod.Spec); !cmp.Equal(got, []string{secret}) {
				t.Errorf("the %s mounts Secrets %q, want %s", pod.Spec.Containers[0].Name, got, secret)
			}
		}
	}
	for _, set := range [][]string{nil, {"agent.tls.mode=files", "agent.tls.secretName=mine"}} {
		if r := decode(t, render(t, setArgs(set)...)); len(r.certificates) != 0 {
			t.Errorf("%v asks cert-manager, which may not be there, for %+v", set, r.certificates[0])
		}
	}
}

func secretsOf(pod corev1.PodSpec) []string {
	var names []string
	for _, volume := range pod.Volumes {
		if volume.Secret != nil {
			names = append(names, volume.Secret.SecretName)
		}
	}
	return names
}

func TestNetworkPolicy(t *testing.T) {
	if r := decode(t, render(t)); len(r.networkPolicies) != 0 {
		t.Errorf("a NetworkPolicy that nobody asked for: %+v", r.networkPolicies[0])
	}
	port := networkingv1.NetworkPolicyPort{Port: new(intstr.FromString("http")), Protocol: new(corev1.ProtocolTCP)}
	from := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
	for name, test := range map[string]struct {
		set  []string
		want networkingv1.NetworkPolicyIngressRule
	}{
		"everybody": {nil, networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port}}},
		"some": {[]string{"hub.networkPolicy.from[0].namespaceSelector.matchLabels.a=b"},
			networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port}, From: []networkingv1.NetworkPolicyPeer{from}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := decode(t, render(t, setArgs(append(test.set, "hub.networkPolicy.enabled=true"))...))
			if len(r.networkPolicies) != 1 {
				t.Fatalf("%d NetworkPolicies, want one", len(r.networkPolicies))
			}
			want := networkingv1.NetworkPolicySpec{
				PodSelector: *r.deployments[0].Spec.Selector,
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
				Ingress:     []networkingv1.NetworkPolicyIngressRule{test.want},
			}
			if diff := cmp.Diff(want, r.networkPolicies[0].Spec); diff != "" {
				t.Errorf("the NetworkPolicy (-want +got):\n%s", diff)
			}
		})
	}
}

// TestContradictionsAreRefused gives values that each are right and do not go
// together.
func TestContradictionsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		set  []string
		want string
	}{
		"files from nowhere":          {[]string{"agent.tls.mode=files"}, "agent.tls.secretName"},
		"a Secret for no files":       {[]string{"agent.tls.secretName=s"}, "need the mode files"},
		"an issuer for no files":      {[]string{"agent.tls.certManager.issuerRef.name=ca"}, "need the mode files"},
		"the hub's from nowhere":      {[]string{"hub.tls.mode=files"}, "hub.tls.secretName"},
		"the hub's Secret for none":   {[]string{"hub.tls.secretName=s"}, "needs the mode files"},
		"client certificates, no TLS": {[]string{"hub.auth.proxyCASecretName=ca"}, "hub.tls.mode"},
		"a proxy for nobody":          {[]string{"hub.auth.proxySecretName=s", "auth.mode=none"}, "auth.mode token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, err := helm(t, append([]string{"template", "kubemon", chartDir}, setArgs(test.set)...)...)
			if err == nil || !strings.Contains(stderr, test.want) {
				t.Errorf("%v: %v, want %q in\n%s", test.set, err, test.want, stderr)
			}
		})
	}
}
