package rest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/rest"
)

// A block is a fenced part of a page.
type block struct {
	line     int
	language string
	text     string
}

func blocksOf(t *testing.T, name string) []block {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	for i, line := range strings.Split(string(page), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, language: language}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return blocks
}

// A shell runs the commands of a page: assignments, and curl with the flags
// that the page uses, in this process. What it does not know is an error.
type shell struct {
	hub    string
	vars   map[string]string
	files  map[string]string
	asked  *http.Request // the last
	answer *httptest.ResponseRecorder
}

func (s *shell) run(line string) error {
	if m := regexp.MustCompile(`^([A-Z]+)=\$\((curl .*) \| jq -r \.([a-z]+)\)$`).FindStringSubmatch(line); m != nil {
		if err := s.run(m[2]); err != nil {
			return err
		}
		var answer map[string]any
		if err := json.Unmarshal(s.answer.Body.Bytes(), &answer); err != nil {
			return err
		}
		value, ok := answer[m[3]].(string)
		if !ok {
			return fmt.Errorf("the answer has no text %s", m[3])
		}
		s.vars[m[1]] = value
		return nil
	}
	if m := regexp.MustCompile(`^([A-Z]+)="(.*)\$\(kubectl -n (\S+) create token (\S+) --audience kubemon-hub\)"$`).FindStringSubmatch(line); m != nil {
		s.vars[m[1]] = m[2] + m[3] + "/" + m[4]
		return nil
	}
	if m := regexp.MustCompile(`^([A-Z]+)=(\S+)$`).FindStringSubmatch(line); m != nil {
		s.vars[m[1]] = m[2]
		return nil
	}
	words := regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`).FindAllString(line, -1)
	if len(words) < 2 || words[0] != "curl" {
		return fmt.Errorf("only curl and assignments are known")
	}
	return s.curl(words[1:])
}

// expand reads a word in double quotes.
func (s *shell) expand(word string) string {
	return os.Expand(strings.Trim(word, `"`), func(name string) string { return s.vars[name] })
}

func (s *shell) curl(words []string) error {
	header := http.Header{}
	save, target := "", ""
	for i := 0; i < len(words); i++ {
		switch word := words[i]; word {
		case "-s", "-i", "-N":
		case "--compressed":
			header.Set("Accept-Encoding", "gzip")
		case "-H":
			i++
			name, value, _ := strings.Cut(s.expand(words[i]), ": ")
			header.Set(name, value)
		case "--max-time":
			i++
		case "--etag-save":
			i++
			save = words[i]
		case "--etag-compare":
			i++
			header.Set("If-None-Match", s.files[words[i]])
		default:
			if !strings.HasPrefix(word, `"$HUB/`) || target != "" {
				return fmt.Errorf("curl knows no %s here", word)
			}
			target = s.expand(word)
		}
	}
	req, err := http.NewRequest(http.MethodGet, strings.Replace(target, s.vars["HUB"], s.hub, 1), nil)
	if err != nil {
		return err
	}
	req.Header = header
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	s.asked, s.answer = req, httptest.NewRecorder()
	s.answer.Code = resp.StatusCode
	for name, values := range resp.Header {
		s.answer.Header()[name] = values
	}
	if _, err := io.Copy(s.answer.Body, resp.Body); err != nil {
		return err
	}
	s.files[save] = resp.Header.Get("ETag")
	return nil
}

// documentedHandler knows the two service accounts of the page by their tokens,
// and nobody else.
func documentedHandler(t *testing.T) http.Handler {
	t.Helper()
	scopes := map[string]hub.Scope{
		"Bearer kubemon/kubemon-viewer": hub.Everything(),
		"Bearer shop/reader":            {Namespaces: []string{"shop"}},
	}
	cfg := config(testReader(), t.Output())
	cfg.Scope = func(r *http.Request) (hub.Scope, error) { return scopes[r.Header.Get("Authorization")], nil }
	h, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := scopes[r.Header.Get("Authorization")]; !known {
			http.Error(w, "nobody knows who asks", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// TestTheDocumentedCommandsRun runs each sh block of the page, and holds each
// json block against the answer before it and against the contract.
func TestTheDocumentedCommandsRun(t *testing.T) {
	server := httptest.NewServer(documentedHandler(t))
	defer server.Close()
	document := loadDocument(t, handler(t, testReader()))
	relax(document)
	c := newChecker(t, document)
	s := &shell{hub: server.URL, vars: map[string]string{}, files: map[string]string{}}
	commands, examples := 0, 0
	for _, b := range blocksOf(t, "../../../docs/api.md") {
		switch b.language {
		case "sh":
			for line := range strings.Lines(b.text) {
				commands++
				s.answer = nil
				if err := s.run(strings.TrimSpace(line)); err != nil {
					t.Fatalf("docs/api.md:%d: %s%v", b.line, line, err)
				}
				s.checkAnswer(t, c, line)
			}
		case "json":
			examples++
			if err := s.checkExample(c, b.text); err != nil {
				t.Errorf("docs/api.md:%d: %v", b.line, err)
			}
		default:
			t.Errorf("docs/api.md:%d: a block of %q is not tested", b.line, b.language)
		}
	}
	if commands < 10 || examples < 5 {
		t.Errorf("the page has %d commands and %d examples: the test does not see them", commands, examples)
	}
}

// checkAnswer wants what the page says of a command to have happened.
func (s *shell) checkAnswer(t *testing.T, c checker, line string) {
	t.Helper()
	if s.answer == nil {
		return // an assignment
	}
	want := http.StatusOK
	switch {
	case strings.Contains(line, "soon"):
		want = http.StatusBadRequest
	case strings.Contains(line, "/namespaces/bank"):
		want = http.StatusForbidden
	case strings.Contains(line, "--etag-compare"):
		want = http.StatusNotModified
	}
	if s.answer.Code != want {
		t.Errorf("%s answers %d %s, want %d", line, s.answer.Code, s.answer.Body, want)
	}
	if s.answer.Header().Get("Content-Encoding") == "gzip" {
		r, err := gzip.NewReader(bytes.NewReader(s.answer.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		s.answer.Body = bytes.NewBuffer(plain)
		s.answer.Header().Del("Content-Encoding")
	}
	plain := httptest.NewRequest(http.MethodGet, s.asked.URL.RequestURI(), nil)
	if _, err := c.check(t.Context(), plain, s.answer); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}

// checkExample wants the example to be good by the contract, and each of its
// names to be in the answer of the last command, with a value of its kind. An
// example may be a part of an answer.
func (s *shell) checkExample(c checker, text string) error {
	text = strings.ReplaceAll(strings.TrimSpace(text), `, "…": null`, "")
	if !strings.HasPrefix(text, "{") {
		text = `{"apiVersion": "kubemon.io/v1", "time": "2026-01-02T03:04:05Z", ` + text + "}"
	}
	var example, answer any
	if err := json.Unmarshal([]byte(text), &example); err != nil {
		return fmt.Errorf("parse example: %w", err)
	}
	route, _, err := c.router.FindRoute(httptest.NewRequest(http.MethodGet, s.asked.URL.RequestURI(), nil))
	if err != nil {
		return err
	}
	data := s.answer.Body.Bytes()
	contentType := s.answer.Header().Get("Content-Type")
	schema := route.Operation.Responses.Status(s.answer.Code).Value.Content.Get(contentType).Schema.Value
	if contentType == "text/event-stream" {
		_, event, _ := strings.Cut(string(data), "data: ")
		data = []byte(event[:strings.IndexByte(event, '\n')])
		schema = route.Spec.Components.Schemas["Tick"].Value
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	if err := schema.VisitJSON(example, openapi3.EnableJSONSchema2020()); err != nil {
		return fmt.Errorf("the example is not what the contract says: %w", err)
	}
	there := flatten("", answer)
	for name, value := range flatten("", example) {
		if strings.HasPrefix(name, "unavailable.") {
			continue // names and reasons there are as many as there are faults
		}
		real, ok := there[name]
		if !ok {
			return fmt.Errorf("no answer has %s", name)
		}
		if value != nil && real != nil && fmt.Sprintf("%T", value) != fmt.Sprintf("%T", real) {
			return fmt.Errorf("%s is %v; in answers it is like %v", name, value, real)
		}
	}
	return nil
}
