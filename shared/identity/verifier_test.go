package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/kubemon/kubemon/shared/identity/identitytest"
)

const audience = "kubemon-agent"

var holder = identitytest.Holder{
	Namespace: "kubemon", ServiceAccount: "kubemon-hub",
	Pod: "kubemon-hub-7d", PodUID: "11111111-1111-4111-8111-111111111111", Node: "node1",
}

func newVerifier(issuer *identitytest.Issuer) *Verifier {
	return NewVerifier(Config{Issuer: identitytest.URL, Fetch: issuer.Fetch, Log: slog.New(slog.DiscardHandler)})
}

func TestVerify(t *testing.T) {
	for name, issuer := range map[string]*identitytest.Issuer{"ES256": identitytest.New(t), "RS256": identitytest.NewRSA(t)} {
		t.Run(name, func(t *testing.T) {
			token := issuer.Token(holder, audience, time.Hour)
			got, err := newVerifier(issuer).Verify(t.Context(), token, audience)
			if err != nil {
				t.Fatal(err)
			}
			if life := time.Until(got.Expiry); life < 59*time.Minute || life > time.Hour || time.Until(got.NotBefore) > 0 {
				t.Errorf("valid from %s to %s, want an hour from now", got.NotBefore, got.Expiry)
			}
			got.NotBefore, got.Expiry = time.Time{}, time.Time{}
			want := Claims{
				Issuer: identitytest.URL, Subject: "system:serviceaccount:kubemon:kubemon-hub", Audiences: []string{audience},
				Namespace: "kubemon", ServiceAccount: "kubemon-hub",
				PodName: holder.Pod, PodUID: holder.PodUID, Node: "node1",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// claims returns good ones, changed.
func claims(change func(map[string]any)) map[string]any {
	c := identitytest.Claims(holder, audience, time.Hour)
	change(c)
	return c
}

func TestVerifyClaims(t *testing.T) {
	issuer := identitytest.New(t)
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	tests := []struct {
		name   string
		change func(map[string]any)
		want   error
	}{
		{"audience as text", func(c map[string]any) { c["aud"] = audience }, nil},
		{"audience among others", func(c map[string]any) { c["aud"] = []string{"api", audience} }, nil},
		{"another audience", func(c map[string]any) { c["aud"] = []string{"api"} }, ErrAudience},
		{"an audience that begins so", func(c map[string]any) { c["aud"] = audience + "-tls:x" }, ErrAudience},
		{"no audience", func(c map[string]any) { delete(c, "aud") }, ErrAudience},
		{"audience as number", func(c map[string]any) { c["aud"] = 1 }, ErrMalformed},
		{"another issuer", func(c map[string]any) { c["iss"] = "https://elsewhere" }, ErrIssuer},
		{"issuer with a slash more", func(c map[string]any) { c["iss"] = identitytest.URL + "/" }, ErrIssuer},
		{"no issuer", func(c map[string]any) { delete(c, "iss") }, ErrIssuer},
		{"expired within the leeway", func(c map[string]any) { c["exp"] = in(-30 * time.Second) }, nil},
		{"expired", func(c map[string]any) { c["exp"] = in(-2 * time.Minute) }, ErrExpired},
		{"no expiry", func(c map[string]any) { delete(c, "exp") }, ErrMalformed},
		{"expiry as text", func(c map[string]any) { c["exp"] = "never" }, ErrMalformed},
		{"expiry out of all bounds", func(c map[string]any) { c["exp"] = 1e300 }, ErrMalformed},
		{"expiry with a fraction", func(c map[string]any) { c["exp"] = float64(in(time.Hour)) + 0.5 }, nil},
		{"not yet within the leeway", func(c map[string]any) { c["nbf"] = in(30 * time.Second) }, nil},
		{"not yet", func(c map[string]any) { c["nbf"] = in(2 * time.Minute) }, ErrNotYet},
		{"no beginning", func(c map[string]any) { delete(c, "nbf") }, nil},
		{"claims that nobody knows", func(c map[string]any) { c["groups"] = map[string]any{"a": []int{1}} }, nil},
		{"not bound", func(c map[string]any) { delete(c, "kubernetes.io") }, nil},
		{"bound to a list", func(c map[string]any) { c["kubernetes.io"] = []string{"pod"} }, ErrMalformed},
		{"another letter case", func(c map[string]any) { delete(c, "exp"); c["EXP"] = in(time.Hour) }, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newVerifier(issuer).Verify(t.Context(), issuer.Sign(claims(tt.change)), audience)
			if !errors.Is(err, tt.want) {
				t.Errorf("Verify: %v, want %v", err, tt.want)
			}
		})
	}
}

// TestVerifyRefusesFormsOfTokens has what an attacker would send first.
func TestVerifyRefusesFormsOfTokens(t *testing.T) {
	issuer := identitytest.NewRSA(t)
	other := identitytest.NewRSA(t)
	good := issuer.Token(holder, audience, time.Hour)
	parts := strings.Split(good, ".")
	body, err := json.Marshal(claims(func(map[string]any) {}))
	if err != nil {
		t.Fatal(err)
	}
	with := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "." + parts[2]
	}
	twice := strings.Replace(string(body), `{`, `{"aud":"api",`, 1)
	tests := []struct {
		name, token string
		want        error
	}{
		{"empty", "", ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], ErrMalformed},
		{"four parts", good + ".", ErrMalformed},
		{"a thousand parts", strings.Repeat("a.", 1000), ErrMalformed},
		{"five parts, encrypted", strings.Repeat("YWFh.", 4) + "YWFh", ErrMalformed},
		{"too long", parts[0] + "." + strings.Repeat("A", MaxTokenBytes) + "." + parts[2], ErrMalformed},
		{"space", " " + good, ErrMalformed},
		{"line feed", parts[0] + ".\n" + parts[1] + "." + parts[2], ErrMalformed},
		{"other base64", strings.ReplaceAll(good, parts[2], "+/+/"), ErrMalformed},
		{"JSON serialization", `{"payload":"` + parts[1] + `","signatures":[]}`, ErrMalformed},
		{"no algorithm", with(`{"kid":"rsa"}`), ErrMalformed},
		{"none", with(`{"alg":"none","kid":"rsa"}`), ErrMalformed},
		{"none, unsigned", strings.TrimSuffix(with(`{"alg":"none","kid":"rsa"}`), parts[2]), ErrMalformed},
		{"a secret's algorithm", with(`{"alg":"HS256","kid":"rsa"}`), ErrMalformed},
		{"another kind of key", with(`{"alg":"ES256","kid":"rsa"}`), ErrSignature},
		{"an unknown part that is critical", with(`{"alg":"RS256","kid":"rsa","crit":["exp"],"exp":1}`), ErrSignature},
		{"no key", with(`{"alg":"RS256"}`), ErrMalformed},
		{"an unknown key", with(`{"alg":"RS256","kid":"another"}`), ErrUnknownKey},
		{"another cluster's key of the same name", other.Token(holder, audience, time.Hour), ErrSignature},
		{"a changed signature", good[:len(good)-8] + "AAAAAAAA", ErrSignature},
		{"no signature", parts[0] + "." + parts[1] + ".", ErrSignature},
		{"audience twice", issuer.Sign(twice), ErrMalformed},
		{"no claims", issuer.Sign("null"), ErrMalformed},
		{"claims that are none", issuer.Sign("system:serviceaccount:kubemon:kubemon-hub"), ErrMalformed},
		{"more after the claims", issuer.Sign(string(body) + "{}"), ErrMalformed},
	}
	v := newVerifier(issuer)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), tt.token, audience)
			if !errors.Is(err, tt.want) || got.Subject != "" {
				t.Errorf("Verify = %+v, %v, want %v", got, err, tt.want)
			}
		})
	}
	if _, err := v.Verify(t.Context(), good, audience); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

// TestVerifyKeepsToTheKeysAlgorithm signs with the public key as if it were a
// secret, and brings a key along in the header.
func TestVerifyKeepsToTheKeysAlgorithm(t *testing.T) {
	issuer := identitytest.NewRSA(t)
	jwks, err := issuer.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]struct {
		key     jose.SigningKey
		options *jose.SignerOptions
		want    error
	}{
		"secret": {jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: jwks, KeyID: "rsa"}}, nil, ErrMalformed},
		"own key in the header": {jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: own, KeyID: "rsa"}},
			(&jose.SignerOptions{}).WithHeader("jku", "https://elsewhere").WithHeader("jwk", jose.JSONWebKey{Key: own.Public()}), ErrSignature},
		"another hash": {jose.SigningKey{Algorithm: jose.RS512, Key: jose.JSONWebKey{Key: own, KeyID: "rsa"}}, nil, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := jose.NewSigner(forge.key, forge.options)
			if err != nil {
				t.Fatal(err)
			}
			body, err := json.Marshal(claims(func(map[string]any) {}))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign(body)
			if err != nil {
				t.Fatal(err)
			}
			token, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newVerifier(issuer).Verify(t.Context(), token, audience); !errors.Is(err, forge.want) {
				t.Errorf("Verify: %v, want %v", err, forge.want)
			}
		})
	}
}

// TestErrorsHoldNothingOfTokens looks for any eight characters of a token, or
// of what it says, in the errors.
func TestErrorsHoldNothingOfTokens(t *testing.T) {
	issuer := identitytest.New(t)
	secret := func(c map[string]any) { c["aud"], c["iss"] = "audience-secret", "issuer-secret" }
	tokens := []string{
		issuer.Sign(claims(secret)),
		issuer.Sign(claims(func(c map[string]any) { c["exp"] = "expiry-secret" })),
		issuer.Sign("claims-secret"),
		"form-secret",
		identitytest.New(t).Token(holder, audience, time.Hour),
		strings.Replace(issuer.Token(holder, audience, time.Hour), "ey", "secret", 1),
	}
	v := newVerifier(issuer)
	for _, token := range tokens {
		_, err := v.Verify(t.Context(), token, audience)
		if err == nil {
			t.Fatal("a bad token is taken")
		}
		if text := err.Error(); strings.Contains(text, "secret") || sharesEight(text, token) {
			t.Errorf("the error has some of the token in it: %v", err)
		}
	}
}

func sharesEight(text, token string) bool {
	for i := range max(0, len(token)-7) {
		if strings.Contains(text, token[i:i+8]) {
			return true
		}
	}
	return false
}

func TestPeek(t *testing.T) {
	got, err := Peek(identitytest.New(t).Token(holder, "api", time.Hour))
	if err != nil || got.Issuer != identitytest.URL || got.PodUID != holder.PodUID {
		t.Errorf("Peek = %+v, %v", got, err)
	}
	if _, err := Peek("secret"); !errors.Is(err, ErrMalformed) {
		t.Errorf("Peek: %v, want %v", err, ErrMalformed)
	}
}
