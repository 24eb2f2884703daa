package chart

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// TestAgentChangesNothingOnTheNode looks at each way in which a privileged pod
// could write to its node.
func TestAgentChangesNothingOnTheNode(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		pod := r.agent().Spec
		container := pod.Containers[0]
		if only := container.SecurityContext.ReadOnlyRootFilesystem; only == nil || !*only {
			t.Error("the agent's root file system can be written")
		}
		for _, mount := range container.VolumeMounts {
			if !mount.ReadOnly {
				t.Errorf("the agent mounts %s so that it can write there", mount.MountPath)
			}
		}
		for _, volume := range pod.Volumes {
			switch {
			case volume.Projected != nil, volume.Secret != nil: // made by Kubernetes, in memory
			case volume.HostPath == nil:
				t.Errorf("volume %s is no folder of the node", volume.Name)
			case volume.HostPath.Type == nil || *volume.HostPath.Type != corev1.HostPathDirectory:
				t.Errorf("volume %s would create %s on a node that has none", volume.Name, volume.HostPath.Path)
			case !slices.Contains([]string{"cgroup", "pod-logs", "container-logs"}, volume.Name):
				t.Errorf("volume %s shows the agent %s, which it does not read", volume.Name, volume.HostPath.Path)
			}
		}
	})
}

func TestAgentSeesItsNode(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		pod := r.agent().Spec
		if !pod.HostPID || pod.HostIPC {
			t.Errorf("hostPID is %v and hostIPC %v, want the one and not the other", pod.HostPID, pod.HostIPC)
		}
		everything := corev1.Toleration{Operator: corev1.TolerationOpExists}
		if !slices.Contains(pod.Tolerations, everything) {
			t.Errorf("the agent tolerates %v, not every taint", pod.Tolerations)
		}
		if pod.NodeSelector["kubernetes.io/os"] != "linux" {
			t.Errorf("the agent runs on nodes with %v, not on Linux alone", pod.NodeSelector)
		}
		checkField(t, pod.Containers[0], "NODE_NAME", "spec.nodeName")
		checkField(t, pod.Containers[0], "POD_IP", "status.podIP")
		checkCgroupMount(t, pod)
	})
}

// TestAgentsNetwork: with the host's network or without, the agent listens on its
// pod's own address and on no other.
func TestAgentsNetwork(t *testing.T) {
	for set, want := range map[string]bool{"agent.hostNetwork=true": true, "agent.hostNetwork=false": false} {
		pod := decode(t, render(t, "--set", set)).agent()
		if pod.Spec.HostNetwork != want || !hasArg(pod, "--listen=[$(POD_IP)]:10290") {
			t.Errorf("%s: hostNetwork %v, arguments %q", set, pod.Spec.HostNetwork, pod.Spec.Containers[0].Args)
		}
	}
	if !decode(t, render(t)).agent().Spec.HostNetwork {
		t.Error("the default is not the host's network")
	}
}

// checkCgroupMount wants the agent to be told where the node's control groups
// are mounted, whatever its own namespace of control groups shows it.
func checkCgroupMount(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	container := pod.Containers[0]
	volume := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.HostPath != nil && v.HostPath.Path == "/sys/fs/cgroup" })
	if volume < 0 {
		t.Fatal("the agent has no mount of the node's cgroups")
	}
	mount := slices.IndexFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == pod.Volumes[volume].Name })
	told := slices.IndexFunc(container.Env, func(v corev1.EnvVar) bool { return v.Name == "KUBEMON_AGENT_CGROUPFS" })
	if mount < 0 || told < 0 || container.Env[told].Value != container.VolumeMounts[mount].MountPath {
		t.Errorf("the agent is not told where its mount of the node's cgroups is: mounts %v, variables %v", container.VolumeMounts, container.Env)
	}
}

// checkField wants a variable that the downward API fills from a field.
func checkField(t *testing.T, container corev1.Container, name, field string) {
	t.Helper()
	for _, variable := range container.Env {
		if variable.Name != name {
			continue
		}
		if variable.ValueFrom == nil || variable.ValueFrom.FieldRef == nil || variable.ValueFrom.FieldRef.FieldPath != field {
			t.Errorf("%s does not come from %s", name, field)
		}
		return
	}
	t.Errorf("container %s has no variable %s", container.Name, name)
}

// TestThereIsOneHub guards the window, which lives in one hub's memory.
func TestThereIsOneHub(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		spec := r.deployments[0].Spec
		if spec.Replicas == nil || *spec.Replicas != 1 || spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			t.Errorf("the hub has %v replicas and strategy %s, want 1 and Recreate", spec.Replicas, spec.Strategy.Type)
		}
		checkField(t, spec.Template.Spec.Containers[0], "KUBEMON_HUB_NAMESPACE", "metadata.namespace")
	})
}

// TestHubAsksTheAgentsService follows the hub's flag to a Service of the chart
// and its window and timing to the values.
func TestHubAsksTheAgentsService(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		const flag = "--agent-service="
		for _, arg := range r.hub().Spec.Containers[0].Args {
			name, found := strings.CutPrefix(arg, flag)
			if !found {
				continue
			}
			service := findService(t, r, name)
			if service.Spec.ClusterIP != corev1.ClusterIPNone || !service.Spec.PublishNotReadyAddresses {
				t.Errorf("Service %s hides agents: it must be headless and publish those that are not ready", name)
			}
			return
		}
		t.Errorf("the hub has no flag %s", flag)
	})
}

func findService(t *testing.T, r release, name string) *corev1.Service {
	t.Helper()
	for _, service := range r.services {
		if service.Name == name {
			return service
		}
	}
	t.Fatalf("the chart makes no Service %s", name)
	return nil
}

// TestServicesReachPods wants each Service to select exactly one kind of pod
// and to name a port that the pod has.
func TestServicesReachPods(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		pods := []corev1.PodTemplateSpec{r.agent(), r.hub()}
		for _, service := range r.services {
			selector := labels.SelectorFromSet(service.Spec.Selector)
			selected := slices.DeleteFunc(slices.Clone(pods), func(pod corev1.PodTemplateSpec) bool {
				return !selector.Matches(labels.Set(pod.Labels))
			})
			if len(selected) != 1 {
				t.Errorf("Service %s selects %d kinds of pod, want 1", service.Name, len(selected))
				continue
			}
			for _, port := range service.Spec.Ports {
				if !hasPort(selected[0].Spec.Containers[0], port.TargetPort.StrVal) {
					t.Errorf("Service %s goes to port %s, which its pods do not name", service.Name, port.TargetPort.String())
				}
			}
		}
	})
}

func hasPort(container corev1.Container, name string) bool {
	return slices.ContainsFunc(container.Ports, func(port corev1.ContainerPort) bool { return port.Name == name })
}

func TestSelectorsMatchTheirPods(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		for _, owner := range []struct {
			name     string
			selector *metav1.LabelSelector
			pod      corev1.PodTemplateSpec
		}{
			{"DaemonSet", r.daemonSets[0].Spec.Selector, r.agent()},
			{"Deployment", r.deployments[0].Spec.Selector, r.hub()},
		} {
			// A selector can never change, so nothing in it may follow a version.
			want := []string{"app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/name"}
			var keys []string
			for key, value := range owner.selector.MatchLabels {
				keys = append(keys, key)
				if owner.pod.Labels[key] != value {
					t.Errorf("the %s selects %s=%s, its pods have %q", owner.name, key, value, owner.pod.Labels[key])
				}
			}
			slices.Sort(keys)
			if diff := cmp.Diff(want, keys); diff != "" {
				t.Errorf("labels that the %s selects by (-want +got):\n%s", owner.name, diff)
			}
		}
	})
}

// TestContainersAreBounded wants requests and probes on every container.
func TestContainersAreBounded(t *testing.T) {
	forEachRelease(t, func(t *testing.T, r release) {
		for _, container := range slices.Concat(r.agent().Spec.Containers, r.hub().Spec.Containers) {
			requests := container.Resources.Requests
			if requests.Cpu().IsZero() || requests.Memory().IsZero() {
				t.Errorf("container %s requests %v, want CPU and memory", container.Name, requests)
			}
			for name, probe := range map[string]*corev1.Probe{
				"liveness": container.LivenessProbe, "readiness": container.ReadinessProbe,
			} {
				if probe == nil || probe.HTTPGet == nil || !hasPort(container, probe.HTTPGet.Port.StrVal) {
					t.Errorf("container %s has no %s probe on a port of its own", container.Name, name)
				}
			}
		}
	})
}

// TestDefaultLimits holds the defaults to what is promised: a memory limit
// that Go's runtime knows of, and no CPU limit, since that leaves gaps.
func TestDefaultLimits(t *testing.T) {
	r := decode(t, render(t))
	for _, container := range slices.Concat(r.agent().Spec.Containers, r.hub().Spec.Containers) {
		limits := container.Resources.Limits
		if limits.Memory().IsZero() || !limits.Cpu().IsZero() {
			t.Errorf("container %s has limits %v, want memory alone", container.Name, limits)
		}
		follows := slices.ContainsFunc(container.Env, func(variable corev1.EnvVar) bool {
			return variable.Name == "GOMEMLIMIT" && variable.ValueFrom.ResourceFieldRef.Resource == "limits.memory"
		})
		if !follows {
			t.Errorf("container %s does not derive GOMEMLIMIT from its limit", container.Name)
		}
	}
}
