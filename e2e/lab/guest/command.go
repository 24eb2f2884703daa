package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"time"
)

// commandPath is the one route of the guest's command server. A POST runs the
// command given by the arg parameters with the body as its standard input.
const commandPath = "/run"

// result is the answer to a command that could be started. A command that
// could not is answered with status 400 and a line of text.
type result struct {
	ExitCode int    `json:"exitCode"`
	Stdout   []byte `json:"stdout"`
	Stderr   []byte `json:"stderr"`
}

// serveCommands serves until ctx ends.
func serveCommands(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+commandPath, handleCommand)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve commands: %w", err)
	}
	return nil
}

func handleCommand(w http.ResponseWriter, r *http.Request) {
	args := r.URL.Query()["arg"]
	if len(args) == 0 {
		http.Error(w, "no arg parameter, expected the command and its arguments", http.StatusBadRequest)
		return
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(r.Context(), args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Body, &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := result{ExitCode: cmd.ProcessState.ExitCode(), Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		fmt.Printf("lab: answer command %q: %v\n", args, err)
	}
}

// A Client runs commands in a guest.
type Client struct {
	// HTTP reaches the lab's network.
	HTTP *http.Client
	// Address is the guest's command address, host:port.
	Address string
}

// Run runs a command in the guest with stdin, which may be nil, as its
// standard input, and returns its standard output. A command that does not
// exit with 0 is an error that carries its standard error.
func (c Client) Run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	target := url.URL{Scheme: "http", Host: c.Address, Path: commandPath, RawQuery: url.Values{"arg": args}.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), stdin)
	if err != nil {
		return nil, fmt.Errorf("make request for %q: %w", args, err)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send command %q: %w", args, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer to %q: %w", args, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("run %q: %s", args, bytes.TrimSpace(body))
	}
	var answer result
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("parse answer to %q: %w", args, err)
	}
	if answer.ExitCode != 0 {
		return answer.Stdout, fmt.Errorf("run %q: exit code %d: %s", args, answer.ExitCode, bytes.TrimSpace(answer.Stderr))
	}
	return answer.Stdout, nil
}
