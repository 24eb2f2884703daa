package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
	})
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

// TestPodSecurityStandards asks the admission controller's own policy. The
// agent's refusal proves that the question is a real one.
func TestPodSecurityStandards(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	forEachRelease(t, func(t *testing.T, r release) {
		hub := r.hub()
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &hub.ObjectMeta, &hub.Spec))
		if !result.Allowed {
			t.Errorf("the hub does not meet the restricted Pod Security Standard: %s", result.ForbiddenDetail())
		}
		agent := r.agent()
		if policy.AggregateCheckResults(evaluator.EvaluatePod(level, &agent.ObjectMeta, &agent.Spec)).Allowed {
			t.Error("the agent meets the restricted Pod Security Standard, though it is privileged")
		}
	})
}
