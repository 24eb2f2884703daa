package chart

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// release is everything that the chart renders, by kind.
type release struct {
	daemonSets          []*appsv1.DaemonSet
	deployments         []*appsv1.Deployment
	services            []*corev1.Service
	serviceAccounts     []*corev1.ServiceAccount
	clusterRoles        []*rbacv1.ClusterRole
	clusterRoleBindings []*rbacv1.ClusterRoleBinding
	roles               []*rbacv1.Role
	roleBindings        []*rbacv1.RoleBinding
	networkPolicies     []*networkingv1.NetworkPolicy
	certificates        []*certificate
	policies            []*admissionv1.ValidatingAdmissionPolicy
	policyBindings      []*admissionv1.ValidatingAdmissionPolicyBinding
}

// certificate is what the chart gives of cert-manager's Certificate, the one
// kind that is not Kubernetes' own.
// See https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec.
type certificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		SecretName string   `json:"secretName"`
		DNSNames   []string `json:"dnsNames"`
		Usages     []string `json:"usages"`
		PrivateKey struct {
			Algorithm      string `json:"algorithm"`
			Size           int    `json:"size"`
			RotationPolicy string `json:"rotationPolicy"`
		} `json:"privateKey"`
		IssuerRef struct {
			Name  string `json:"name"`
			Kind  string `json:"kind"`
			Group string `json:"group"`
		} `json:"issuerRef"`
	} `json:"spec"`
}

// DeepCopyObject makes a certificate something that can be decoded.
func (c *certificate) DeepCopyObject() runtime.Object { copied := *c; return &copied }

// kinds are those that the chart may render: anything else, such as a Secret, is
// an error when it is decoded.
func kinds(t *testing.T) *runtime.Scheme {
	t.Helper()
	all := runtime.NewScheme()
	for _, group := range []*runtime.SchemeBuilder{&admissionv1.SchemeBuilder, &appsv1.SchemeBuilder, &corev1.SchemeBuilder, &networkingv1.SchemeBuilder, &rbacv1.SchemeBuilder} {
		if err := group.AddToScheme(all); err != nil {
			t.Fatal(err)
		}
	}
	all.AddKnownTypeWithName(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}, &certificate{})
	return all
}

// decode reads rendered documents into the API's Go types and fails on any
// field that they do not have.
func decode(t *testing.T, rendered string) release {
	t.Helper()
	codecs := serializer.NewCodecFactory(kinds(t), serializer.EnableStrict)
	decoder := codecs.UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(rendered)))
	var r release
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("decode: %v\n%s", err, document)
		}
		r.add(t, object)
	}
}

// add files an object under its kind, and fails for a kind that the chart has
// no business with, such as a Secret.
func (r *release) add(t *testing.T, object runtime.Object) {
	t.Helper()
	switch o := object.(type) {
	case *appsv1.DaemonSet:
		r.daemonSets = append(r.daemonSets, o)
	case *appsv1.Deployment:
		r.deployments = append(r.deployments, o)
	case *corev1.Service:
		r.services = append(r.services, o)
	case *corev1.ServiceAccount:
		r.serviceAccounts = append(r.serviceAccounts, o)
	case *rbacv1.ClusterRole:
		r.clusterRoles = append(r.clusterRoles, o)
	case *rbacv1.ClusterRoleBinding:
		r.clusterRoleBindings = append(r.clusterRoleBindings, o)
	case *rbacv1.Role:
		r.roles = append(r.roles, o)
	case *rbacv1.RoleBinding:
		r.roleBindings = append(r.roleBindings, o)
	case *networkingv1.NetworkPolicy:
		r.networkPolicies = append(r.networkPolicies, o)
	case *admissionv1.ValidatingAdmissionPolicy:
		r.policies = append(r.policies, o)
	case *admissionv1.ValidatingAdmissionPolicyBinding:
		r.policyBindings = append(r.policyBindings, o)
	case *certificate:
		r.certificates = append(r.certificates, o)
	default:
		t.Fatalf("the chart renders a %T, which it should not", object)
	}
}

// agent and hub return the programs' pods.
func (r release) agent() corev1.PodTemplateSpec { return r.daemonSets[0].Spec.Template }
func (r release) hub() corev1.PodTemplateSpec   { return r.deployments[0].Spec.Template }

// hasArg reports whether a pod's program is given that argument.
func hasArg(pod corev1.PodTemplateSpec, arg string) bool {
	_, found := argOf(pod, arg)
	return found
}

// argOf returns what follows the beginning of an argument of a pod's program.
func argOf(pod corev1.PodTemplateSpec, prefix string) (rest string, found bool) {
	for _, arg := range pod.Spec.Containers[0].Args {
		if rest, found = strings.CutPrefix(arg, prefix); found {
			return rest, true
		}
	}
	return "", false
}

// withTokens reports whether the release asks its readers who they are.
func (r release) withTokens() bool { return hasArg(r.hub(), "--auth=token") }

// forEachRelease runs test with what each example values file renders.
func forEachRelease(t *testing.T, test func(t *testing.T, r release)) {
	t.Helper()
	forEachValues(t, func(t *testing.T, _, file string) {
		r := decode(t, render(t, "--values", file))
		if len(r.daemonSets) != 1 || len(r.deployments) != 1 || len(r.services) != 2 {
			t.Fatalf("rendered %d DaemonSets, %d Deployments and %d Services, want 1, 1 and 2",
				len(r.daemonSets), len(r.deployments), len(r.services))
		}
		test(t, r)
	})
}
