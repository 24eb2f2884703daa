package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/kubemon/kubemon/shared/identity"
)

// A Token is the hub's own, which it shows to agents: a service account token
// in a file that the kubelet writes anew before it expires.
type Token struct{ file file[bearer] }

type bearer struct {
	header  string // of Authorization
	letters string // of the token
	expiry  time.Time
}

// NewToken returns the token of a file, which need not be there yet.
func NewToken(path string, log *slog.Logger) *Token {
	return &Token{file[bearer]{path: path, parse: parseToken, log: log}}
}

// parseToken checks the form only: whether it is good is for the agents to say.
// Its errors quote nothing of what may be a token.
func parseToken(content []byte) (bearer, error) {
	text := string(bytes.TrimSpace(content))
	if text == "" {
		return bearer{}, errors.New("it is empty, expected a service account token")
	}
	claims, err := identity.Peek(text)
	if err != nil {
		return bearer{}, err
	}
	return bearer{header: "Bearer " + text, letters: letters(text), expiry: claims.Expiry}, nil
}

// authorization is the header with the token that the file has, or had when it
// was last whole, as long as that has not expired.
func (t *Token) authorization() (string, error) {
	last, err := t.file.latest()
	switch {
	case last == nil:
		return "", err
	case err != nil && time.Now().After(last.expiry):
		return "", fmt.Errorf("%w; the token that it had has expired", err)
	}
	return last.header, nil
}

// isIn reports whether a text has a part of the token: so many of its letters on
// end as are no accident, whatever stands between them.
func (t *Token) isIn(text string) bool {
	const part = 12
	if t == nil {
		return false
	}
	last, _ := t.file.latest()
	if last == nil {
		return false // it was never sent
	}
	text = letters(text)
	for i := range len(text) - part + 1 {
		if strings.Contains(last.letters, text[i:i+part]) {
			return true
		}
	}
	return false
}
