package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// readEvery is how often files are looked at for another certificate.
const readEvery = 10 * time.Second

// NewFiles reads a certificate chain and its key, in PEM, and reads them again
// as they change. What is put there and is no pair is named in the log once,
// and the last good pair stays.
func NewFiles(certificateFile, keyFile string, log *slog.Logger) (*Keeper, error) {
	f := &files{certificateFile: certificateFile, keyFile: keyFile}
	k := &Keeper{log: log, issue: f.issue}
	return k, k.take(context.Background())
}

// files are where a pair is, and what was there last. Who calls issue owns it.
type files struct {
	certificateFile, keyFile string
	certificate, key         []byte
	last                     issued
}

func (f *files) issue(context.Context) (issued, error) {
	certificate, err := os.ReadFile(f.certificateFile)
	if err != nil {
		return issued{}, fmt.Errorf("read certificate: %w", err)
	}
	key, err := os.ReadFile(f.keyFile)
	if err != nil {
		return issued{}, fmt.Errorf("read key: %w", err)
	}
	next := f.last
	if next.certificate == nil || !bytes.Equal(certificate, f.certificate) || !bytes.Equal(key, f.key) {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			return issued{}, fmt.Errorf("read certificate %s with key %s: %w", f.certificateFile, f.keyFile, err)
		}
		next = issued{certificate: &pair, expires: pair.Leaf.NotAfter}
	}
	next.renew = time.Now().Add(readEvery)
	f.certificate, f.key, f.last = certificate, key, next
	return next, nil
}
