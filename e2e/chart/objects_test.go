package chart

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// release is everything that the chart renders, by kind.
type release struct {
	daemonSet          *appsv1.DaemonSet
	deployment         *appsv1.Deployment
	services           []*corev1.Service
	serviceAccounts    []*corev1.ServiceAccount
	clusterRole        *rbacv1.ClusterRole
	clusterRoleBinding *rbacv1.ClusterRoleBinding
	role               *rbacv1.Role
	roleBinding        *rbacv1.RoleBinding
	// Those in the namespace "default", nil if the hub sends no events.
	eventsRole        *rbacv1.Role
	eventsRoleBinding *rbacv1.RoleBinding
	objects           int
}

// decode reads rendered documents into the API's Go types and fails on any
// field that they do not have.
func decode(t *testing.T, rendered string) release {
	t.Helper()
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
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
	r.objects++
	switch o := object.(type) {
	case *appsv1.DaemonSet:
		r.daemonSet = o
	case *appsv1.Deployment:
		r.deployment = o
	case *corev1.Service:
		r.services = append(r.services, o)
	case *corev1.ServiceAccount:
		r.serviceAccounts = append(r.serviceAccounts, o)
	case *rbacv1.ClusterRole:
		r.clusterRole = o
	case *rbacv1.ClusterRoleBinding:
		r.clusterRoleBinding = o
	case *rbacv1.Role:
		if o.Namespace == "default" {
			r.eventsRole = o
		} else {
			r.role = o
		}
	case *rbacv1.RoleBinding:
		if o.Namespace == "default" {
			r.eventsRoleBinding = o
		} else {
			r.roleBinding = o
		}
	default:
		t.Fatalf("the chart renders a %T, which it should not", object)
	}
}

// agent and hub return the programs' pods.
func (r release) agent() corev1.PodTemplateSpec { return r.daemonSet.Spec.Template }
func (r release) hub() corev1.PodTemplateSpec   { return r.deployment.Spec.Template }

// forEachRelease runs test with what each example values file renders.
func forEachRelease(t *testing.T, test func(t *testing.T, r release)) {
	t.Helper()
	forEachValues(t, func(t *testing.T, _, file string) {
		r := decode(t, render(t, "--values", file))
		// Ten objects, each of the eight kinds, two of them twice; and two more
		// where the hub sends events.
		want := 10
		if slices.Contains(r.hub().Spec.Containers[0].Args, "--events=true") {
			want = 12
		}
		if r.objects != want || len(r.services) != 2 || len(r.serviceAccounts) != 2 || (r.eventsRole != nil) != (want == 12) {
			t.Fatalf("rendered %d objects with %d Services and %d ServiceAccounts, want %d, 2 and 2",
				r.objects, len(r.services), len(r.serviceAccounts), want)
		}
		test(t, r)
	})
}
