package chart

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

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
