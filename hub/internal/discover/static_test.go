package discover

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/hub"
)

func TestNewStatic(t *testing.T) {
	s, err := NewStatic([]string{"http://10.0.0.7:10290", "https://node2/", "http://[::1]:10290/", "http://NODE3"})
	if err != nil {
		t.Fatal(err)
	}
	want := []hub.Agent{
		{URL: "http://10.0.0.7:10290", Ready: true},
		{URL: "https://node2:443", Ready: true},
		{URL: "http://[::1]:10290", Ready: true},
		{URL: "http://node3:80", Ready: true},
	}
	if d := cmp.Diff(want, s.Agents()); d != "" {
		t.Errorf("Agents (-want +got):\n%s", d)
	}
	if s.Changed() != nil {
		t.Error("a list that never changes has a channel that says so")
	}
}

func TestNewStaticRefuses(t *testing.T) {
	tests := []struct {
		name string
		urls []string
		want string // in the error, beside the URL
	}{
		{"nothing", nil, "no agent is given"},
		{"empty", []string{""}, "http://"},
		{"no scheme", []string{"10.0.0.7:10290"}, "first path segment"},
		{"host and port only", []string{"node1:10290"}, "http://"},
		{"other scheme", []string{"ftp://node1"}, "http://"},
		{"no host", []string{"http://:10290"}, "host is missing"},
		{"host that is none", []string{"http://node 1"}, "invalid character"},
		{"host with other characters", []string{"http://node1,node2"}, "neither a name nor"},
		{"path", []string{"http://node1/snapshot"}, "/snapshot is added"},
		{"query", []string{"http://node1?x=1"}, "/snapshot is added"},
		{"empty query", []string{"http://node1?"}, "/snapshot is added"},
		{"fragment", []string{"http://node1#x"}, "/snapshot is added"},
		{"user", []string{"http://me@node1"}, "does not belong"},
		{"port is a word", []string{"http://node1:http"}, "port"},
		{"port 0", []string{"http://node1:0"}, "65535"},
		{"port too big", []string{"http://node1:65536"}, "65535"},
		{"no port behind the colon is the default twice", []string{"http://node1", "http://node1:"}, "given twice"},
		{"control character", []string{"http://node1\x7f"}, "control character"},
		{"twice", []string{"http://node1:80", "http://node1/"}, "given twice"},
		{"twice in other letters", []string{"http://node1", "HTTP://Node1"}, "given twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewStatic(tt.urls)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("NewStatic(%q) = %v, want an error with %q", tt.urls, err, tt.want)
			}
			if n := strings.Count(err.Error(), "\n"); n > 0 {
				t.Errorf("error has %d line breaks: %q", n, err)
			}
		})
	}
}

func FuzzBaseURL(f *testing.F) {
	for _, s := range []string{"http://10.0.0.7:10290", "https://[fe80::1%25eth0]:1/", "http://a:b@c/d?e#f", "::", "http://[::1", "http://[::%25\x90]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := baseURL(s)
		if err != nil {
			return
		}
		if twice, err := baseURL(once); err != nil || twice != once {
			t.Errorf("baseURL(%q) = %q, of which baseURL makes %q, %v", s, once, twice, err)
		}
	})
}
