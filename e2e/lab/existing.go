package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// InstallOptions say where Install installs kubemon.
type InstallOptions struct {
	// Kubeconfig is the file that leads to the cluster.
	Kubeconfig string
	// Sources, Listen, HelmArgs and Progress are as in Options.
	Sources  string
	Listen   string
	HelmArgs []string
	Progress io.Writer
}

// Install installs kubemon into a cluster that exists already, waits until it
// shows usage and forwards Listen to the hub until ctx ends. It deploys nothing
// but kubemon. The cluster pulls the images itself.
func Install(ctx context.Context, opt InstallOptions) error {
	l, err := newLab(Options{Sources: opt.Sources, Listen: opt.Listen, Progress: opt.Progress})
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", opt.Kubeconfig)
	if err != nil {
		return fmt.Errorf("read kubeconfig: %w", err)
	}
	l.progress.step("installing kubemon %s into the cluster at %s", l.version, config.Host)
	l.progress.step("the cluster must be able to pull its images; if it cannot, run `make images`, push them, and pass --set agent.image.registry=… --set hub.image.registry=…")
	helm, err := BuildHelm(ctx, l.sources, opt.Progress)
	if err != nil {
		return err
	}
	install := l.helmArgs(append(opt.HelmArgs, "--kubeconfig", opt.Kubeconfig), "upgrade", "--install")
	cmd := exec.CommandContext(ctx, helm, install[1:]...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install kubemon: %w: %s", err, lastLines(output))
	}
	l.progress.step("kubemon is installed and ready")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	forwarding, err := l.forwardToPod(ctx, config, client)
	if err != nil {
		return err
	}
	url := l.HubURL() + "/api/v1/pods"
	viewer := &http.Client{Transport: Bearer{Base: http.DefaultTransport, Token: func(ctx context.Context) (string, error) {
		return createToken(ctx, client, Namespace, Viewer, HubAudience)
	}}}
	if err := poll(ctx, usageTimeout, "usage at "+url, func(ctx context.Context) error {
		return podsWithUsage(ctx, viewer, url, 1)
	}); err != nil {
		return err
	}
	l.progress.step(`the hub answers at %s until you interrupt this; its page asks for a token, as in
  TOKEN=$(kubectl -n %s create token %s --audience=%s)
  curl -s -H "Authorization: Bearer $TOKEN" '%s'`, l.HubURL(), Namespace, Viewer, HubAudience, url)
	return <-forwarding
}

// forwardToPod forwards the listen address to the hub's pod as kubectl
// port-forward does. The channel gets the error with which that ends.
func (l *Lab) forwardToPod(ctx context.Context, config *rest.Config, client kubernetes.Interface) (<-chan error, error) {
	pod, err := hubPod(ctx, client)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("make port-forward transport: %w", err)
	}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	ports := []string{fmt.Sprintf("%d:%d", l.ports.hub().Port(), pod.Spec.Containers[0].Ports[0].ContainerPort)}
	addresses := []string{l.ports.hub().Addr().String()}
	ready, ended := make(chan struct{}), make(chan error, 1)
	forward, err := portforward.NewOnAddresses(dialer, addresses, ports, ctx.Done(), ready, io.Discard, os.Stderr)
	if err != nil {
		return nil, fmt.Errorf("forward %s: %w", l.ports.hub(), err)
	}
	go func() { ended <- forward.ForwardPorts() }()
	select {
	case <-ready:
		return ended, nil
	case err := <-ended:
		return nil, fmt.Errorf("forward %s: %w", l.ports.hub(), err)
	case <-time.After(forwarderTimeout):
		return nil, fmt.Errorf("forward %s: not ready after %s", l.ports.hub(), forwarderTimeout)
	}
}

// hubPod returns the running pod of the hub.
func hubPod(ctx context.Context, client kubernetes.Interface) (corev1.Pod, error) {
	pods, err := client.CoreV1().Pods(Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/component=hub", FieldSelector: "status.phase=Running",
	})
	if err != nil {
		return corev1.Pod{}, fmt.Errorf("find the hub's pod: %w", err)
	}
	for _, pod := range pods.Items {
		if len(pod.Spec.Containers[0].Ports) > 0 {
			return pod, nil
		}
	}
	return corev1.Pod{}, errors.New("find the hub's pod: none runs in namespace " + Namespace)
}
