package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Kubeconfig is the path of an administrator's kubeconfig that works inside
// the lab's network, where Exec runs programs.
func (l *Lab) Kubeconfig() string { return l.pki("admin.kubeconfig") }

// HostKubeconfig is the path of one that works on the host, by the forwarder.
func (l *Lab) HostKubeconfig() string { return l.pki("host.kubeconfig") }

// HubURL is where the hub is reachable on the host, by the forwarder.
func (l *Lab) HubURL() string { return "http://" + l.ports.hub().String() }

// AgentURL is where the agent of node n is reachable on the host.
func (l *Lab) AgentURL(n int) string { return "https://" + l.ports.agent(n).String() }

// SigningKey is the path of the key with which the API server signs the tokens of
// service accounts, as PKCS #8 in PEM.
func (l *Lab) SigningKey() string { return l.pki("sa.key") }

// Logs is the folder with what the lab's processes said.
func (l *Lab) Logs() string { return l.path("log") }

// Name is the lab's name.
func (l *Lab) Name() string { return l.name }

// RESTConfig returns a configuration for clients of the API server, as an
// administrator, dialling inside the lab's network.
func (l *Lab) RESTConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig of lab %s: %w", l.name, err)
	}
	config.Dial = l.Dial
	// Tests ask often; the default of 5 requests a second is for controllers.
	config.QPS, config.Burst = 50, 100
	return config, nil
}

func (l *Lab) client() (*kubernetes.Clientset, error) {
	config, err := l.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make client of lab %s: %w", l.name, err)
	}
	return client, nil
}

// Apply creates or changes the objects of a YAML manifest.
func (l *Lab) Apply(ctx context.Context, manifest string) error {
	if _, err := l.Exec(ctx, strings.NewReader(manifest), "kubectl", "apply", "--filename=-"); err != nil {
		return fmt.Errorf("apply manifest: %w", err)
	}
	return nil
}

// insecureTLS accepts any certificate: kubelets in the lab sign their own.
func insecureTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true}
}
