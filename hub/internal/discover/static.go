package discover

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/kubemon/kubemon/hub"
)

// A Static is a list of agents that was given and never changes.
type Static struct {
	agents []hub.Agent
}

// NewStatic checks the agents' base addresses, "http://10.0.0.7:10290". The
// error names the first one that is none or that is given twice.
func NewStatic(urls []string) (*Static, error) {
	if len(urls) == 0 {
		return nil, errors.New("no agent is given; expected addresses such as http://10.0.0.7:10290")
	}
	s := &Static{}
	seen := make(map[string]bool, len(urls))
	for _, given := range urls {
		address, err := baseURL(given)
		if err != nil {
			return nil, fmt.Errorf("agent URL %q: %w", given, err)
		}
		if seen[address] {
			return nil, fmt.Errorf("agent URL %q: given twice", given)
		}
		seen[address] = true
		s.agents = append(s.agents, hub.Agent{URL: address, Ready: true})
	}
	return s, nil
}

// Agents returns the agents in the order they were given.
func (s *Static) Agents() []hub.Agent { return s.agents }

// Changed returns nil, as the list never changes.
func (s *Static) Changed() <-chan struct{} { return nil }

// baseURL returns the address in the one form that two equal ones share.
func baseURL(given string) (string, error) {
	u, err := url.Parse(given)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return "", e.Err // the rest of it repeats the URL
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("expected it to begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("the host is missing; expected http://host:port")
	case strings.ContainsFunc(u.Hostname(), foreignToHosts):
		return "", errors.New("the host is neither a name nor an IP address")
	case u.User != nil:
		return "", errors.New("a user or password does not belong here")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "", errors.New("expected nothing behind host and port; /snapshot is added")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("port %s is not between 1 and 65535", port)
	}
	base := url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(strings.ToLower(u.Hostname()), port)}
	return base.String(), nil
}

// foreignToHosts reports characters that neither names nor IP addresses, with
// their zone ("fe80::1%eth0"), have.
func foreignToHosts(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune(".-_:%", r)
}
