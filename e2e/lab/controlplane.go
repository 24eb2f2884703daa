package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// The control plane's processes, in the order in which they start.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

const apiServerTimeout = 2 * time.Minute

// startControlPlane starts what of the control plane does not run and waits
// until the API server is ready.
func (l *Lab) startControlPlane(ctx context.Context) error {
	// Without fsync a power cut loses data, which a lab does not keep anyway.
	etcdArgs := []string{"etcd", "--unsafe-no-fsync", "--data-dir", l.path("etcd"), "--logger=zap",
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", etcdPeerURL, "--initial-advertise-peer-urls", etcdPeerURL,
		"--initial-cluster", "default=" + etcdPeerURL}
	if err := l.ensure(etcd, etcdArgs...); err != nil {
		return err
	}
	if err := l.StartAPIServer(ctx); err != nil {
		return err
	}
	if err := l.ensure(controllerManager, l.controllerManagerArgs()...); err != nil {
		return err
	}
	return l.ensure(scheduler, l.kubernetesProgram(scheduler),
		"--kubeconfig="+l.pki("scheduler.kubeconfig"), "--leader-elect=false", "--bind-address=127.0.0.1")
}

// ensure starts a process in the lab's network unless it runs.
func (l *Lab) ensure(name string, args ...string) error {
	if _, ok := l.running(name); ok {
		return nil
	}
	return l.spawnInNetwork(name, args...)
}

func (l *Lab) kubernetesProgram(name string) string {
	return filepath.Join(l.programs.Kubernetes, name)
}

func (l *Lab) pki(file string) string { return l.path("pki", file) }

func (l *Lab) apiServerArgs() []string {
	return []string{l.kubernetesProgram(apiServer),
		"--etcd-servers=" + etcdURL,
		"--advertise-address=" + controlPlaneAddress,
		"--service-cluster-ip-range=" + serviceNetwork,
		"--client-ca-file=" + l.pki("ca.crt"),
		"--tls-cert-file=" + l.pki("apiserver.crt"),
		"--tls-private-key-file=" + l.pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + l.pki("sa.pub"),
		"--service-account-signing-key-file=" + l.pki("sa.key"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		// Nodes have no DNS names.
		"--kubelet-preferred-address-types=InternalIP",
		// With these an aggregated API server can be registered and reached.
		"--enable-aggregator-routing=true",
		"--requestheader-client-ca-file=" + l.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + l.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + l.pki("front-proxy-client.key"),
	}
}

func (l *Lab) controllerManagerArgs() []string {
	return []string{l.kubernetesProgram(controllerManager),
		"--kubeconfig=" + l.pki("controller-manager.kubeconfig"),
		"--service-account-private-key-file=" + l.pki("sa.key"),
		"--root-ca-file=" + l.pki("ca.crt"),
		"--use-service-account-credentials=true",
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
	}
}

// StartAPIServer starts the API server, unless it runs, and waits until it is
// ready.
func (l *Lab) StartAPIServer(ctx context.Context) error {
	if err := l.ensure(apiServer, l.apiServerArgs()...); err != nil {
		return err
	}
	client, err := l.client()
	if err != nil {
		return err
	}
	err = poll(ctx, apiServerTimeout, "the API server", func(ctx context.Context) error {
		if _, ok := l.running(apiServer); !ok {
			return fmt.Errorf("%w: %s", errEnded, l.logTail(apiServer))
		}
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return err
	}
	l.progress.step("API server ready at %s", apiServerURL)
	return nil
}

// StopAPIServer ends the API server at once, as a crash would.
func (l *Lab) StopAPIServer() error { return l.kill(apiServer) }

// PauseAPIServer makes the API server hang: connections stay open and new ones
// are accepted, but nothing is answered.
func (l *Lab) PauseAPIServer() error { return l.signal(apiServer, syscall.SIGSTOP) }

// ResumeAPIServer undoes PauseAPIServer.
func (l *Lab) ResumeAPIServer() error { return l.signal(apiServer, syscall.SIGCONT) }
