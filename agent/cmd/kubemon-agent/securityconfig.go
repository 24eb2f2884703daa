package main

import (
	"flag"
	"log/slog"
	"net/url"
	"strings"

	"github.com/kubemon/kubemon/shared/daemon"
)

// The values of --auth and --tls.
const (
	authNone  = "none"
	authToken = "token"

	tlsOff        = "off"
	tlsSelfSigned = "self-signed"
	tlsAttested   = "attested"
	tlsFiles      = "files"
)

// securityConfig is what flags and environment say of who may ask, and how.
type securityConfig struct {
	allowUnauthenticated bool

	auth, audience, subjects string
	issuer, jwks             string // empty: the cluster's
	tls, certFile, keyFile   string

	serviceAccountFolder string
	apiHost, apiPort     string // empty: this is no pod
}

func (c *securityConfig) flags(flags *flag.FlagSet, lookupEnv func(string) (string, bool)) {
	c.apiHost, _ = lookupEnv("KUBERNETES_SERVICE_HOST")
	c.apiPort, _ = lookupEnv("KUBERNETES_SERVICE_PORT")
	flags.BoolVar(&c.allowUnauthenticated, "allow-unauthenticated", false, "listen on an address that other machines reach, though nobody is asked who they are")
	flags.StringVar(&c.auth, "auth", authNone, "`how` those who ask say who they are: none, or token for a service account token")
	flags.StringVar(&c.audience, "auth-audience", "kubemon-agent", "`audience` that tokens must be for")
	flags.StringVar(&c.subjects, "auth-subjects", "", "`who` may ask, with --auth=token: system:serviceaccount:NAMESPACE:NAME, several with commas between")
	flags.StringVar(&c.issuer, "auth-issuer", "", "`issuer` of the tokens; the cluster's unless given")
	flags.StringVar(&c.jwks, "jwks", "", "`file or https URL` of the keys that tokens are signed with; the cluster's unless given")
	flags.StringVar(&c.tls, "tls", "", "`kind` of certificate: off, self-signed, attested or files; self-signed with --auth=token, else off, unless given")
	flags.StringVar(&c.certFile, "tls-cert-file", "", "`file` of the certificate, for --tls=files")
	flags.StringVar(&c.keyFile, "tls-key-file", "", "`file` of its key, for --tls=files")
	flags.StringVar(&c.serviceAccountFolder, "service-account-folder", "/var/run/secrets/kubernetes.io/serviceaccount", "`folder` of the pod's own token and of the cluster's ca.crt")
}

// check checks the flags against each other and against the address, and fills
// in what follows from others. listen is empty unless it was given.
func (c *securityConfig) check(listen *string) error {
	if c.auth != authNone && c.auth != authToken {
		return daemon.Usagef("invalid value %q for flag -auth: want %s or %s", c.auth, authNone, authToken)
	}
	known := c.auth == authToken
	if *listen == "" {
		if *listen = "127.0.0.1:10290"; known {
			*listen = ":10290"
		}
	}
	if c.tls == "" {
		if c.tls = tlsOff; known {
			c.tls = tlsSelfSigned
		}
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	if !known {
		return daemon.CheckListen(*listen, c.allowUnauthenticated)
	}
	loopback, err := daemon.Loopback(*listen)
	if err != nil {
		return err
	}
	if c.tls == tlsOff && !loopback {
		return daemon.Usagef("--tls=off with --auth=token on %s would have tokens sent in the clear: listen on 127.0.0.1, or let there be TLS", *listen)
	}
	return c.checkTokens()
}

func (c *securityConfig) checkTLS() error {
	switch c.tls {
	case tlsOff, tlsSelfSigned:
	case tlsAttested:
		if c.apiHost == "" {
			return daemon.Usagef("--tls=attested asks an API server, and this is no pod in a cluster: there is no KUBERNETES_SERVICE_HOST")
		}
	case tlsFiles:
		if c.certFile == "" || c.keyFile == "" {
			return daemon.Usagef("--tls=files wants --tls-cert-file and --tls-key-file")
		}
	default:
		return daemon.Usagef("invalid value %q for flag -tls: want %s, %s, %s or %s", c.tls, tlsOff, tlsSelfSigned, tlsAttested, tlsFiles)
	}
	if c.tls != tlsFiles && c.certFile+c.keyFile != "" {
		return daemon.Usagef("--tls-cert-file and --tls-key-file are for --tls=files, not --tls=%s", c.tls)
	}
	return nil
}

func (c *securityConfig) checkTokens() error {
	if c.subjects == "" {
		return daemon.Usagef("--auth=token wants --auth-subjects: who may ask, such as system:serviceaccount:kubemon:kubemon-hub")
	}
	for _, subject := range strings.Split(c.subjects, ",") {
		name, ok := strings.CutPrefix(subject, "system:serviceaccount:")
		namespace, account, two := strings.Cut(name, ":")
		if !ok || !two || namespace == "" || account == "" || strings.Contains(account, ":") {
			return daemon.Usagef("invalid value %q for flag -auth-subjects: want system:serviceaccount:NAMESPACE:NAME, several with commas between", subject)
		}
	}
	if c.audience == "" {
		return daemon.Usagef("invalid value \"\" for flag -auth-audience: want a name")
	}
	if c.jwks == "" && c.apiHost == "" {
		return daemon.Usagef("no keys to check tokens with: this is no pod in a cluster, so give --jwks")
	}
	return checkKeysPlace(c.jwks)
}

// checkKeysPlace checks the value of --jwks. The log has it, so that there must
// be no secret in it, and nor does the error say what it is if there is one.
func checkKeysPlace(place string) error {
	if !strings.Contains(place, "://") {
		return nil
	}
	address, err := url.Parse(place)
	switch {
	case err != nil || address.User != nil:
		return daemon.Usagef("invalid value for flag -jwks: want a file or an https URL, without user and password")
	case address.Scheme != "https" || address.Hostname() == "" || address.Fragment != "":
		return daemon.Usagef("invalid value %q for flag -jwks: want a file or an https URL with a host and without fragment", place)
	}
	return nil
}

// LogValue is the effective configuration in the log. There is no secret in it.
func (c securityConfig) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Bool("allow-unauthenticated", c.allowUnauthenticated), slog.String("auth", c.auth), slog.String("auth-audience", c.audience),
		slog.String("auth-subjects", c.subjects), slog.String("auth-issuer", c.issuer), slog.String("jwks", c.jwks),
		slog.String("tls", c.tls), slog.String("tls-cert-file", c.certFile), slog.String("tls-key-file", c.keyFile),
	)
}
