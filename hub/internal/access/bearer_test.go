package access

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBearer(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		token  string
		given  bool
		bad    string // in the error
	}{
		{"none", nil, "", false, ""},
		{"token", []string{"Bearer abc"}, "abc", true, ""},
		{"lower case", []string{"bearer  abc"}, "abc", true, ""},
		{"longest", []string{"Bearer " + strings.Repeat("a", maxTokenBytes)}, strings.Repeat("a", maxTokenBytes), true, ""},
		{"too long", []string{"Bearer " + strings.Repeat("a", maxTokenBytes+1)}, "", true, "more than 16384 bytes"},
		{"two", []string{"Bearer a", "Bearer b"}, "", true, "2 Authorization headers"},
		{"basic", []string{"Basic YTpi"}, "", true, "Bearer TOKEN"},
		{"bare", []string{"abc"}, "", true, "Bearer TOKEN"},
		{"empty", []string{""}, "", true, "Bearer TOKEN"},
		{"empty token", []string{"Bearer "}, "", true, "empty"},
		{"space", []string{"Bearer a b"}, "", true, "characters"},
		{"control", []string{"Bearer a\x00b"}, "", true, "characters"},
		{"no ASCII", []string{"Bearer é"}, "", true, "characters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, given, err := bearer(tt.values)
			if given != tt.given || (err != nil) != (tt.bad != "") || err == nil && token != tt.token {
				t.Fatalf("bearer = %q, %t, %v", token, given, err)
			}
			if err != nil && !strings.Contains(err.Error(), tt.bad) {
				t.Errorf("bearer: %v, want %q", err, tt.bad)
			}
		})
	}
}

func TestPeek(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	head, sign := part(`{"alg":"RS256"}`), part("s")
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	tests := []struct {
		name  string
		token string
		want  claims
		bad   bool
	}{
		{"opaque", "abcdef.0123456789", claims{opaque: true}, false},
		{"three words", "a.b.c", claims{opaque: true}, false},
		{"no algorithm", part(`{}`) + "." + part(`{}`) + "." + sign, claims{opaque: true}, false},
		{"without claims", head + "." + part(`{}`) + "." + sign, claims{}, false},
		{"list", head + "." + part(`{"aud":["a","b"],"exp":7}`) + "." + sign, claims{audiences: []string{"a", "b"}, expires: at(7)}, false},
		{"string", head + "." + part(`{"aud":"a","exp":7.9}`) + "." + sign, claims{audiences: []string{"a"}, expires: at(7)}, false},
		{"never", head + "." + part(`{"exp":1e300}`) + "." + sign, claims{expires: at(1 << 33)}, false},
		{"before all time", head + "." + part(`{"exp":-1e300}`) + "." + sign, claims{expires: at(1)}, false},
		{"claims of no JSON", head + ".e30x." + sign, claims{}, true},
		{"claims of no base64", head + ".%%." + sign, claims{}, true},
		{"wrong audience", head + "." + part(`{"aud":{}}`) + "." + sign, claims{}, true},
		{"wrong expiry", head + "." + part(`{"exp":"soon"}`) + "." + sign, claims{}, true},
		{"no signature", head + "." + part(`{}`) + ".", claims{}, true},
		{"bad signature", head + "." + part(`{}`) + ".%", claims{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := peek(tt.token)
			if (err != nil) != tt.bad {
				t.Fatalf("peek: %v", err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(claims{})); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzAuthorization wants a token or a refusal that names nothing of what was
// sent.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{"", "Bearer ", "Bearer a.b.c", "bearer eyJhbGciOiJub25lIn0.eyJleHAiOjF9.x", "Basic x", "Bearer \x00", "Bearer  x"} {
		f.Add(seed)
	}
	f.Add("Bearer " + jwt(f, map[string]any{"aud": "x", "exp": 1e18}))
	f.Fuzz(func(t *testing.T, value string) {
		token, given, err := bearer([]string{value})
		if !given {
			t.Fatal("a header that was sent was not given")
		}
		if err != nil {
			if _, ok := errors.AsType[*refusal](err); !ok {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if token == "" || len(token) > maxTokenBytes || strings.ContainsAny(token, " \r\n\x00") || !strings.HasSuffix(value, token) {
			t.Fatalf("token %q of %q", token, value)
		}
		c, err := peek(token)
		if err == nil && !c.expires.IsZero() && (c.expires.Unix() < 1 || c.expires.Unix() > 1<<33) {
			t.Fatalf("the token ends at %v", c.expires)
		}
	})
}
