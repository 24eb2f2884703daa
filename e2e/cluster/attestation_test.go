package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/e2e/lab"
)

const agentAccount = "kubemon-agent"

// TestAgentAttestsItsOwnPodOnly asks the API server with the token of node1's
// agent, as somebody would who took that agent over: for what the agent asks,
// and for what it could pass for another with.
func TestAgentAttestsItsOwnPodOnly(t *testing.T) {
	own, other := agentPod(t, "node1"), agentPod(t, "node2")
	asAgent := clientWith(t, agentToken(t, own))
	unbound := clientWith(t, agentToken(t, nil))
	const ofKey = "kubemon-agent-tls:AAAA"
	for _, tt := range []struct {
		name     string
		client   kubernetes.Interface
		pod      *corev1.Pod // nil: bound to none
		audience string
		says     string // the API server; empty if it gives the token
	}{
		{"its own pod", asAgent, own, ofKey, ""},
		{"another agent's pod", asAgent, other, ofKey, "bound to its own pod"},
		{"no pod", asAgent, nil, ofKey, "bound to its own pod"},
		{"for another audience", asAgent, own, "kubemon-agent", "vouch for a TLS key"},
		{"for the API server", asAgent, own, "", "vouch for a TLS key"},
		{"with a token of no pod", unbound, own, ofKey, "bound to its own pod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token, err := requestToken(t, tt.client, tt.pod, tt.audience)
			if tt.says == "" {
				if err != nil || token == "" {
					t.Errorf("the API server refuses what the agent needs: %v", err)
				}
				return
			}
			if !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("the API server answers %v, want a refusal that says %q", err, tt.says)
			}
		})
	}
}

func agentPod(t *testing.T, node string) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	eventually(t, 2*time.Minute, "the agent of "+node, func() (err error) {
		pod, err = kubemonPod(t.Context(), "agent", node)
		return err
	})
	return pod
}

// clientWith asks the API server with a token and nothing else.
func clientWith(t *testing.T, token string) kubernetes.Interface {
	t.Helper()
	config, err := theLab.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// agentToken is such a token as the kubelet gives to the agent, or one of its
// account that is bound to no pod.
func agentToken(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	token, err := requestToken(t, kube, pod, "")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func requestToken(t *testing.T, client kubernetes.Interface, pod *corev1.Pod, audience string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	if pod != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}
	}
	answer, err := client.CoreV1().ServiceAccounts(lab.Namespace).CreateToken(t.Context(), agentAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}
