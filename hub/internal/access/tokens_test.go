package access

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	authnv1 "k8s.io/api/authentication/v1"
)

// here is where tokens come from that are not of a crowd.
const here = "192.0.2.1:4711"

// address is one of many.
func address(i int) string { return fmt.Sprintf("10.0.%d.%d:1234", i/250%250, i%250) }

func TestTokenIsOfItsReader(t *testing.T) {
	soon := time.Now().Add(time.Hour).Unix()
	hubs := jwt(t, map[string]any{"aud": hubAudience, "exp": soon})
	clusters := jwt(t, map[string]any{"aud": []string{apiAudience}, "exp": soon})
	client := jwt(t, map[string]any{"aud": hubAudience, "iss": "an identity provider", "exp": soon})
	tests := []struct {
		name    string
		token   string
		good    []string // audiences
		unaware bool
		err     error
		asked   [][]string
	}{
		{"for the hub", hubs, []string{hubAudience}, false, nil, [][]string{{hubAudience}}},
		{"for the API server", clusters, []string{apiAudience}, false, nil, [][]string{nil}},
		{"opaque", "opaque", []string{apiAudience}, false, nil, [][]string{{hubAudience}, nil}},
		{"of an identity provider with the hub's name", client, []string{apiAudience}, false, nil, [][]string{{hubAudience}, nil}},
		{"for somebody else", jwt(t, map[string]any{"aud": "vault", "exp": soon}), []string{"vault"}, false, errRejected, [][]string{nil}},
		{"of nobody", "stranger", nil, false, errRejected, [][]string{{hubAudience}, nil}},
		{"for the hub, at a server without audiences", hubs, []string{hubAudience}, true, errRejected, [][]string{{hubAudience}, nil}},
		{"for a server without audiences", clusters, []string{apiAudience}, true, nil, [][]string{nil}},
		{"expired", jwt(t, map[string]any{"aud": hubAudience, "exp": 1}), []string{hubAudience}, false, errExpired, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newAPI()
			server.audiences[tt.token], server.unaware = tt.good, tt.unaware
			known, _ := testTokens(server)
			reader, stale, err := known.reader(t.Context(), tt.token, here)
			if !errors.Is(err, tt.err) || stale {
				t.Fatalf("reader: %v, stale %t; want %v", err, stale, tt.err)
			}
			var asked [][]string
			for _, spec := range server.asked {
				asked = append(asked, spec.Audiences)
			}
			if diff := cmp.Diff(tt.asked, asked); diff != "" {
				t.Errorf("audiences asked for (-want +got):\n%s", diff)
			}
			want := Reader{}
			if tt.err == nil {
				want = Reader{Name: "ann", UID: "7", Groups: []string{"dev"}, Extra: map[string][]string{"scope": {"a"}}}
			}
			if diff := cmp.Diff(want, reader); diff != "" {
				t.Errorf("reader (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAWordThatCounts follows a token through the minutes of the API server's
// word.
func TestAWordThatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		known, _ := testTokens(server)
		token := server.hubToken(t, time.Hour)
		step := func(wait time.Duration, want error, reviews int) {
			t.Helper()
			time.Sleep(wait)
			_, stale, err := known.reader(t.Context(), token, here)
			if got, _ := server.counts(); !errors.Is(err, want) || stale || got != reviews {
				t.Errorf("reader: %v, stale %t after %d reviews; want %v after %d", err, stale, got, want, reviews)
			}
		}
		step(0, nil, 1)
		step(allowTokens-time.Second, nil, 1)
		step(time.Second, nil, 2)
		server.set(func() { delete(server.audiences, token) })
		step(allowTokens-time.Second, nil, 2) // the last word still counts
		step(time.Second, errRejected, 4)     // for the hub, and for the API server
		step(denyTokens-time.Second, errRejected, 4)
		step(2*time.Second, errRejected, 6)
	})
}

// TestAWordEndsWithItsToken wants a token that ends within the minutes asked
// for again then.
func TestAWordEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		known, _ := testTokens(server)
		token := server.hubToken(t, time.Minute)
		if _, _, err := known.reader(t.Context(), token, here); err != nil {
			t.Fatal(err)
		}
		server.set(func() { delete(server.audiences, token) })
		time.Sleep(time.Minute + time.Second)
		if _, _, err := known.reader(t.Context(), token, here); !errors.Is(err, errRejected) {
			t.Errorf("a token that has ended: %v, want %v", err, errRejected)
		}
		time.Sleep(clockLeeway)
		before, _ := server.counts()
		_, _, err := known.reader(t.Context(), token, here)
		if after, _ := server.counts(); !errors.Is(err, errExpired) || after != before {
			t.Errorf("a token that ended long ago: %v after %d reviews, want %v and none", err, after-before, errExpired)
		}
	})
}

// TestReadingGoesOnThroughAnOutage has the API server away in every way that
// there is. What was accepted before is good until its token ends.
func TestReadingGoesOnThroughAnOutage(t *testing.T) {
	for name, outage := range map[string]func(*api){
		"refused": func(a *api) { a.err = &net.OpError{Op: "dial", Err: errors.New("connection refused")} },
		"500":     func(a *api) { a.err = statusError(500) },
		"503":     func(a *api) { a.err = statusError(503) },
		"429":     func(a *api) { a.err = statusError(429) },
		"silent":  func(a *api) { a.delay = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newAPI()
				known, counts := testTokens(server)
				token := server.hubToken(t, time.Hour)
				stranger := server.hubToken(t, 2*time.Hour)
				if _, _, err := known.reader(t.Context(), token, here); err != nil {
					t.Fatal(err)
				}
				server.set(func() { outage(server) })
				end := time.Now().Add(time.Hour - 10*time.Second)
				time.Sleep(allowTokens)
				for time.Now().Before(end) {
					if reader, stale, err := known.reader(t.Context(), token, here); err != nil || !stale || reader.Name != "ann" {
						t.Fatalf("reader: %+v, stale %t, %v", reader, stale, err)
					}
					time.Sleep(5 * time.Second)
				}
				if _, _, err := known.reader(t.Context(), stranger, here); !errors.Is(err, errAway) {
					t.Errorf("a token not seen before: %v, want %v", err, errAway)
				}
				if away := counts.count("token away"); away > int(time.Hour/retryAfterOutage)+1 {
					t.Errorf("the API server was asked %d times in an hour away", away)
				}
				time.Sleep(time.Until(end) + 20*time.Second)
				if _, _, err := known.reader(t.Context(), token, here); !errors.Is(err, errAway) {
					t.Errorf("a token that has ended: %v, want %v", err, errAway)
				}
			})
		})
	}
}

func TestAnOutageEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		known, _ := testTokens(server)
		opaque := "opaque"
		server.audiences[opaque] = []string{apiAudience}
		check := func(wantStale bool, want error) {
			t.Helper()
			if _, stale, err := known.reader(t.Context(), opaque, here); stale != wantStale || !errors.Is(err, want) {
				t.Errorf("reader: stale %t, %v; want %t, %v", stale, err, wantStale, want)
			}
		}
		check(false, nil)
		server.set(func() { server.err = statusError(500) })
		time.Sleep(30 * time.Minute)
		check(true, nil)
		server.set(func() { server.err = nil })
		time.Sleep(retryAfterOutage)
		check(false, nil)
		server.set(func() { server.err = statusError(500) })
		time.Sleep(opaqueOutage) // nothing says when it ends
		check(false, errAway)
		server.set(func() { server.err = nil })
		check(false, nil)

		// The API server says no before it goes away: that stands.
		server.set(func() { delete(server.audiences, opaque) })
		time.Sleep(allowTokens)
		check(false, errRejected)
		server.set(func() { server.err = statusError(500) })
		check(false, errRejected)
		time.Sleep(denyTokens + time.Second)
		check(false, errAway)

		// It does not let the hub ask: that is no outage.
		server.set(func() { server.err = nil; server.audiences[opaque] = []string{apiAudience} })
		check(false, nil)
		server.set(func() { server.err = forbiddenError() })
		time.Sleep(allowTokens)
		check(false, errUnasked)
	})
}

// TestStrangersMakeNoLoad has ten thousand random tokens shown in ten seconds:
// the API server meets the limit, memory is bounded, and who is known reads on.
func TestStrangersMakeNoLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		known, counts := testTokens(server)
		token := server.hubToken(t, time.Hour)
		if _, _, err := known.reader(t.Context(), token, here); err != nil {
			t.Fatal(err)
		}
		for i := range 10_000 {
			stranger := jwt(t, map[string]any{"aud": hubAudience, "exp": time.Now().Add(time.Hour).Unix(), "jti": rand.Text()})
			if i%2 == 0 {
				stranger = rand.Text()
			}
			if _, _, err := known.reader(t.Context(), stranger, address(i)); !errors.Is(err, errRejected) && !errors.Is(err, errBusy) {
				t.Fatalf("stranger %d: %v", i, err)
			}
			if i%1000 == 0 {
				if _, stale, err := known.reader(t.Context(), token, here); err != nil || stale {
					t.Fatalf("who is known after %d strangers: stale %t, %v", i, stale, err)
				}
			}
			time.Sleep(time.Millisecond)
		}
		reviews, _ := server.counts()
		looked := 10_000 - counts.count("token limited") // at these tokens, each for the hub and for the API server
		if most := strangersBurst + 10*strangersPerSecond + 2; looked > most || looked < strangersBurst || reviews > 2*looked+2 {
			t.Errorf("%d reviews for %d of 10,000 tokens, want at most %d", reviews, looked, most)
		}
		if counts.count("token limited") < 9000 {
			t.Errorf("%d tokens met the limit", counts.count("token limited"))
		}
		if kept := len(known.denied.Keys()) + len(known.allowed.Keys()); kept > reviews {
			t.Errorf("%d tokens are kept after %d reviews", kept, reviews)
		}
		// In the flood, a word that has run out is asked for all the same.
		time.Sleep(allowTokens)
		for range 2 * strangersBurst {
			_, _, _ = known.reader(t.Context(), rand.Text(), here)
		}
		if _, stale, err := known.reader(t.Context(), token, here); err != nil || stale {
			t.Errorf("who is known in a flood: stale %t, %v", stale, err)
		}
	})
}

// TestAStrangerKeepsNoNewcomerOut has thirty random tokens a second come from one
// address while readers come from others for the first time.
func TestAStrangerKeepsNoNewcomerOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		known, counts := testTokens(server)
		for i := range 600 {
			_, _, _ = known.reader(t.Context(), rand.Text(), here)
			if i%10 == 0 {
				token := server.hubToken(t, time.Hour+time.Duration(i)*time.Second)
				if reader, _, err := known.reader(t.Context(), token, address(i)); err != nil || reader.Name != "ann" {
					t.Errorf("newcomer %d: %+v, %v", i/10, reader, err)
				}
			}
			time.Sleep(time.Second / 30)
		}
		if limited, most := counts.count("token limited"), 600-20*onePerSecond-oneBurst-1; limited < most {
			t.Errorf("%d of 600 strangers met their limit, want %d", limited, most)
		}
	})
}

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"10.1.2.3:4": "10.1.2.3", "[::ffff:10.1.2.3]:4": "10.1.2.3", "[2001:db8::1]:4": "2001:db8::/64", "[2001:db8::2]:4": "2001:db8::/64",
		"[fe80::1%eth0]:4": "fe80::/64", "": "", "pipe": "", "@:1": "@",
	} {
		if got := origin(address); got != want {
			t.Errorf("origin(%q) = %q, want %q", address, got, want)
		}
	}
	s := newStrangers()
	for i := range 2 * maxAddresses {
		s.admit(address(i))
	}
	if kept := len(s.addresses.Keys()); kept != maxAddresses {
		t.Errorf("%d addresses are kept, want %d", kept, maxAddresses)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	server := newAPI()
	known, _ := testTokens(server)
	for i := range 2 * maxDenied {
		known.denied.Add(fmt.Sprint(i), struct{}{}, denyTokens)
		known.allowed.Add(fmt.Sprint(i), known, denyTokens)
	}
	if denied, allowed := len(known.denied.Keys()), len(known.allowed.Keys()); denied != maxDenied || allowed != maxAllowed {
		t.Errorf("%d denied and %d allowed are kept, want %d and %d", denied, allowed, maxDenied, maxAllowed)
	}
}

// TestOneQuestionForAll has many ask with one token at once.
func TestOneQuestionForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newAPI()
		server.delay = time.Second
		known, _ := testTokens(server)
		token := server.hubToken(t, time.Hour)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, _, err := known.reader(t.Context(), token, here); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if reviews, _ := server.counts(); reviews != 1 {
			t.Errorf("%d reviews for 50 requests at once, want 1", reviews)
		}
	})
}

// TestNoTokenIsKept looks for a token in all that tokens holds.
func TestNoTokenIsKept(t *testing.T) {
	server := newAPI()
	known, _ := testTokens(server)
	token := server.hubToken(t, time.Hour)
	for _, shown := range []string{token, "stranger"} {
		_, _, _ = known.reader(t.Context(), shown, here)
	}
	kept := slices.Concat(known.allowed.Keys(), known.denied.Keys())
	if len(kept) != 2 {
		t.Fatalf("%d tokens are kept, want 2", len(kept))
	}
	for _, key := range kept {
		if reflect.DeepEqual(key, token) || reflect.DeepEqual(key, "stranger") {
			t.Errorf("a token is kept under itself")
		}
	}
	other, _ := testTokens(server)
	if known.fingerprint(token) == other.fingerprint(token) {
		t.Error("two processes have the same fingerprint of a token")
	}
}

func TestAnAnswerWithoutANameIsNone(t *testing.T) {
	if accepted(authnv1.TokenReviewStatus{Authenticated: true}, nil) {
		t.Error("somebody without a name is accepted")
	}
}
