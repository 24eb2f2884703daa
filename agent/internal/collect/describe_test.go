package collect_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A description is a fixture's text, testdata/NAME.node: what node it is, and
// what kubemon must say of it. testdata/README.md explains the format.
type description struct {
	comment string
	node    []*statement
	expect  []*statement
}

// A statement is one line of a description with the lines indented below it.
type statement struct {
	line    int
	name    string   // the first word: what the line says
	words   []string // the other words that are no options
	options []option // the words of the form key=value
	n       uint64   // the option n, 1 without it
	text    string   // what the lines below that begin with | say
	body    []*statement
}

type option struct{ key, value string }

// lineError names the line of a description that is wrong.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string { return fmt.Sprintf("%d: %v", e.line, e.err) }
func (e lineError) Unwrap() error { return e.err }

// at names the line of an error that does not name one yet.
func at(line int, err error) error {
	if _, named := errors.AsType[lineError](err); named || err == nil {
		return err
	}
	return lineError{line, err}
}

// readDescription reads a fixture's text. Errors are FILE:LINE: what is wrong.
func readDescription(file string) (description, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return description{}, err
	}
	d, err := parseDescription(string(data))
	if err != nil {
		return description{}, fmt.Errorf("%s:%w", file, err)
	}
	return d, nil
}

func parseDescription(text string) (description, error) {
	var d description
	open := []*statement{{}} // the statement above, by level; first the file
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		content := strings.TrimLeft(line, " ")
		if content == "" || content[0] == '#' {
			if len(open) == 1 && len(open[0].body) == 0 {
				d.comment += strings.TrimPrefix(content, "#")
			}
			continue
		}
		indent := len(line) - len(content)
		level := indent / 2
		if indent%2 != 0 || level >= len(open) {
			return d, lineError{i + 1, fmt.Errorf("indented by %d, want at most %d and two more for each level", indent, 2*len(open)-2)}
		}
		open = open[:level+1]
		above := open[level]
		if text, ok := strings.CutPrefix(content, "|"); ok {
			above.text += text + "\n"
			continue
		}
		s, err := parseStatement(i+1, content)
		if err != nil {
			return d, at(i+1, err)
		}
		above.body = append(above.body, s)
		open = append(open, s)
	}
	return d, d.split(open[0].body, len(lines))
}

// split takes the statements apart: those below "expect" are the expectation.
func (d *description) split(all []*statement, lines int) error {
	for _, s := range all {
		if s.name == "expect" {
			d.expect = append(d.expect, s.body...)
			continue
		}
		d.node = append(d.node, s)
	}
	if strings.TrimSpace(d.comment) == "" {
		return lineError{1, errors.New("want a comment first: what the node is, and what is told wrong of it")}
	}
	if len(d.expect) == 0 {
		return lineError{lines, errors.New("want a line expect, with the expected snapshot below it")}
	}
	return nil
}

var (
	shortForm  = regexp.MustCompile(`\{([puhc])([0-9a-f]{1,8})\}`)
	optionForm = regexp.MustCompile(`^([A-Za-z0-9_.:@-]+)=`)
)

// parseStatement parses a line without its indentation.
func parseStatement(line int, content string) (*statement, error) {
	s := &statement{line: line, n: 1}
	rest := shortForm.ReplaceAllStringFunc(content, longForm)
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key := optionForm.FindString(rest)
		value, after, err := parseWord(rest[len(key):])
		if err != nil {
			return nil, err
		}
		rest = after
		switch {
		case key != "":
			s.options = append(s.options, option{strings.TrimSuffix(key, "="), value})
		case s.name == "":
			s.name = value
		default:
			s.words = append(s.words, value)
		}
	}
	if s.name == "" {
		return nil, errors.New("want a word first that is no option")
	}
	return s, s.takeNumber()
}

// parseWord parses up to the next blank, or what is in quotation marks as in Go.
func parseWord(text string) (word, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		word, rest, _ = strings.Cut(text, " ")
		return word, rest, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", fmt.Errorf("%s is not quoted as in Go", text)
	}
	word, err = strconv.Unquote(quoted)
	return word, text[len(quoted):], err
}

// takeNumber takes the option n, the number that all of a thing's counters are
// made of.
func (s *statement) takeNumber() (err error) {
	i := slices.IndexFunc(s.options, func(o option) bool { return o.key == "n" })
	if i < 0 {
		return nil
	}
	if s.n, err = strconv.ParseUint(s.options[i].value, 10, 64); err != nil {
		return fmt.Errorf("n=%s, want a number", s.options[i].value)
	}
	s.options = slices.Delete(s.options, i, i+1)
	return nil
}

// longForm writes out the short form of an identity: {p1} is the UID of a pod,
// {u1} the same with underscores, {h1} the hash of a static pod, {c1} the ID of
// a container, each with its digits repeated.
func longForm(short string) string {
	digits := strings.Repeat(short[2:len(short)-1], 64)
	uid := []string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]}
	switch short[1] {
	case 'p':
		return strings.Join(uid, "-")
	case 'u':
		return strings.Join(uid, "_")
	case 'h':
		return digits[:32]
	}
	return digits[:64]
}

// takes checks how many words the statement has, and that its options are
// among keys.
func (s *statement) takes(words int, keys ...string) error {
	if len(s.words) != words {
		return fmt.Errorf("%s with %d words %q, want %d", s.name, len(s.words), s.words, words)
	}
	for _, o := range s.options {
		if !slices.Contains(keys, o.key) {
			return fmt.Errorf("%s takes no option %s, want one of %q", s.name, o.key, keys)
		}
	}
	return nil
}

// option returns an option's value, "" without it.
func (s *statement) option(key string) string {
	for _, o := range s.options {
		if o.key == key {
			return o.value
		}
	}
	return ""
}

// list returns the parts of an option that are separated by commas.
func (s *statement) list(key string) []string {
	if value := s.option(key); value != "" {
		return strings.Split(value, ",")
	}
	return nil
}

// take removes a word and reports whether it was there.
func (s *statement) take(word string) bool {
	i := slices.Index(s.words, word)
	if i < 0 {
		return false
	}
	s.words = slices.Delete(s.words, i, i+1)
	return true
}
