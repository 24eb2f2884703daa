package chart

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

// A grant is one right that a role gives: verbs on resources, in a namespace,
// or in all of them and on what has none where that is empty.
type grant struct {
	namespace string
	rule      rbacv1.PolicyRule
}

// grants follows each binding to its role and returns what each subject may do.
// It fails for a role that is not the chart's, or that nobody is bound to.
func (r release) grants(t *testing.T) map[string][]grant {
	t.Helper()
	granted := make(map[string][]grant)
	add := func(namespace string, subjects []rbacv1.Subject, ref rbacv1.RoleRef, rules []rbacv1.PolicyRule) {
		if len(rules) == 0 || ref.APIGroup != rbacv1.GroupName {
			t.Errorf("%v are bound to %+v, which has no rules in the chart", subjects, ref)
		}
		for _, subject := range subjects {
			if subject.Kind != "ServiceAccount" || subject.Namespace != "kubemon" || subject.APIGroup != "" {
				t.Errorf("%+v is bound to %s: expected a ServiceAccount of the release", subject, ref.Name)
			}
			for _, rule := range rules {
				granted[subject.Name] = append(granted[subject.Name], grant{namespace, rule})
			}
		}
	}
	for _, binding := range r.clusterRoleBindings {
		var rules []rbacv1.PolicyRule
		for _, role := range r.clusterRoles {
			if binding.RoleRef.Kind == "ClusterRole" && binding.RoleRef.Name == role.Name && role.AggregationRule == nil {
				rules = role.Rules
			}
		}
		add("", binding.Subjects, binding.RoleRef, rules)
	}
	for _, binding := range r.roleBindings {
		var rules []rbacv1.PolicyRule
		for _, role := range r.roles {
			if binding.RoleRef.Kind == "Role" && binding.RoleRef.Name == role.Name && binding.Namespace == role.Namespace {
				rules = role.Rules
			}
		}
		add(binding.Namespace, binding.Subjects, binding.RoleRef, rules)
	}
	if len(r.clusterRoles) != len(r.clusterRoleBindings) || len(r.roles) != len(r.roleBindings) {
		t.Errorf("%d ClusterRoles with %d bindings, %d Roles with %d", len(r.clusterRoles), len(r.clusterRoleBindings), len(r.roles), len(r.roleBindings))
	}
	return granted
}

// rule is one of Kubernetes' rules in short.
func rule(group string, resources, verbs []string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
}

// wantGrants is the table of who may do what in a release: the least that the
// programs can work with. What is not in it must not be granted.
func wantGrants(r release) map[string][]grant {
	read, create := []string{"get", "list", "watch"}, []string{"create"}
	hub, agent := r.hub().Spec.ServiceAccountName, r.agent().Spec.ServiceAccountName
	want := map[string][]grant{hub: {
		{"", rule("", []string{"pods", "nodes", "namespaces"}, read)},
		{"", rule("apps", []string{"deployments", "replicasets", "statefulsets", "daemonsets"}, read)},
		{"", rule("batch", []string{"jobs", "cronjobs"}, read)},
	}}
	if r.withTokens() {
		want[hub] = append(want[hub],
			grant{"", rule("authentication.k8s.io", []string{"tokenreviews"}, create)},
			grant{"", rule("authorization.k8s.io", []string{"subjectaccessreviews"}, create)})
	}
	if hasArg(r.hub(), "--events=true") {
		want[hub] = append(want[hub], grant{"default", rule("", []string{"events"}, []string{"create", "patch"})})
	}
	want[hub] = append(want[hub], grant{"kubemon", rule("discovery.k8s.io", []string{"endpointslices"}, read)})
	if hasArg(r.agent(), "--tls=attested") {
		own := rule("", []string{"serviceaccounts/token"}, create)
		own.ResourceNames = []string{agent}
		want[agent] = []grant{{"kubemon", own}}
	}
	if viewer := r.viewer(); viewer != "" {
		want[viewer] = []grant{{"", rule("", []string{"nodes", "pods", "namespaces"}, []string{"get", "list"})}}
	}
	return want
}

// viewer is the name of the ServiceAccount that no pod uses, if there is one.
func (r release) viewer() string {
	for _, account := range r.serviceAccounts {
		if account.Name != r.hub().Spec.ServiceAccountName && account.Name != r.agent().Spec.ServiceAccountName {
			return account.Name
		}
	}
	return ""
}

func TestRights(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		if diff := cmp.Diff(wantGrants(r), r.grants(t), cmp.AllowUnexported(grant{})); diff != "" {
			t.Errorf("who may do what (-want +got):\n%s", diff)
		}
	})
}

// TestNoRightIsDangerous looks at every rule by itself, whatever the table says:
// none may lead to a Secret, into a pod or a kubelet, or to more rights.
func TestNoRightIsDangerous(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		for subject, grants := range r.grants(t) {
			for _, g := range grants {
				for _, bad := range dangers(g.rule) {
					t.Errorf("%s may %v: %s", subject, g.rule, bad)
				}
			}
		}
	})
	for name, bad := range map[string]rbacv1.PolicyRule{
		"secrets":     rule("", []string{"secrets"}, []string{"get"}),
		"proxy":       rule("", []string{"nodes/proxy"}, []string{"get"}),
		"exec":        rule("", []string{"pods/exec"}, []string{"create"}),
		"any":         rule("", []string{"pods"}, []string{"*"}),
		"escalate":    rule(rbacv1.GroupName, []string{"roles"}, []string{"escalate"}),
		"impersonate": rule("", []string{"users"}, []string{"impersonate"}),
		"any token":   rule("", []string{"serviceaccounts/token"}, []string{"create"}),
		"delete":      rule("", []string{"pods"}, []string{"delete"}),
		"URL":         {NonResourceURLs: []string{"/logs"}, Verbs: []string{"get"}},
	} {
		if len(dangers(bad)) == 0 {
			t.Errorf("the check does not see %s: %v", name, bad)
		}
	}
}

// dangers says what is wrong with a rule.
func dangers(r rbacv1.PolicyRule) []string {
	var found []string
	refuse := func(what string, got []string, allowed ...string) {
		for _, s := range got {
			if !slices.Contains(allowed, s) {
				found = append(found, what+" "+s)
			}
		}
	}
	refuse("API group", r.APIGroups, "", "apps", "batch", "discovery.k8s.io", "authentication.k8s.io", "authorization.k8s.io")
	refuse("resource", r.Resources, "pods", "nodes", "namespaces", "deployments", "replicasets", "statefulsets", "daemonsets",
		"jobs", "cronjobs", "endpointslices", "events", "tokenreviews", "subjectaccessreviews", "serviceaccounts/token")
	refuse("URL", r.NonResourceURLs)
	written := slices.Contains(r.Resources, "events") || slices.Contains(r.Resources, "tokenreviews") || slices.Contains(r.Resources, "subjectaccessreviews")
	switch {
	case slices.Contains(r.Resources, "serviceaccounts/token") && len(r.ResourceNames) != 1:
		found = append(found, "tokens of any service account")
	case slices.Contains(r.Resources, "serviceaccounts/token"):
		refuse("verb", r.Verbs, "create")
	case written:
		refuse("verb", r.Verbs, "create", "patch")
	default:
		refuse("verb", r.Verbs, "get", "list", "watch")
	}
	return found
}

// TestEventsAreOptional: without events there is no right to write anything.
func TestEventsAreOptional(t *testing.T) {
	without := decode(t, render(t, "--set", "hub.events=false"))
	if !hasArg(without.hub(), "--events=false") {
		t.Errorf("hub.events=false gives the hub %q", without.hub().Spec.Containers[0].Args)
	}
	for _, g := range without.grants(t)["kubemon-hub"] {
		if slices.Contains(g.rule.Resources, "events") {
			t.Errorf("hub.events=false leaves the right %v", g)
		}
	}
}

// TestViewerIsOptional: without it nobody reads who was not there before.
func TestViewerIsOptional(t *testing.T) {
	with, without := decode(t, render(t)), decode(t, render(t, "--set", "viewer.create=false"))
	if with.viewer() != "kubemon-viewer" || without.viewer() != "" {
		t.Errorf("the viewer is %q, and %q without one", with.viewer(), without.viewer())
	}
	const hub = "system:serviceaccount:kubemon:kubemon-hub"
	for want, r := range map[string]release{hub + ",system:serviceaccount:kubemon:kubemon-viewer": with, hub: without} {
		if got, _ := argOf(r.agent(), "--auth-subjects="); got != want {
			t.Errorf("agents answer %q, want %q", got, want)
		}
	}
	if got := slices.Sorted(maps.Keys(without.grants(t))); !slices.Equal(got, []string{"kubemon-agent", "kubemon-hub"}) {
		t.Errorf("without a viewer, rights have %v", got)
	}
}
