package main

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/access"
	"github.com/kubemon/kubemon/hub/internal/metricsapi"
	"github.com/kubemon/kubemon/shared/daemon"
)

// Kinds of --auth.
const (
	authNone  = "none"
	authToken = "token"
)

// minSecretBytes is the least that a proxy's secret must have, so that nobody
// guesses it.
const minSecretBytes = 16

// readerFlags say how the hub knows who reads it.
type readerFlags struct {
	listen               string
	allowUnauthenticated bool
	auth                 string
	audience             string
	proxyCAFile          string
	proxySecretFile      string

	inClear bool // what is sent to that address is not encrypted; check finds out
}

func (f *readerFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.listen, "listen", "", "`address` to listen on; :8080 with --auth=token, else 127.0.0.1:8080")
	flags.BoolVar(&f.allowUnauthenticated, "allow-unauthenticated", false, "listen on an address that other machines reach, though nobody is asked who they are")
	flags.StringVar(&f.auth, "auth", authNone, "`how` readers are known: token, of which the cluster says whose it is, or none")
	flags.StringVar(&f.audience, "auth-audience", "kubemon-hub", "`audience` of tokens that are made for the hub")
	flags.StringVar(&f.proxyCAFile, "proxy-auth-ca-file", "", "`file` with the authority of an authenticating proxy's client certificate; needs TLS")
	flags.StringVar(&f.proxySecretFile, "proxy-auth-secret-file", "", "`file` with the secret that an authenticating proxy sends")
}

// check completes the address and refuses what contradicts itself. clustered is
// whether there is a cluster to ask.
func (f *readerFlags) check(clustered, overTLS bool) error {
	proxied := f.proxyCAFile != "" || f.proxySecretFile != ""
	switch {
	case f.auth != authNone && f.auth != authToken:
		return daemon.Usagef("invalid value %q for flag -auth: want token or none", f.auth)
	case f.auth == authNone && proxied:
		return daemon.Usagef("-proxy-auth-ca-file and -proxy-auth-secret-file need -auth=token: with none, nobody is asked")
	case f.auth == authToken && !clustered:
		return daemon.Usagef("-auth=token needs a cluster to ask whose tokens are: give -kubeconfig beside -agents")
	case f.auth == authToken && f.audience == "":
		return daemon.Usagef("invalid value %q for flag -auth-audience: want the name of one", f.audience)
	case f.proxyCAFile != "" && !overTLS:
		return daemon.Usagef("-proxy-auth-ca-file needs -tls: client certificates are of TLS")
	}
	fallback := "127.0.0.1:8080"
	if f.auth == authToken {
		fallback = ":8080"
	}
	f.listen = cmp.Or(f.listen, fallback)
	local, _ := daemon.Loopback(f.listen) // whose error is the next one's
	f.inClear = !overTLS && !local
	return daemon.CheckListen(f.listen, f.auth == authToken || f.allowUnauthenticated)
}

// LogValue is what is not secret of it, which is all.
func (f readerFlags) LogValue() slog.Value {
	return slog.GroupValue(slog.String("listen", f.listen), slog.Bool("allow-unauthenticated", f.allowUnauthenticated),
		slog.String("auth", f.auth), slog.String("audience", f.audience),
		slog.String("proxy-ca-file", f.proxyCAFile), slog.String("proxy-secret-file", f.proxySecretFile))
}

// A guard decides who reads the hub, and what.
type guard interface {
	Around(next http.Handler) http.Handler
	Scope(r *http.Request) (hub.Scope, error)
	ReaderOf(r *http.Request) (key string, known bool)
}

// readers are how those are known who read the hub.
type readers struct {
	guard
	auth string // of --auth
}

// newReaders returns the guard that the flags ask for.
func newReaders(f readerFlags, fleet *fleet, meter *metricsapi.Meter, log *slog.Logger) (readers, error) {
	if f.auth == authNone {
		log.Warn("nobody is asked who he is: whoever reaches the hub may read everything", "listen", f.listen)
		open, err := access.NewOpen(f.listen)
		return readers{open, f.auth}, err
	}
	if f.inClear {
		log.Warn("the hub speaks no TLS itself: readers' tokens travel in the clear up to what ends TLS before it", "listen", f.listen)
	}
	gate, err := newGate(f, fleet, meter, log)
	return readers{gate, f.auth}, err
}

func newGate(f readerFlags, fleet *fleet, meter *metricsapi.Meter, log *slog.Logger) (*access.Gate, error) {
	client := rest.CopyConfig(binary(fleet.client))
	client.QPS = -1 // no limit beside those of access, which knows what may wait
	reviews, err := kubernetes.NewForConfig(client)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	config := access.Config{
		Tokens:     reviews.AuthenticationV1().TokenReviews(),
		Rights:     reviews.AuthorizationV1().SubjectAccessReviews(),
		Audience:   f.audience,
		Namespaces: fleet.namespaces,
		Meter:      meter,
		Log:        log,
	}
	if f.proxySecretFile != "" {
		config.ProxySecret = func() (string, error) { return readSecret(f.proxySecretFile) }
		if _, err := config.ProxySecret(); err != nil {
			return nil, daemon.Usagef("invalid value %q for flag -proxy-auth-secret-file: %w", f.proxySecretFile, err)
		}
	}
	gate := access.New(config)
	meter.Sessions(gate.Sessions)
	return gate, nil
}

// readSecret reads a secret, anew each time, because it may be replaced.
func readSecret(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := strings.TrimSpace(string(data))
	if len(secret) < minSecretBytes {
		return "", fmt.Errorf("read secret %s: want at least %d bytes, not %d", file, minSecretBytes, len(secret))
	}
	return secret, nil
}
