package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/discover"
	"github.com/kubemon/kubemon/hub/internal/events"
	"github.com/kubemon/kubemon/hub/internal/inventory"
	"github.com/kubemon/kubemon/hub/internal/pipeline"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/shared/daemon"
)

// namespaceFile has the namespace of the pod that the program runs in.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// A fleet is where the hub finds agents and names.
type fleet struct {
	agents pipeline.Agents
	names  pipeline.Names
	// namespaces are the names of those that are known now.
	namespaces func() []string
	// trust says whose keys are agents'.
	trust scrape.Trust
	// client is how to reach the cluster, cluster takes events; nil without one.
	client  *rest.Config
	cluster kubernetes.Interface
	// watches follow the cluster until their context ends.
	watches []func(context.Context) error
	// ready says what is still lacking.
	ready func() error
}

// nobody gives no names: without a cluster pods have those of their agents.
type nobody struct{ inventory *hub.Inventory }

func (n nobody) Inventory() *hub.Inventory { return n.inventory }

// findFleet decides between a list of agents and a cluster's, or takes both.
func findFleet(c config, log *slog.Logger) (*fleet, error) {
	f := &fleet{names: nobody{inventory.None()}, trust: c.asking.ownTrust(log), ready: func() error { return nil }}
	urls := c.agentURLs()
	if urls != nil {
		static, err := discover.NewStatic(urls)
		if err != nil {
			return nil, daemon.Usagef("invalid value for flag -agents: %w", err)
		}
		f.agents = static
		if c.kubeconfig == "" {
			return f, nil
		}
	}
	client, namespace, err := connect(c)
	if err != nil {
		return nil, err
	}
	objects, err := kubernetes.NewForConfig(binary(client))
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	meta, err := metadata.NewForConfig(client)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	f.client, f.cluster = client, objects
	f.follow(inventory.New(objects, meta, log))
	if urls != nil {
		return f, nil
	}
	namespace = cmp.Or(c.namespace, namespace)
	if namespace == "" {
		return nil, daemon.Usagef("the namespace of service %s is not known: give --namespace", c.agentService)
	}
	agents := discover.NewService(objects, namespace, c.agentService, f.names.Inventory, log)
	f.agents = agents
	f.watches = append(f.watches, agents.Run)
	if f.trust == nil {
		keys := newClusterKeys(client, objects.Discovery().RESTClient(), log)
		f.trust = scrape.Attested{Verifier: keys, Subject: c.agentSubject(namespace)}
		f.watches = append(f.watches, keys.Run)
	}
	return f, nil
}

// connect returns how to reach the cluster, and the namespace that goes with
// it. Nothing is asked of the cluster yet.
func connect(c config) (client *rest.Config, namespace string, err error) {
	if c.kubeconfig != "" {
		kubeconfig := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, nil)
		if client, err = kubeconfig.ClientConfig(); err == nil {
			namespace, _, err = kubeconfig.Namespace()
		}
		if err != nil {
			return nil, "", daemon.Usagef("invalid value %q for flag -kubeconfig: %w", c.kubeconfig, err)
		}
	} else {
		client, err = rest.InClusterConfig()
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, "", daemon.Usagef("no agents to ask: this is not a pod in a cluster, so give --agents or --kubeconfig")
		}
		if err != nil {
			return nil, "", fmt.Errorf("read the pod's service account: %w", err)
		}
		data, _ := os.ReadFile(namespaceFile) // without it, --namespace is needed
		namespace = strings.TrimSpace(string(data))
	}
	client.UserAgent = program + "/" + daemon.Version()
	return client, namespace, nil
}

// follow takes names from the cluster. The hub is ready once it knows them.
func (f *fleet) follow(cluster *inventory.Watcher) {
	f.names, f.namespaces = cluster, cluster.Namespaces
	f.watches = append(f.watches, cluster.Run)
	f.ready = func() error {
		if cluster.Synced() {
			return nil
		}
		reason := cmp.Or(cluster.Inventory().Connection.Error, "the first lists are under way")
		return fmt.Errorf("%w: what the cluster runs has not been read: %s", hub.ErrNotReady, reason)
	}
}

// tell sends what becomes of the agents to the cluster, if there is one.
func (f *fleet) tell(view func() (*hub.View, error), meter events.Meter, log *slog.Logger) {
	if f.cluster == nil {
		return
	}
	recorder := events.New(events.Config{Client: f.cluster, View: view, Meter: meter, Log: log})
	f.watches = append(f.watches, recorder.Run)
}

// binary asks the API server for protobuf, which costs it and the hub much
// less than JSON.
func binary(client *rest.Config) *rest.Config {
	c := rest.CopyConfig(client)
	c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	c.ContentType = "application/vnd.kubernetes.protobuf"
	return c
}
