package cluster

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/lab"
)

// strangers is how many random tokens a flood has.
const strangers = 10_000

// TestRandomTokensMakeNoLoad shows the hub and an agent ten thousand tokens that
// have all that a good one has but the signature. The API server hears of few of
// those at the hub and of none at the agent, which spends less on each than on
// an answer; and both go on answering.
func TestRandomTokensMakeNoLoad(t *testing.T) {
	t.Run("hub", func(t *testing.T) {
		before, began := reviews(t), time.Now()
		statuses := flood(t, hubReader, theLab.HubURL()+"/api/v1/nodes", lab.HubAudience)
		asked, took := reviews(t)-before, time.Since(began)
		t.Logf("%d random tokens in %.0f s at the hub: %v, %d TokenReviews", strangers, took.Seconds(), statuses, asked)
		if statuses[401]+statuses[503] != strangers {
			t.Errorf("statuses %v, want 401 and 503 alone", statuses)
		}
		// Five tokens a second are looked at from one address, and twenty at once, by two
		// reviews each. The rest is the tests' own.
		if most := 60 + int(10*took.Seconds()); asked > most || asked > strangers/2 {
			t.Errorf("%d TokenReviews of %d tokens in %v, want at most %d", asked, strangers, took, most)
		}
	})
	t.Run("agent", func(t *testing.T) {
		const answers = 100
		cpu := agentCPU(t)
		for range answers {
			if _, _, err := readAgent(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		answering := (agentCPU(t) - cpu) / answers
		before, cpu := reviews(t), agentCPU(t)
		statuses := flood(t, agentReader, agentURL(1)+"/snapshot", lab.AgentAudience)
		refusing, asked := (agentCPU(t)-cpu)/strangers, reviews(t)-before
		t.Logf("%d random tokens at the agent: %v, %d TokenReviews meanwhile; CPU time %v for each, %v for an answer", strangers, statuses, asked, refusing, answering)
		if statuses[401] != strangers {
			t.Errorf("statuses %v, want 401 alone", statuses)
		}
		if asked > 50 {
			t.Errorf("%d TokenReviews while strangers came to an agent", asked)
		}
		if refusing > answering {
			t.Errorf("a random token costs the agent %v, more than an answer, %v", refusing, answering)
		}
	})
}

// atOnce is how many of them are shown at a time.
const atOnce = 32

// flood shows a server random tokens and returns how often it answered what. Who
// is known is answered meanwhile.
func flood(t *testing.T, known *http.Client, target, audience string) map[int]int {
	t.Helper()
	own := labForger(t)
	header, claims, _ := cutToken(own.sign(audience, nil))
	var mu sync.Mutex
	statuses := map[int]int{}
	var sent atomic.Int64
	client := &http.Client{Transport: &http.Transport{
		DialContext: dialerFor(target), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: atOnce,
	}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for sent.Add(1) <= strangers {
				status := statusBy(t.Context(), client, target, header+"."+claims+"."+randomSignature())
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	for n := 0; sent.Load() < strangers && n < 1000; n++ {
		if _, err := get(t.Context(), known, target); err != nil {
			t.Errorf("who is known, in the flood: %v", err)
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	all.Wait()
	return statuses
}

// statusBy is the status of a GET with a token by a client that keeps its
// connections; 0 without an answer.
func statusBy(ctx context.Context, client *http.Client, target, token string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is kept
	return resp.StatusCode
}

func cutToken(token string) (header, claims, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

// randomSignature has the length of the lab's.
func randomSignature() string {
	var signature [256]byte
	_, _ = rand.Read(signature[:]) // never returns an error
	return base64.RawURLEncoding.EncodeToString(signature[:])
}

// dialerFor dials in the lab's network what is there, and on the host the rest.
func dialerFor(target string) func(context.Context, string, string) (net.Conn, error) {
	if strings.HasPrefix(target, "https:") {
		return theLab.Dial
	}
	return new(net.Dialer).DialContext
}

// reviews is how many TokenReviews the API server has been asked for.
func reviews(t *testing.T) int {
	t.Helper()
	text, err := kubectl(t.Context(), "", "get", "--raw", "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, match := range regexp.MustCompile(`(?m)^apiserver_request_total\{[^}]*resource="tokenreviews"[^}]*\} (\S+)$`).FindAllStringSubmatch(text, -1) {
		count, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		total += int(count)
	}
	return total
}

// agentCPU is the CPU time of node1's agent since its start, in steps of the
// kernel's clock.
func agentCPU(t *testing.T) time.Duration {
	t.Helper()
	stat, err := theLab.OnNode(t.Context(), 1, nil, "sh", "-c", "cat /proc/$(pidof kubemon-agent)/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // begins with field 3; utime and stime are 14 and 15, in 1/100 s
	fields := strings.Fields(rest)
	ticks := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
