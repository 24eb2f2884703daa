package main

import (
	"cmp"
	"flag"
	"io"
	"log"
	"log/slog"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/shared/daemon"
)

// agentFlags say how the hub and its agents know each other.
type agentFlags struct {
	tokenFile      string
	trust          string
	caFile         string
	serverName     string
	serviceAccount string // empty: it is called as the service is
}

func (a *agentFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&a.tokenFile, "agent-token-file", "", "`file` with the token that agents are shown, over TLS only; read again as it changes")
	flags.StringVar(&a.trust, "agent-trust", string(hub.TrustPinned), "why a `key` is taken for an agent's: pinned, attested or ca")
	flags.StringVar(&a.caFile, "agent-ca-file", "", "`file` with the certificates of the authorities, for ca; read again as it changes")
	flags.StringVar(&a.serverName, "agent-server-name", "kubemon-agent", "`name` that all agents' certificates are for, with ca")
	flags.StringVar(&a.serviceAccount, "agent-service-account", "", "`name` of the agents' service account, for attested; that of their service unless given")
}

// check is given the static agents.
func (a *agentFlags) check(static string) error {
	switch trust := hub.Trust(a.trust); {
	case trust != hub.TrustPinned && trust != hub.TrustAttested && trust != hub.TrustCA:
		return daemon.Usagef("invalid value %q for flag -agent-trust: want pinned, attested or ca", a.trust)
	case trust == hub.TrustCA && a.caFile == "":
		return daemon.Usagef("-agent-trust=ca needs -agent-ca-file")
	case trust == hub.TrustCA && a.serverName == "":
		return daemon.Usagef("-agent-trust=ca needs -agent-server-name")
	case trust != hub.TrustCA && a.caFile != "":
		return daemon.Usagef("-agent-ca-file is for -agent-trust=ca, not %s", trust)
	case trust == hub.TrustAttested && static != "":
		return daemon.Usagef("-agent-trust=attested is for the agents of a cluster: of those in -agents it is not known which pods they are")
	}
	return nil
}

// token is nil if agents are shown none.
func (a *agentFlags) token(log *slog.Logger) *scrape.Token {
	if a.tokenFile == "" {
		return nil
	}
	return scrape.NewToken(a.tokenFile, log)
}

// ownTrust is whose keys are agents', nil if it takes the cluster's word to
// know.
func (a *agentFlags) ownTrust(log *slog.Logger) scrape.Trust {
	switch hub.Trust(a.trust) {
	case hub.TrustAttested:
		return nil
	case hub.TrustCA:
		return scrape.NewAuthority(a.caFile, a.serverName, log)
	}
	return scrape.Pinned{}
}

// muteHTTP ends the one way from an agent into the hub's output that has no
// setting: net/http's client writes what comes without being asked for, which may
// be the hub's own token, to the standard logger. Nothing else uses that.
func muteHTTP() { log.SetOutput(io.Discard) }

// agentSubject is the agents' service account as tokens name it.
func (c config) agentSubject(namespace string) string {
	return "system:serviceaccount:" + namespace + ":" + cmp.Or(c.asking.serviceAccount, c.agentService)
}

// LogValue has no secret: the token is in its file.
func (a agentFlags) LogValue() slog.Value {
	return slog.GroupValue(slog.String("token-file", a.tokenFile), slog.String("trust", a.trust),
		slog.String("ca-file", a.caFile), slog.String("server-name", a.serverName), slog.String("service-account", a.serviceAccount))
}
