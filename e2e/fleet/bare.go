package fleet

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kubemon/kubemon/shared/snapshot"
)

// bareURLs and bareToken are the environment variables that tell Bare's process
// the agents and what they expect.
const (
	bareURLs  = "KUBEMON_FLEET_URLS"
	bareToken = "KUBEMON_FLEET_TOKEN"
)

// A bare client asks as many at a time as the hub does.
const bareConcurrency = 64

// Bare is what it costs just to get the agents' snapshots and throw them away,
// in CPU time for each: the least that any hub over HTTPS takes. It runs
// program, which must call BareMain, so that the time is its own.
func (f *Fleet) Bare(ctx context.Context, program string, args ...string) (time.Duration, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = []string{bareURLs + "=" + strings.Join(f.URLs, ","), bareToken + "=" + f.Token}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("get the snapshots with a bare client: %w", err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}

// BareMain asks all agents some rounds long, one round a second, and writes the
// CPU time that each request took. The first round, which connects, is left
// out.
func BareMain(ctx context.Context, to io.Writer) error {
	const rounds = 5
	urls, token := strings.Split(os.Getenv(bareURLs), ","), os.Getenv(bareToken)
	// Whose the keys are is of no concern to who throws all away.
	anybody := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableCompression: true, TLSClientConfig: anybody}}
	var before time.Duration
	for i := range rounds + 1 {
		if i == 1 {
			before = cpuTime()
		}
		if err := getAll(ctx, client, urls, token); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	_, err := fmt.Fprintln(to, (cpuTime()-before)/time.Duration(rounds*len(urls)))
	return err
}

func getAll(ctx context.Context, client *http.Client, urls []string, token string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(bareConcurrency)
	for _, url := range urls {
		g.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/snapshot", nil)
			if err != nil {
				return err
			}
			request.Header.Set("Accept", snapshot.ContentTypeMsgpack)
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := client.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("get %s: %s", url, response.Status)
			}
			_, err = io.Copy(io.Discard, response.Body)
			return err
		})
	}
	return g.Wait()
}

// cpuTime is what this process has taken so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // only of an argument that does not exist
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
