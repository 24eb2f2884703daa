package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/kubemon/kubemon/shared/certificate"
	"github.com/kubemon/kubemon/shared/daemon"
)

// Kinds of --tls.
const (
	tlsOff        = "off"
	tlsSelfSigned = "self-signed"
	tlsFiles      = "files"
)

// tlsFlags say what the hub shows of itself to who connects.
type tlsFlags struct{ mode, certFile, keyFile string }

func (f *tlsFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.mode, "tls", tlsOff, "`how` the hub's own port speaks TLS: off, self-signed or files")
	flags.StringVar(&f.certFile, "tls-cert-file", "", "`file` with the hub's certificate and what certifies it, for files; read again as it changes")
	flags.StringVar(&f.keyFile, "tls-key-file", "", "`file` with its key, for files; read again as it changes")
}

func (f *tlsFlags) check() error {
	switch {
	case f.mode != tlsOff && f.mode != tlsSelfSigned && f.mode != tlsFiles:
		return daemon.Usagef("invalid value %q for flag -tls: want off, self-signed or files", f.mode)
	case f.mode == tlsFiles && (f.certFile == "" || f.keyFile == ""):
		return daemon.Usagef("-tls=files needs -tls-cert-file and -tls-key-file")
	case f.mode != tlsFiles && (f.certFile != "" || f.keyFile != ""):
		return daemon.Usagef("-tls-cert-file and -tls-key-file are for -tls=files, not %s", f.mode)
	}
	return nil
}

func (f *tlsFlags) on() bool { return f.mode != tlsOff }

// LogValue names the files and not what is in them.
func (f tlsFlags) LogValue() slog.Value {
	return slog.GroupValue(slog.String("mode", f.mode), slog.String("cert-file", f.certFile), slog.String("key-file", f.keyFile))
}

// newTLS returns what the hub's port speaks, nil for plain HTTP, and what keeps
// its certificate current. clientCAFile is that of a proxy, or empty.
func newTLS(f tlsFlags, clientCAFile string, log *slog.Logger) (*tls.Config, func(context.Context), error) {
	if !f.on() {
		return nil, func(context.Context) {}, nil
	}
	keeper, err := certificate.NewSelfSigned(program, log)
	if f.mode == tlsFiles {
		keeper, err = certificate.NewFiles(f.certFile, f.keyFile, log)
	}
	if err != nil {
		return nil, nil, err
	}
	config := keeper.TLSConfig("h2", "http/1.1")
	if clientCAFile != "" {
		err = knowProxy(config, clientCAFile, log)
	}
	return config, keeper.Run, err
}

// knowProxy has clients asked for a certificate of the authority, which need not
// have one.
func knowProxy(config *tls.Config, file string, log *slog.Logger) error {
	first, err := readAuthority(file)
	if err != nil {
		return daemon.Usagef("invalid value %q for flag -proxy-auth-ca-file: %w", file, err)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	plain := config.Clone()
	authority := &proxyAuthority{file: file, log: log, last: first}
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		current := plain.Clone()
		current.ClientCAs = authority.current()
		return current, nil
	}
	return nil
}

// proxyAuthority is what certifies a proxy: what the file said last. Without it
// nobody could connect any more, the kubelet's probes included.
type proxyAuthority struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex // held to look at, or change, what is below it
	last *x509.CertPool
	told string // the error that the log has, until there is none
}

// current reads the file with every connection, for it may be replaced, and
// costs less than the handshake.
func (a *proxyAuthority) current() *x509.CertPool {
	authority, err := readAuthority(a.file)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.last, a.told = authority, ""
	} else if err.Error() != a.told {
		a.told = err.Error()
		a.log.Warn("the authority of the proxy cannot be read: what it was counts on", "file", a.file, "err", err)
	}
	return a.last
}

func readAuthority(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(data) {
		return nil, errors.New("read authority: the file has no certificate in PEM")
	}
	return authority, nil
}
