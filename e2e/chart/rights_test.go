package chart

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// TestHubRights compares the hub's rights with the least it can work with,
// rule by rule: what is not in the table must not be granted.
func TestHubRights(t *testing.T) {
	read := []string{"get", "list", "watch"}
	wantCluster := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"pods", "nodes", "namespaces"}, Verbs: read},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "replicasets", "statefulsets", "daemonsets"}, Verbs: read},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs", "cronjobs"}, Verbs: read},
	}
	wantNamespace := []rbacv1.PolicyRule{
		{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: read},
	}
	forEachRelease(t, func(t *testing.T, r release) {
		if diff := cmp.Diff(wantCluster, r.clusterRole.Rules); diff != "" {
			t.Errorf("rules for the cluster (-want +got):\n%s", diff)
		}
		if r.clusterRole.AggregationRule != nil {
			t.Error("the ClusterRole gathers rules from others")
		}
		if diff := cmp.Diff(wantNamespace, r.role.Rules); diff != "" {
			t.Errorf("rules for the namespace (-want +got):\n%s", diff)
		}
		if r.eventsRole == nil {
			return
		}
		wantEvents := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "patch"}}}
		if diff := cmp.Diff(wantEvents, r.eventsRole.Rules); diff != "" {
			t.Errorf("rules for the namespace of the Nodes' events (-want +got):\n%s", diff)
		}
	})
}

// TestEventsAreOptional: without events there is no right to write anything.
func TestEventsAreOptional(t *testing.T) {
	with, without := decode(t, render(t)), decode(t, render(t, "--set", "hub.events=false"))
	if with.eventsRole == nil || with.eventsRoleBinding == nil || without.eventsRole != nil || without.eventsRoleBinding != nil {
		t.Error("the Role for events does not go with hub.events")
	}
	if args := without.hub().Spec.Containers[0].Args; !slices.Contains(args, "--events=false") {
		t.Errorf("hub.events=false gives the hub %q", args)
	}
}

// TestOnlyTheHubHasRights follows the bindings from role to pod.
func TestOnlyTheHubHasRights(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		account := r.hub().Spec.ServiceAccountName
		want := []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: "kubemon"}}
		if diff := cmp.Diff(want, r.clusterRoleBinding.Subjects); diff != "" {
			t.Errorf("who has the ClusterRole (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, r.roleBinding.Subjects); diff != "" {
			t.Errorf("who has the Role (-want +got):\n%s", diff)
		}
		if r.eventsRoleBinding != nil {
			if diff := cmp.Diff(want, r.eventsRoleBinding.Subjects); diff != "" {
				t.Errorf("who may write events (-want +got):\n%s", diff)
			}
			if ref := r.eventsRoleBinding.RoleRef; ref.Kind != "Role" || ref.Name != r.eventsRole.Name {
				t.Errorf("the RoleBinding for events grants %+v, want Role %s", ref, r.eventsRole.Name)
			}
		}
		const group = "rbac.authorization.k8s.io"
		if diff := cmp.Diff(rbacv1.RoleRef{APIGroup: group, Kind: "ClusterRole", Name: r.clusterRole.Name}, r.clusterRoleBinding.RoleRef); diff != "" {
			t.Errorf("what the ClusterRoleBinding grants (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(rbacv1.RoleRef{APIGroup: group, Kind: "Role", Name: r.role.Name}, r.roleBinding.RoleRef); diff != "" {
			t.Errorf("what the RoleBinding grants (-want +got):\n%s", diff)
		}
		if agent := r.agent().Spec.ServiceAccountName; agent == account {
			t.Errorf("the agent shares the hub's ServiceAccount %s", account)
		}
	})
}

// TestTokens wants a token of the API server in the hub's pod and nowhere
// else, whatever else uses the ServiceAccounts.
func TestTokens(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		accounts := make(map[string]bool)
		for _, account := range r.serviceAccounts {
			accounts[account.Name] = true
			if mount := account.AutomountServiceAccountToken; mount == nil || *mount {
				t.Errorf("ServiceAccount %s mounts its token unasked", account.Name)
			}
		}
		for _, pod := range []struct {
			name, account string
			mount         *bool
			want          bool
		}{
			{"agent", r.agent().Spec.ServiceAccountName, r.agent().Spec.AutomountServiceAccountToken, false},
			{"hub", r.hub().Spec.ServiceAccountName, r.hub().Spec.AutomountServiceAccountToken, true},
		} {
			if !accounts[pod.account] {
				t.Errorf("the %s runs as ServiceAccount %q, which the chart does not make", pod.name, pod.account)
			}
			if pod.mount == nil || *pod.mount != pod.want {
				t.Errorf("the %s mounts a token: %v, want %v", pod.name, pod.mount, pod.want)
			}
		}
	})
}

// forbidden asks the admission controller's own policy for what the restricted
// Pod Security Standard has against a pod.
func forbidden(t *testing.T, pod corev1.PodTemplateSpec) []string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	reasons := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)).ForbiddenReasons
	slices.Sort(reasons)
	return reasons
}

func TestHubMeetsThePodSecurityStandard(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		if reasons := forbidden(t, r.hub()); len(reasons) > 0 {
			t.Errorf("the hub does not meet the restricted Pod Security Standard: %v", reasons)
		}
	})
}

// TestAgentProfiles holds each profile of the agent to its table row: what the
// restricted Pod Security Standard has against the restricted one is that it
// sees the node, and nothing else.
func TestAgentProfiles(t *testing.T) {
	seesTheNode := []string{"host namespaces", "restricted volume types"} // host paths are such a type
	for profile, want := range map[string][]string{
		"restricted": seesTheNode,
		"privileged": append([]string{
			"allowPrivilegeEscalation != false", "privileged", "runAsNonRoot != true", "seccompProfile", "unrestricted capabilities",
		}, seesTheNode...),
	} {
		t.Run(profile, func(t *testing.T) {
			slices.Sort(want)
			agent := decode(t, render(t, "--set", "agent.securityProfile="+profile)).agent()
			if diff := cmp.Diff(want, forbidden(t, agent)); diff != "" {
				t.Errorf("what the standard forbids (-want +got):\n%s", diff)
			}
		})
	}
	if diff := cmp.Diff(render(t, "--set", "agent.securityProfile=privileged"), render(t)); diff != "" {
		t.Errorf("the default is not the privileged profile:\n%s", diff)
	}
}

// TestRestrictedAgentHasNoRights reads the settings one by one.
func TestRestrictedAgentHasNoRights(t *testing.T) {
	pod := decode(t, render(t, "--set", "agent.securityProfile=restricted")).agent().Spec
	const nobody = 65534
	wantPod := &corev1.PodSecurityContext{
		RunAsNonRoot: new(true), RunAsUser: new(int64(nobody)), RunAsGroup: new(int64(nobody)),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if diff := cmp.Diff(wantPod, pod.SecurityContext); diff != "" {
		t.Errorf("the pod's security context (-want +got):\n%s", diff)
	}
	wantContainer := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	if diff := cmp.Diff(wantContainer, pod.Containers[0].SecurityContext); diff != "" || len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Errorf("%d containers; the security context (-want +got):\n%s", len(pod.Containers), diff)
	}
}
