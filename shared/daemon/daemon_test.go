package daemon

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMainExitCodes(t *testing.T) {
	tests := []struct {
		name           string
		err            error
		code           int
		stdout, stderr string
	}{
		{"stopped", nil, ExitStopped, "", ""},
		{"answered", Answer("kubemon-agent v1"), ExitStopped, "kubemon-agent v1\n", ""},
		{"failed", errors.New("listen on :1: in use"), ExitFailed, "", "kubemon-agent: listen on :1: in use\n"},
		{"usage", Usagef("bad %s", "flag"), ExitUsage, "", "kubemon-agent: bad flag\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := Main("kubemon-agent", &stdout, &stderr, func(context.Context, *slog.Logger) error { return tt.err })
			if code != tt.code || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("Main = %d, stdout %q, stderr %q; want %d, %q, %q", code, &stdout, &stderr, tt.code, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestMainEndsOnSignal(t *testing.T) {
	var stderr bytes.Buffer
	code := Main("kubemon-agent", io.Discard, &stderr, func(ctx context.Context, log *slog.Logger) error {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			return err
		}
		<-ctx.Done()
		log.Info("stopping", "cause", context.Cause(ctx))
		return nil
	})
	if code != ExitStopped || !strings.Contains(stderr.String(), "terminated signal received") {
		t.Errorf("Main = %d, log %q; want %d and the signal named", code, &stderr, ExitStopped)
	}
}

// TestReleaseIsTheChartsVersion keeps the program and the chart that asks for
// its image at one version.
func TestSetGCPercent(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	set := false
	lookupEnv := func(name string) (string, bool) { return "70", set && name == "GOGC" }
	SetGCPercent(50, lookupEnv)
	if got := debug.SetGCPercent(100); got != 50 {
		t.Errorf("without GOGC it is %d, want 50", got)
	}
	set = true
	SetGCPercent(50, lookupEnv)
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("with GOGC it is %d, want what it was", got)
	}
}

func TestReleaseIsTheChartsVersion(t *testing.T) {
	chart, err := os.ReadFile("../../charts/kubemon/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\nappVersion: %q\n", release); !strings.Contains(string(chart), want) {
		t.Errorf("Chart.yaml has no line %q", want)
	}
}

func TestVersionOf(t *testing.T) {
	tests := []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{}, release},
		{debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}}}, release + "+0123456789ab"},
		{debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "01"}}}, release + "+01"},
	}
	for _, tt := range tests {
		if got := versionOf(&tt.info); got != tt.want {
			t.Errorf("versionOf(%+v) = %s, want %s", tt.info, got, tt.want)
		}
	}
}

type config struct {
	listen   string
	interval time.Duration
}

func parse(args []string, env map[string]string) (config, error) {
	var c config
	flags := flag.NewFlagSet("kubemon-agent", flag.ContinueOnError)
	flags.StringVar(&c.listen, "listen", "127.0.0.1:1", "`address` to listen on")
	flags.DurationVar(&c.interval, "scrape-interval", 0, "time between rounds")
	err := Parse(flags, args, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	return c, err
}

func TestParse(t *testing.T) {
	env := map[string]string{"KUBEMON_AGENT_SCRAPE_INTERVAL": "7s", "KUBEMON_AGENT_LISTEN": "", "KUBEMON_AGENT_VERSION": "v1"}
	tests := []struct {
		name string
		args []string
		want config
	}{
		{"environment", nil, config{"127.0.0.1:1", 7 * time.Second}},
		{"flag wins", []string{"--scrape-interval", "9s", "-listen=:2"}, config{":2", 9 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(tt.args, env)
			if err != nil || got != tt.want {
				t.Errorf("Parse = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"unknown flag", []string{"--nonsense"}, nil, "nonsense"},
		{"bad flag", []string{"--scrape-interval=soon"}, nil, `invalid value "soon" for flag -scrape-interval`},
		{"bad variable", nil, map[string]string{"KUBEMON_AGENT_SCRAPE_INTERVAL": "soon"}, `"soon" for variable KUBEMON_AGENT_SCRAPE_INTERVAL`},
		{"stray argument", []string{"run"}, nil, `unexpected argument "run"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.args, tt.env)
			if _, ok := errors.AsType[UsageError](err); !ok || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Parse: %v, want one line of usage error with %q", err, tt.want)
			}
		})
	}
}

func TestParseAnswers(t *testing.T) {
	tests := []struct {
		arg  string
		want []string
	}{
		{"-h", []string{"--listen address   KUBEMON_AGENT_LISTEN", "(default 127.0.0.1:1)", "--scrape-interval", "-version"}},
		{"-version", []string{"kubemon-agent "}},
	}
	for _, tt := range tests {
		_, err := parse([]string{tt.arg}, nil)
		answer, ok := errors.AsType[Answer](err)
		if !ok {
			t.Fatalf("Parse(%s): %v, want an Answer", tt.arg, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(answer), want) {
				t.Errorf("Parse(%s) answers %q, want %q in it", tt.arg, answer, want)
			}
		}
	}
}

func TestParseCommand(t *testing.T) {
	tests := []struct {
		name     string
		args     []string
		operands []string
		want     string // of the error
	}{
		{"after the flags", []string{"--listen=:2", "FROM", "TO"}, []string{"FROM", "TO"}, ""},
		{"before the flags", []string{"FROM", "TO", "--listen", ":2"}, []string{"FROM", "TO"}, ""},
		{"between the flags", []string{"FROM", "--listen=:2", "-"}, []string{"FROM", "-"}, ""},
		{"after the end of the flags", []string{"--listen=:2", "FROM", "--", "-TO"}, []string{"FROM", "-TO"}, ""},
		{"too few", []string{"--listen=:2", "FROM"}, nil, "TARGET is missing: wanted is kubemon-agent copy [flags] SOURCE TARGET"},
		{"too many", []string{"FROM", "--listen=:2", "TO", "MORE"}, nil, `unexpected argument "MORE": wanted is kubemon-agent copy`},
		{"a flag after an operand that is none", []string{"FROM", "TO", "--lisen=:2"}, nil, "lisen"},
		{"help", []string{"FROM", "-h"}, nil, "Usage: kubemon-agent copy [flags] SOURCE TARGET\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			flags := flag.NewFlagSet("kubemon-agent", flag.ContinueOnError)
			listen := flags.String("listen", ":1", "`address` to listen on")
			operands, err := ParseCommand(flags, "copy [flags] SOURCE TARGET", []string{"SOURCE", "TARGET"}, tt.args, func(string) (string, bool) { return "", false })
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("ParseCommand: %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || !slices.Equal(operands, tt.operands) || *listen != ":2" {
				t.Errorf("ParseCommand = %q, %v with --listen=%s; want %q, and :2", operands, err, *listen, tt.operands)
			}
		})
	}
}

func TestCheckListen(t *testing.T) {
	tests := []struct {
		address string
		allow   bool
		want    string
	}{
		{"127.0.0.1:10290", false, ""},
		{"[::1]:10290", false, ""},
		{"localhost:0", false, ""},
		{":10290", true, ""},
		{":10290", false, "--allow-unauthenticated"},
		{"0.0.0.0:10290", false, "--allow-unauthenticated"},
		{"node1:10290", false, "--allow-unauthenticated"},
		{"10290", true, "want host:port"},
	}
	for _, tt := range tests {
		err := CheckListen(tt.address, tt.allow)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("CheckListen(%s, %v): %v, want %q", tt.address, tt.allow, err, tt.want)
		}
	}
}

func TestListenNamesAPortInUse(t *testing.T) {
	first, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	address := first.Addr().String()
	if _, err := Listen(t.Context(), address); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), address) {
		t.Errorf("Listen twice: %v, want the address named as in use", err)
	}
}

// TestServeDrains stops a server while a request is open: the request must
// still be answered, and Serve must wait for it.
func TestServeDrains(t *testing.T) {
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stop()
		for { // until the listener is closed, which is the beginning of the drain
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				break
			}
			conn.Close()
		}
		io.WriteString(w, "answered")
	})
	served := make(chan error, 1)
	go func() { served <- Server{Handler: handler, Log: slog.New(slog.DiscardHandler)}.Serve(ctx, listener) }()

	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "answered" {
		t.Errorf("body = %q, %v, want answered", body, err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v, want nil", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	err = Server{Handler: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler)}.Serve(t.Context(), listener)
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want net.ErrClosed", err)
	}
}
