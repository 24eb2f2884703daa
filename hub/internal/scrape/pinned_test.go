package scrape_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubemon/kubemon/hub"
	"github.com/kubemon/kubemon/hub/internal/scrape"
)

const at = "10.0.0.1:10290"

func pod(uid, container string) hub.Agent {
	return hub.Agent{Node: "node1", URL: "https://" + at, PodUID: uid, Container: container}
}

// TestKeySwappedUnderALivePod puts an impostor at the address of an agent: the
// token never reaches it. A restarted container may have another key.
func TestKeySwappedUnderALivePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		own := selfSigned(t)
		real := serveAgent(t, h.network, at, "node1", always(own))
		first := h.ask(t, pod("a", "c1"))
		checkAccepted(t, first, hub.TrustPinned)
		if authorized, requests, _ := real.counts(h.bearer); authorized != 1 || requests != 1 {
			t.Errorf("%d of %d requests have the token, want one", authorized, requests)
		}
		real.stop()

		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		for range 3 {
			r := h.ask(t, pod("a", "c1"))
			checkRefused(t, r, "its container has not restarted", first.Identity.Fingerprint)
			if strings.Count(r.Err.Error(), "sha256:") != 2 || r.Identity != first.Identity {
				t.Errorf("error %q, known by %+v, want both fingerprints, and the first key", r.Err, r.Identity)
			}
		}
		checkRefused(t, h.ask(t, pod("a", "")), "its container restarted is not known")
		fake.checkDeaf(t)

		serveAgent(t, h.network, at, "node1", always(own))
		if r := h.ask(t, pod("a", "c1")); r.Err != nil || r.Identity != first.Identity {
			t.Errorf("the agent is back: %v, known by %+v, want %+v", r.Err, r.Identity, first.Identity)
		}
	})
}

func TestRestartedContainerHasAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		before := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		first := h.ask(t, pod("a", "c1"))
		before.stop()
		time.Sleep(time.Minute)
		after := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		checkRefused(t, h.ask(t, pod("a", "c1"))) // the inventory does not know yet
		second := h.ask(t, pod("a", "c2"))
		checkAccepted(t, second, hub.TrustPinned)
		if second.Identity.Fingerprint == first.Identity.Fingerprint || second.Identity.Since.Sub(first.Identity.Since) < time.Minute {
			t.Errorf("known by %+v after %+v, want a later key", second.Identity, first.Identity)
		}
		after.stop()
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		checkRefused(t, h.ask(t, pod("a", "c2")))
		fake.checkDeaf(t)
	})
}

// TestContainerIsLearntFromAnswers pins before the inventory knows the
// container: from the next answer on the key is that container's.
func TestContainerIsLearntFromAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		real := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		checkAccepted(t, h.ask(t, pod("a", "")), hub.TrustPinned)
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustPinned) // on the same connection
		if _, _, handshakes := real.counts(""); handshakes != 1 {
			t.Fatalf("%d handshakes, want one", handshakes)
		}
		real.stop()
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		checkRefused(t, h.ask(t, pod("a", "c1")), "has not restarted")
		fake.checkDeaf(t)
	})
}

// TestPinnedBeforeTheContainerIsKnown puts an impostor where an agent was met
// before the inventory knew its container, and has not answered since.
func TestPinnedBeforeTheContainerIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		real := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		first := h.ask(t, pod("a", ""))
		checkAccepted(t, first, hub.TrustPinned)
		real.stop()
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		for _, container := range []string{"c1", "c2"} {
			r := h.ask(t, pod("a", container))
			if checkRefused(t, r, "which container had that is not known", "delete its pod"); r.Identity != first.Identity {
				t.Errorf("known by %+v, want %+v", r.Identity, first.Identity)
			}
		}
		fake.checkDeaf(t)
	})
}

// TestNoWayBackToPlainHTTP has an agent that is known by its key, and then an
// address for it that has none.
func TestNoWayBackToPlainHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		first := h.ask(t, pod("a", "c1"))
		checkAccepted(t, first, hub.TrustPinned)
		requests := recordPlain(t, h, "10.0.0.9:10290")
		plain := hub.Agent{Node: "node1", URL: "http://10.0.0.9:10290", PodUID: "a", Container: "c2"}
		r := h.ask(t, plain)
		if checkRefused(t, r, "plain HTTP", first.Identity.Fingerprint); r.Identity != first.Identity {
			t.Errorf("known by %+v, want %+v", r.Identity, first.Identity)
		}
		if all := requests(); len(all) != 0 {
			t.Errorf("who is there was sent %v", all)
		}
		plain.PodUID = "b"
		if r := h.ask(t, plain); r.Err != nil || r.Identity != (hub.Identity{Trust: hub.TrustNone}) {
			t.Errorf("another pod: %v, known by %+v", r.Err, r.Identity)
		}
	})
}

// TestNoTrustIsNobodys: a hub that was not told whom to trust asks nobody.
func TestNoTrustIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, nil)
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		checkRefused(t, h.ask(t, pod("a", "c1")), "whose keys are agents'")
		fake.checkDeaf(t)
		requests := recordPlain(t, h, "10.0.0.9:80")
		checkRefused(t, h.ask(t, hub.Agent{URL: "http://10.0.0.9:80"}), "plain HTTP")
		if all := requests(); len(all) != 0 {
			t.Errorf("who is there was sent %v", all)
		}
	})
}

// TestConnectionsBelongToAPod gives an address to another pod while the
// connection to the one before is open: it is not for the other.
func TestConnectionsBelongToAPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		server := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		for range 2 {
			checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustPinned)
		}
		checkAccepted(t, h.ask(t, pod("b", "c2")), hub.TrustPinned)
		if _, requests, handshakes := server.counts(""); requests != 3 || handshakes != 2 {
			t.Errorf("%d requests on %d connections, want three on two", requests, handshakes)
		}
		if host := server.requests[0].Host; host != at {
			t.Errorf("Host = %q, want %q", host, at)
		}
	})
}

// TestPinsEndWithTheirPods forgets a key when its pod has not been asked for an
// hour, and no sooner.
func TestPinsEndWithTheirPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		other := hub.Agent{Node: "node2", URL: "https://10.0.0.2:10290", PodUID: "z"}
		serveAgent(t, h.network, "10.0.0.2:10290", "node2", always(selfSigned(t)))
		real := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustPinned)
		real.stop()
		serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		time.Sleep(59 * time.Minute)
		checkAccepted(t, h.ask(t, other), hub.TrustPinned)
		checkRefused(t, h.ask(t, pod("a", "c1")), "has not restarted")
		time.Sleep(61 * time.Minute)
		checkAccepted(t, h.ask(t, other), hub.TrustPinned)
		checkAccepted(t, h.ask(t, pod("a", "c1")), hub.TrustPinned)
	})
}

// TestStaticAgentsArePinnedByURL has no pods to know keys by.
func TestStaticAgentsArePinnedByURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		real := serveAgent(t, h.network, at, "node1", always(selfSigned(t)))
		checkAccepted(t, h.ask(t, hub.Agent{URL: "https://" + at}), hub.TrustPinned)
		real.stop()
		fake := pose(t, h.network, at, modern(always(selfSigned(t))))
		checkRefused(t, h.ask(t, hub.Agent{URL: "https://" + at}), "restart the hub")
		fake.checkDeaf(t)
	})
}

// TestACertificateAloneIsNoProof shows the agent's own certificate without its
// key, before the agent was ever met and after it.
func TestACertificateAloneIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTLSHub(t, scrape.Pinned{})
		own := selfSigned(t)
		stolen := &tls.Certificate{Certificate: own.Certificate, PrivateKey: newKey(t)}
		meet := func() hub.Identity {
			t.Helper()
			fake := pose(t, h.network, at, modern(always(stolen)))
			r := h.ask(t, pod("a", "c1"))
			checkError(t, r, "signature")
			fake.checkDeaf(t)
			return r.Identity
		}
		if known := meet(); known != (hub.Identity{}) {
			t.Errorf("known by %+v, want nothing: it proved nothing", known)
		}
		real := serveAgent(t, h.network, at, "node1", always(own))
		first := h.ask(t, pod("a", "c1"))
		checkAccepted(t, first, hub.TrustPinned)
		real.stop()
		time.Sleep(time.Minute)
		if known := meet(); known != first.Identity {
			t.Errorf("known by %+v, want %+v as before", known, first.Identity)
		}
	})
}

// TestOldTLSIsRefused has peers that speak no TLS 1.3, no TLS, or nothing.
func TestOldTLSIsRefused(t *testing.T) {
	t.Run("TLS 1.2", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newTLSHub(t, scrape.Pinned{})
			fake := pose(t, h.network, at, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*selfSigned(t)}})
			r := h.ask(t, pod("a", "c1"))
			if checkError(t, r, "shake hands by TLS", "protocol version"); r.Failure != hub.FailureBroken {
				t.Errorf("counted as %q", r.Failure)
			}
			fake.checkDeaf(t)
		})
	})
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newTLSHub(t, scrape.Pinned{})
			t.Cleanup(h.network.Serve(at, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it was sent %v", r) })))
			checkError(t, h.ask(t, pod("a", "c1")), "does not look like a TLS handshake")
		})
	})
	t.Run("a handshake that never ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newTLSHub(t, scrape.Pinned{})
			listener := h.network.Listen(at)
			t.Cleanup(func() { listener.Close() })
			began := time.Now()
			r := h.ask(t, pod("a", "c1"))
			if checkError(t, r, "no connection within 2s"); r.Failure != hub.FailureTimeout || time.Since(began) > 5*time.Second {
				t.Errorf("counted as %q after %v", r.Failure, time.Since(began))
			}
			go func() {
				for {
					if _, err := listener.Accept(); err != nil {
						return
					}
				}
			}()
			r = h.ask(t, pod("a", "c1"))
			if checkError(t, r, "no TLS handshake within 3s"); r.Failure != hub.FailureTimeout {
				t.Errorf("counted as %q", r.Failure)
			}
		})
	})
}
