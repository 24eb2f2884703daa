package access

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
)

// maxTokenBytes bounds a token. Those of service accounts have one kilobyte,
// those of identity providers sometimes many groups.
const maxTokenBytes = 16 << 10

// bearer takes the token out of the values of a request's Authorization
// header. given is false if there is no such header.
func bearer(values []string) (token string, given bool, err error) {
	if len(values) == 0 {
		return "", false, nil
	}
	if len(values) > 1 {
		return "", true, malformed("the request has %d Authorization headers; send one", len(values))
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", true, malformed(`the Authorization header is not "Bearer TOKEN"`)
	}
	token = strings.TrimLeft(token, " ")
	return token, true, checkToken(token)
}

// checkToken refuses what no token looks like.
func checkToken(token string) error {
	if token == "" {
		return malformed("the token is empty")
	}
	if len(token) > maxTokenBytes {
		return malformed("the token has more than %d bytes", maxTokenBytes)
	}
	if strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return malformed("the token has characters that no token has")
	}
	return nil
}

// claims are what a token says of itself. Nobody has vouched for them: they
// may end a check early, and never pass one.
type claims struct {
	// opaque is true of a token that is no JWT, of which nothing else is known.
	opaque    bool
	audiences []string
	// expires is zero for a token that does not say.
	expires time.Time
}

// names reports whether the token says that it is for the audience.
func (c claims) names(audience string) bool { return slices.Contains(c.audiences, audience) }

// peek reads what a JWT says without checking its signature.
func peek(token string) (claims, error) {
	parts := strings.Split(token, ".")
	var header struct {
		Algorithm string `json:"alg"`
	}
	if len(parts) != 3 || decodePart(parts[0], &header) != nil || header.Algorithm == "" {
		return claims{opaque: true}, nil
	}
	var payload struct {
		Audience audience `json:"aud"`
		Expires  *float64 `json:"exp"`
	}
	if err := decodePart(parts[1], &payload); err != nil {
		return claims{}, malformed("the token has the form of a JWT, but its claims cannot be read")
	}
	if signature, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(signature) == 0 {
		return claims{}, malformed("the token has the form of a JWT, but no signature")
	}
	c := claims{audiences: payload.Audience}
	if payload.Expires != nil {
		c.expires = numericDate(*payload.Expires)
	}
	return c, nil
}

func decodePart(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// numericDate is a time as RFC 7519 writes it, within the years that a
// time.Duration from now can reach.
func numericDate(seconds float64) time.Time {
	const farthest = 1 << 33 // the year 2242
	return time.Unix(int64(math.Max(1, math.Min(seconds, farthest))), 0)
}

// An audience is a list, or a single string, by RFC 7519.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}
