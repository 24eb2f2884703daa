package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShare(t *testing.T) {
	tests := []struct {
		elapsed    time.Duration
		millicores int
		want       time.Duration
	}{
		{0, 300, 0},
		{time.Second, 300, 300 * time.Millisecond},
		{10 * time.Minute, 1, 600 * time.Millisecond},
		{time.Second, 1000, time.Second},
	}
	for _, test := range tests {
		if got := share(test.elapsed, test.millicores); got != test.want {
			t.Errorf("share(%s, %d) = %s, want %s", test.elapsed, test.millicores, got, test.want)
		}
	}
}

func TestWrongUsageNamesWhatWasExpected(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"no load":      {nil, "expected one of burn, burst, crash, hold, impostor, pause, send, serve, write"},
		"unknown load": {[]string{"melt"}, "expected one of burn"},
		"unknown flag": {[]string{"burn", "--cores", "1"}, "-cores"},
		"argument":     {[]string{"pause", "now"}, `unexpected argument "now"`},
		"no target":    {[]string{"send", "--to", "nowhere"}, `--to "nowhere": expected host:port`},
		"no bytes":     {[]string{"send", "--to", "127.0.0.1:1", "--megabytes", "0"}, "--megabytes 0"},
		"no file":      {[]string{"write"}, "expected a file"},
		"no memory":    {[]string{"hold", "--mebibytes", "0"}, "--mebibytes 0"},
		"too much CPU": {[]string{"burn", "--millicores", "2000"}, "--millicores 2000"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			err := run(t.Context(), test.args, strings.NewReader(""), t.Output(), &stderr)
			if err == nil {
				t.Fatalf("run(%q) succeeded", test.args)
			}
			if said := stderr.String() + err.Error(); !strings.Contains(said, test.want) {
				t.Errorf("run(%q) said %q, want %q in it", test.args, said, test.want)
			}
		})
	}
}

func TestLoadsEndByThemselves(t *testing.T) {
	for _, args := range [][]string{
		{"pause"}, {"burn", "--millicores", "1"}, {"hold", "--mebibytes", "1"}, {"burst"}, {"impostor", "--listen", "127.0.0.1:0"},
	} {
		input, _ := io.Pipe() // it never ends and nothing comes
		if err := run(t.Context(), append(args, "--for=1ms"), input, t.Output(), t.Output()); err != nil {
			t.Errorf("load %q: %v", args, err)
		}
	}
}

func TestBurstUsesWhatItIsTold(t *testing.T) {
	before, err := processCPU()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if err := run(t.Context(), []string{"burst"}, strings.NewReader("20ms\n5ms\n"), &said, t.Output()); err != nil {
		t.Fatal(err)
	}
	after, err := processCPU()
	if err != nil {
		t.Fatal(err)
	}
	if said.String() != "used 20ms\nused 5ms\n" || after-before < 25*time.Millisecond {
		t.Errorf("burst of 20ms and 5ms used %s and said %q", after-before, said.String())
	}
	if err := run(t.Context(), []string{"burst"}, strings.NewReader("much\n"), t.Output(), t.Output()); err == nil || !strings.Contains(err.Error(), `"much"`) {
		t.Errorf("burst of much: %v, want an error that names it", err)
	}
}

func TestSendBytesSendsExactlyThatMany(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(lineChannel, 1)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- acceptAll(ctx, listener, lines) }()
	if err := sendBytes(t.Context(), listener.Addr().String(), 3*megabyte); err != nil {
		t.Fatal(err)
	}
	stop()
	listener.Close()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if got := <-lines; !strings.Contains(got, "received 3000000 bytes") {
		t.Errorf("server said %q, want 3000000 bytes", got)
	}
}

func TestWriteFileWritesThatMuch(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := writeFile(name, 3, false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 3*mebibyte {
		t.Errorf("file has %d bytes, want %d", info.Size(), 3*mebibyte)
	}
}

// TestImpostorTellsOfTokens lets it meet a client with a token and one without.
func TestImpostorTellsOfTokens(t *testing.T) {
	for authorization, want := range map[string]string{"Bearer x.y.z": "GET /snapshot with a token", "": "GET /snapshot without a token"} {
		req := httptest.NewRequest(http.MethodGet, "/snapshot", nil)
		req.Header.Set("Authorization", authorization)
		var said bytes.Buffer
		tellRequest(&said, httptest.NewRecorder(), req)
		if said.String() != "impostor: "+want+"\n" {
			t.Errorf("with Authorization %q it said %q, want %q", authorization, said.String(), want)
		}
	}
}

func TestCrashFails(t *testing.T) {
	if err := run(t.Context(), []string{"crash", "--after", "1ms"}, strings.NewReader(""), t.Output(), t.Output()); err == nil {
		t.Error("crash succeeded")
	}
}

// lineChannel passes on what is written to it, one string a write.
type lineChannel chan string

func (c lineChannel) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}
