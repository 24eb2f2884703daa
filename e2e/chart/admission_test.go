package chart

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// TestAdmissionPolicy wants the agents' right held to what it is for, wherever
// they have it: by a policy that fails closed, for their account alone. What it
// lets through is seen on a real API server.
func TestAdmissionPolicy(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		if !hasArg(r.agent(), "--tls=attested") {
			if len(r.policies)+len(r.policyBindings) != 0 {
				t.Errorf("%d policies with %d bindings for agents that have no right", len(r.policies), len(r.policyBindings))
			}
			return
		}
		if len(r.policies) != 1 || len(r.policyBindings) != 1 {
			t.Fatalf("%d policies with %d bindings, want one of each", len(r.policies), len(r.policyBindings))
		}
		policy, binding := r.policies[0], r.policyBindings[0].Spec
		if binding.PolicyName != policy.Name || !slices.Equal(binding.ValidationActions, []admissionv1.ValidationAction{admissionv1.Deny}) {
			t.Errorf("the binding is of %s and does %v, want %s denied", binding.PolicyName, binding.ValidationActions, policy.Name)
		}
		if fails := policy.Spec.FailurePolicy; fails == nil || *fails != admissionv1.Fail {
			t.Errorf("failurePolicy is %v, want Fail", fails)
		}
		matches := policy.Spec.MatchConstraints
		rule := admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"serviceaccounts/token"}}
		if diff := cmp.Diff([]admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Create}, Rule: rule,
		}}}, matches.ResourceRules); diff != "" || matches.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] != "kubemon" {
			t.Errorf("the policy is for namespaces %v and (-want +got):\n%s", matches.NamespaceSelector, diff)
		}
		who := fmt.Sprintf("request.userInfo.username == %q", "system:serviceaccount:kubemon:"+r.agent().Spec.ServiceAccountName)
		if asked := policy.Spec.MatchConditions; len(asked) != 1 || asked[0].Expression != who {
			t.Errorf("the policy is for %+v, want %s", asked, who)
		}
	})
}

// TestAdmissionPolicyIsLeftOut renders for clusters and people without it.
func TestAdmissionPolicyIsLeftOut(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{"--kube-version", "1.30.0"}, 1},
		{[]string{"--kube-version", "1.29.9"}, 0},
		{[]string{"--set", "agent.tls.admissionPolicy=false"}, 0},
		{[]string{"--set", "agent.tls.mode=self-signed"}, 0},
	} {
		r := decode(t, render(t, tt.args...))
		if len(r.policies) != tt.want || len(r.policyBindings) != tt.want {
			t.Errorf("helm %q: %d policies with %d bindings, want %d", tt.args, len(r.policies), len(r.policyBindings), tt.want)
		}
	}
}
