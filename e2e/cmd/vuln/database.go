package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"
)

// index is what every database of Go vulnerabilities has, and small.
const index = "index/db.json"

// defaultDatabase returns the URL that govulncheck asks when it is told none.
// Only its help tells, so that is what is read.
func defaultDatabase(ctx context.Context, govulncheck tool) (string, error) {
	var help bytes.Buffer
	code, err := govulncheck(ctx, &help, "-h")
	if err != nil {
		return "", fmt.Errorf("ask govulncheck for its database: %w", err)
	}
	match := regexp.MustCompile(`(?m)^\s+-db url\n.*\(default "([^"]+)"\)$`).FindSubmatch(help.Bytes())
	if code != 0 || match == nil {
		return "", fmt.Errorf("ask govulncheck for its database: exit code %d, expected the default of -db in\n%s",
			code, bytes.TrimSpace(help.Bytes()))
	}
	return string(match[1]), nil
}

// An unreachableError says that nobody answered for the database.
type unreachableError struct {
	database string
	err      error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("no answer from the database at %s: %v", e.database, e.err)
}

func (e *unreachableError) Unwrap() error { return e.err }

// reach asks the database for its index, for as long as wait. The error is an
// *unreachableError when there was no answer, for which this machine's network
// may be the reason; a wrong answer is another error. A database in a folder
// needs no network: govulncheck says itself what is wrong with it.
func reach(ctx context.Context, database string, wait time.Duration) error {
	parsed, err := url.Parse(database)
	if err != nil {
		return fmt.Errorf("parse database URL: %w", err)
	}
	switch parsed.Scheme {
	case "file":
		return nil
	case "http", "https":
	default:
		return fmt.Errorf("database %q: expected a URL that begins with https, http or file", database)
	}
	asking, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	request, err := http.NewRequestWithContext(asking, http.MethodGet, parsed.JoinPath(index).String(), nil)
	if err != nil {
		return fmt.Errorf("ask database: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return noAnswer(ctx, database, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask database: %s answers %s, expected 200 OK", request.URL, response.Status)
	}
	return nil
}

// noAnswer tells a database that is out of reach from one that answered with a
// certificate of somebody else, and from a person who does not want to wait.
func noAnswer(ctx context.Context, database string, err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || ctx.Err() != nil {
		return fmt.Errorf("ask database: %w", err)
	}
	cause := err
	if outer, ok := errors.AsType[*url.Error](err); ok {
		cause = outer.Err // The URL is in our own message.
	}
	return &unreachableError{database: database, err: cause}
}
