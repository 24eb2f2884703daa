package cluster

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kubemon/kubemon/e2e/contract"
	"github.com/kubemon/kubemon/e2e/lab"
)

// TestSlowClientsLockNobodyOut opens connections by the hundred that never finish
// a request, and opens them again as they are closed, to hub and agent. Probes,
// who comes with a token, and the hub at the agent are answered all the while.
func TestSlowClientsLockNobodyOut(t *testing.T) {
	awaitPod(t, "burn-")
	hubAddress, err := url.Parse(theLab.HubURL())
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]struct {
		address, url string
		known        *http.Client
		tls          bool
	}{
		"hub":   {hubAddress.Host, theLab.HubURL() + "/api/v1/nodes", hubReader, false},
		"agent": {onNode1(lab.AgentPort), agentURL(1) + "/snapshot", agentReader, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			var slow sync.WaitGroup
			var opened atomic.Int64
			for n := range 300 {
				slow.Go(func() { dawdle(ctx, target.url, target.address, target.tls && n%2 == 0, &opened) })
			}
			for range 6 {
				checkAnswers(t, target.url, target.known)
				time.Sleep(time.Second)
			}
			checkHubKeepsNode1(t)
			stop()
			slow.Wait()
			t.Logf("300 slow clients opened %d connections", opened.Load())
			if opened.Load() < 300 {
				t.Errorf("only %d slow connections were opened", opened.Load())
			}
		})
	}
}

// checkHubKeepsNode1 wants node1 ok at the hub until a sample of it has come that
// is from now on.
func checkHubKeepsNode1(t *testing.T) {
	t.Helper()
	before := mustFetch[item](t, "/api/v1/nodes/node1").Status.SampleTime
	eventually(t, time.Minute, "a new sample of node1", func() error {
		node := mustFetch[item](t, "/api/v1/nodes/node1")
		if node.Status.State != "ok" {
			t.Errorf("the hub lost node1: %s, %s", node.Status.State, node.Status.Reason)
		}
		if !node.Status.SampleTime.After(before) {
			return fmt.Errorf("its newest one is of %v", node.Status.SampleTime)
		}
		return nil
	})
}

func onNode1(port int) string {
	return net.JoinHostPort(theLab.Node(1).IP.String(), strconv.Itoa(port))
}

// probeTries is how often a probe of the chart has to fail in a row before the
// kubelet acts on it.
const probeTries = 3

// checkAnswers wants a probe and a known reader answered, each try on a connection
// of its own. They come from the address of the slow clients, so that one of them
// may lose its place if its handshake, on a busy machine, outlasts its grace: no
// more is asked than what a kubelet does.
func checkAnswers(t *testing.T, target string, known *http.Client) {
	t.Helper()
	base, _, _ := strings.Cut(target, "/api/")
	base = strings.TrimSuffix(base, "/snapshot")
	checkAnswered(t, base+"/healthz", func() error {
		status, _, _, err := request(t.Context(), http.MethodGet, base+"/healthz", nil, "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return err
	})
	checkAnswered(t, target, func() error {
		known.CloseIdleConnections()
		_, err := get(t.Context(), known, target)
		return err
	})
}

func checkAnswered(t *testing.T, url string, ask func() error) {
	t.Helper()
	var failures []error
	for range probeTries {
		err := ask()
		if err == nil {
			return
		}
		failures = append(failures, err)
	}
	t.Errorf("GET %s beside slow clients, tried %d times: %v", url, probeTries, errors.Join(failures...))
}

// dawdle opens connections one after another, sends half a request on each and
// waits until the server has enough of it. With shake it shakes hands first, and
// without it its half request is no handshake where one is expected.
func dawdle(ctx context.Context, target, address string, shake bool, opened *atomic.Int64) {
	for ctx.Err() == nil {
		conn, err := dialerFor(target)(ctx, "tcp", address)
		if err != nil {
			continue
		}
		opened.Add(1)
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		if shake {
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		}
		if strings.HasPrefix(target, "http:") || shake {
			fmt.Fprint(conn, "GET /snapshot HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
		_, _ = io.Copy(io.Discard, conn) // until the server ends it
		conn.Close()
		stop()
	}
}

// TestFloodsOfBytes sends more than a request may have.
func TestFloodsOfBytes(t *testing.T) {
	long := strings.Repeat("a", 64<<10)
	token := map[string]string{
		theLab.HubURL() + "/api/v1/nodes": tokenOf(t, lab.Namespace, lab.Viewer, lab.HubAudience),
		agentURL(1) + "/snapshot":         tokenOf(t, lab.Namespace, lab.Viewer, lab.AgentAudience),
	}
	for target, token := range token {
		for name, test := range map[string]struct {
			method, target string
			header         map[string]string
			body           string
			want           []int
		}{
			"a header":               {"GET", target, map[string]string{"X-Long": long}, "", []int{431}},
			"a token":                {"GET", target, map[string]string{"Authorization": "Bearer " + long[:20<<10]}, "", []int{401, 431}},
			"an address":             {"GET", target + "?" + long, nil, "", []int{431}},
			"a body":                 {"POST", target, nil, strings.Repeat(long, 64), []int{401, 413}},
			"a body of who is known": {"POST", target, map[string]string{"Authorization": "Bearer " + token}, strings.Repeat(long, 64), []int{405, 413}},
			"a body with GET":        {"GET", target, map[string]string{"Authorization": "Bearer " + token}, long, []int{200, 400, 413}},
		} {
			status, _, body, err := request(t.Context(), test.method, test.target, test.header, test.body)
			if errors.Is(err, io.EOF) || isReset(err) {
				continue // the server did not read it to its end, and closed
			}
			if err != nil || !slices.Contains(test.want, status) {
				t.Errorf("%s to %s: %d, %v; want one of %v: %.200s", name, target, status, err, test.want, body)
			}
		}
		if status, _ := statusFor(t, target, token); status != 200 {
			t.Errorf("GET %s after the floods: %d", target, status)
		}
	}
}

func isReset(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "reset by peer") || strings.Contains(err.Error(), "broken pipe"))
}

// TestPathTricks asks for every path in every spelling that has led past somebody
// else's door, without a token.
func TestPathTricks(t *testing.T) {
	c, err := contract.Load(t.Context(), theLab.HubURL(), hubReader)
	if err != nil {
		t.Fatal(err)
	}
	hub, err := url.Parse(theLab.HubURL())
	if err != nil {
		t.Fatal(err)
	}
	open := []string{"/healthz", "/livez", "/readyz", "/login", "/logout"}
	tried := tryTricks(t, c.Paths(), open, func(target string) (int, string, error) {
		return rawGet(t.Context(), theLab.HubURL(), hub.Host, target)
	})
	tried += tryTricks(t, []string{"/snapshot", "/snapshots", "/metrics"}, open[:1], func(target string) (int, string, error) {
		return rawGet(t.Context(), agentURL(1), onNode1(lab.AgentPort), target)
	})
	if tried < 300 {
		t.Errorf("only %d spellings were tried", tried)
	}
	t.Logf("%d spellings were refused", tried)
}

// tryTricks asks for tricky spellings of the paths, also by way of the open ones
// in turns, and wants none of them answered.
func tryTricks(t *testing.T, paths, open []string, get func(target string) (int, string, error)) (tried int) {
	t.Helper()
	fill := regexp.MustCompile(`\{[^}]*\}`)
	for i, path := range paths {
		path = fill.ReplaceAllString(path, "node1")
		if slices.Contains(open, path) {
			continue
		}
		tricks := []string{
			path, path + "/", "/" + path, strings.ReplaceAll(path, "/", "//"), "/." + path, "/x/.." + path, path + "/.", path + "/..",
			strings.Replace(path, "/", "/%2F", 1), strings.Replace(path, "/", "/%2e/", 1), strings.ReplaceAll(path, "/", "%2F"), strings.ReplaceAll(path, "/", `\`),
			path + "%00", path + ";x", path + "?token=x", strings.ToUpper(path), "http://elsewhere.example" + path,
		}
		door := open[i%len(open)]
		tricks = append(tricks, door+"/.."+path, door+"/%2e%2e"+path, door+"%2f.."+path, door+"/"+path, door+";"+path, door+"%00"+path)
		for _, target := range tricks {
			status, body, err := get(target)
			if err != nil {
				t.Errorf("GET %s: %v", target, err)
			} else if !slices.Contains([]int{400, 401}, status) || strings.Contains(body, "cpuM") {
				t.Errorf("GET %s: %d, want 401, or 400:\n%.200s", target, status, body)
			}
			tried++
		}
	}
	return tried
}

// rawGet sends a request line just as it is, which no client would.
func rawGet(ctx context.Context, base, address, target string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	conn, err := dialerFor(base)(ctx, "tcp", address)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if strings.HasPrefix(base, "https:") {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, address); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
