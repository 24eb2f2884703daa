package scrape

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// How much of what others say gets into an error, in bytes.
const (
	maxWords = 200 // of one thing that they said
	maxError = 500 // in all
)

// presentable is the gate through which every error leaves the package: into
// logs, and to whoever may read the hub's status. It is a line long, whoever
// chose its words, and has no part of the hub's token, which a peer that was
// sent it can put anywhere. What is not wraps nothing any more.
func (s *Scraper) presentable(agent hub.Agent, err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case s.token.isIn(text):
		return fmt.Errorf("get %s: %s", agent.URL, "the answer is left out, for it repeats the hub's token")
	case len(text) > maxError:
		return errors.New(shorten(text, maxError))
	}
	return err
}

// cut keeps an agent's words in an error to a line's length. A token that they
// have is left out, whosoever it is.
func cut(s string) string {
	const token = "eyj" // how each JWT begins, {" in base64, in any case
	if strings.Contains(strings.ToLower(s), token) {
		return "(left out: it may hold a token)"
	}
	return shorten(s, maxWords)
}

func shorten(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

// Unquoted is what a decoder says of what came from a peer, without the values
// that it quotes.
func Unquoted(err error) error {
	var b strings.Builder
	rest := err.Error()
	for {
		before, _, found := strings.Cut(rest, `"`)
		b.WriteString(before)
		if !found {
			break
		}
		b.WriteString(`"…"`)
		quoted, err := strconv.QuotedPrefix(rest[len(before):])
		if err != nil {
			break // where it ends is not known
		}
		rest = rest[len(before)+len(quoted):]
	}
	return errors.New(cut(b.String()))
}

// letters are the letters and digits of a text, those of ASCII, in lower case:
// what is left of a token that was taken apart, or written in another case.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}
