package scrape_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
	"github.com/kubemon/kubemon/hub/internal/scrape/scrapetest"
	"github.com/kubemon/kubemon/shared/snapshot"
)

// inMemory returns a network and a scraper on it, until the test is over.
func inMemory(t *testing.T, timeout time.Duration) (*scrapetest.Network, *scrape.Scraper) {
	network := &scrapetest.Network{}
	s := scrape.New(scrape.Config{Timeout: timeout, Interval: 10 * time.Second, UserAgent: "test", Dial: network.Dial, Trust: scrape.Pinned{}})
	t.Cleanup(func() {
		s.Close()
		if n := network.Open(); n != 0 {
			t.Errorf("%d connections are left open", n)
		}
	})
	return network, s
}

// TestHungAgentsDelayNobody has many more agents that hang than are asked at a
// time: they take a connection, or do not even do that, and say nothing.
func TestHungAgentsDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodes, timeout = 1000, 5 * time.Second
		network, s := inMemory(t, timeout)
		var agents []hub.Agent
		for i := range nodes {
			node := fmt.Sprintf("node%04d", i)
			host := node + ":10290"
			switch i % 10 {
			case 1, 4:
				t.Cleanup(network.Serve(host, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })))
			case 7:
				network.Silence(host)
			default:
				t.Cleanup(network.Serve(host, answer(t, node, "")))
			}
			agents = append(agents, hub.Agent{Node: node, URL: "http://" + host})
		}
		began := time.Now()
		results := round(t.Context(), s, agents)
		if took := time.Since(began); took > timeout+time.Second {
			t.Errorf("the round took %v, want little more than the timeout of %v", took, timeout)
		}
		answered := 0
		for i := range results {
			r := &results[i]
			late := r.Started.Add(r.Took).Sub(began)
			switch {
			case i%10 == 1 || i%10 == 4 || i%10 == 7:
				if r.Failure != hub.FailureTimeout || r.Took != timeout && i%10 != 7 {
					t.Errorf("%s: %v after %v, counted as %q, want a timeout", r.Agent.Node, r.Err, r.Took, r.Failure)
				}
			case r.Err != nil || late > time.Second:
				t.Fatalf("%s answered %v after the round began: %v", r.Agent.Node, late, r.Err)
			default:
				answered++
			}
		}
		if answered != 700 {
			t.Errorf("%d agents answered, want 700", answered)
		}
	})
}

// TestBombCostsNothing sends what would be ten gigabytes once unpacked. It was
// not asked for in that form, so none of it is unpacked, next to none is read,
// and the connection is not used again.
func TestBombCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, s := inMemory(t, long)
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		_, _ = zip.Write(bytes.Repeat([]byte(" "), 10<<20))
		_ = zip.Close()
		written := 0
		t.Cleanup(network.Serve("node1:1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
			w.Header().Set("Content-Encoding", "gzip")
			for range 1000 {
				n, err := w.Write(packed.Bytes())
				written += n
				if err != nil {
					return
				}
			}
		})))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := round(t.Context(), s, []hub.Agent{{Node: "node1", URL: "http://node1:1"}})[0]
		runtime.ReadMemStats(&after)
		checkError(t, r, `encoding "gzip", which was not asked for`)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("refusing it took %d bytes", grown)
		}
		synctest.Wait()
		if open := network.Open(); written > 256<<10 || open != 0 {
			t.Errorf("%d bytes were sent, %d connections are kept, want next to nothing and none", written, open)
		}
	})
}

// TestAnnouncedLengthIsAHint: memory is spent on what has come.
func TestAnnouncedLengthIsAHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, s := inMemory(t, time.Second)
		t.Cleanup(network.Serve("node1:1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
			w.Header().Set("Content-Length", fmt.Sprint(snapshot.MaxBodyBytes))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := round(t.Context(), s, []hub.Agent{{URL: "http://node1:1"}})[0]
		runtime.ReadMemStats(&after)
		checkError(t, r, "no whole answer within 1s")
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("%d bytes were spent on an answer of which nothing came", grown)
		}
	})
}

// TestDualStack has agents with two addresses: the second is for when there is
// no connection to the first, and for nothing else.
func TestDualStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, s := inMemory(t, 5*time.Second)
		v4 := func(n int) string { return fmt.Sprintf("10.0.0.%d:10290", n) }
		v6 := func(n int) string { return net.JoinHostPort(fmt.Sprintf("fd00::%d", n), "10290") }
		var agents []hub.Agent
		for n := range 4 {
			agents = append(agents, hub.Agent{Node: fmt.Sprint("node", n), URL: "http://" + v4(n), Fallback: "http://" + v6(n)})
		}
		var asked []string
		at := func(address string, h http.HandlerFunc) {
			t.Cleanup(network.Serve(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, address)
				h(w, r)
			})))
		}
		at(v4(0), answer(t, "node0", ""))
		at(v6(0), answer(t, "node0", ""))
		at(v6(1), answer(t, "node1", "")) // no IPv4
		at(v4(2), http.NotFound)          // answers, if badly
		at(v6(2), answer(t, "node2", ""))
		var got []hub.Failure
		for _, a := range agents { // one by one, for asked
			got = append(got, round(t.Context(), s, []hub.Agent{a})[0].Failure)
		}
		if want := []hub.Failure{"", "", hub.FailureStatus, hub.FailureRefused}; !slices.Equal(got, want) {
			t.Errorf("failures %q, want %q", got, want)
		}
		if want := strings.Join([]string{v4(0), v6(1), v4(2)}, " "); strings.Join(asked, " ") != want {
			t.Errorf("asked %q, want each agent once: %q", asked, want)
		}
	})
}

// TestDescriptorsStayFlat asks agents on real sockets that fail in turn, again
// and again, and counts what the process has open.
func TestDescriptorsStayFlat(t *testing.T) {
	const agents, rounds = 12, 60
	kinds := []http.HandlerFunc{
		answer(t, "node", ""),
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		http.NotFound,
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", snapshot.ContentTypeJSON)
			w.Header().Set("Content-Length", fmt.Sprint(snapshot.MaxBodyBytes+1))
		},
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(make([]byte, 1<<20))
		},
	}
	var turn atomic.Int64
	var list []hub.Agent
	for i := range agents {
		list = append(list, hub.Agent{URL: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			kinds[(int(turn.Load())+i)%len(kinds)](w, r)
		}))})
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	list = append(list, hub.Agent{URL: gone.URL})
	s := scraper(t, 30*time.Millisecond)
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	ask := func(count int) {
		for range count {
			turn.Add(1)
			round(t.Context(), s, list)
		}
	}
	before := open()
	ask(rounds)
	// A connection has two ends here. The agents' own end later, on a busy machine.
	most := before + 2*len(list)
	for deadline := time.Now().Add(10 * time.Second); open() > most && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := open(); after > most {
		t.Errorf("%d descriptors became %d in %d rounds of %d agents", before, after, rounds, len(list))
	}
}
