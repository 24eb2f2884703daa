package fleet

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Hub is a running kubemon-hub.
type Hub struct {
	URL string

	command *exec.Cmd
	ended   chan struct{}
	client  *http.Client
}

// StartHub runs the program on a free port of the loopback interface and
// returns when it says that it listens. log is where its own log goes.
func StartHub(ctx context.Context, program, log string, args, environment []string) (*Hub, error) {
	h := &Hub{ended: make(chan struct{}), client: &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{DisableCompression: true}}}
	h.command = exec.CommandContext(ctx, program, append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	h.command.Env = environment
	h.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := h.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	if err := h.command.Start(); err != nil {
		file.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(h.ended)
		defer file.Close()
		relay(out, file, listening)
		_ = h.command.Wait()
	}()
	select {
	case address := <-listening:
		h.URL = "http://" + address
		return h, nil
	case <-h.ended:
		said, _ := os.ReadFile(log)
		return nil, fmt.Errorf("the hub ended at once: %.500s", said)
	}
}

// relay copies the hub's log to the file, and the address that it listens on to
// listening.
func relay(from io.Reader, to io.Writer, listening chan<- string) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 4<<20) // the line with the configuration has all agents
	for lines.Scan() {
		fmt.Fprintln(to, lines.Text())
		if rest, ok := strings.CutPrefix(after(lines.Text(), "msg=listening "), "address="); ok {
			address, _, _ := strings.Cut(rest, " ")
			listening <- address
		}
	}
}

func after(line, mark string) string {
	_, rest, _ := strings.Cut(line, mark)
	return rest
}

// End stops the hub and waits for it.
func (h *Hub) End() {
	_ = h.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.ended:
	case <-time.After(20 * time.Second):
		_ = h.command.Process.Kill()
		<-h.ended
	}
}

// A Cost is what the hub's process has taken.
type Cost struct {
	CPU                     time.Duration
	ResidentBytes, MaxBytes int64
}

// Cost reads the hub's /proc files.
func (h *Hub) Cost() (Cost, error) {
	dir := "/proc/" + strconv.Itoa(h.command.Process.Pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return Cost{}, fmt.Errorf("read the hub's cost: %w", err)
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return Cost{}, fmt.Errorf("read the hub's cost: %w", err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, the 14th and 15th of all
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Cost{}, fmt.Errorf("read the hub's CPU time: %w", err)
		}
		ticks += n
	}
	return Cost{
		CPU:           time.Duration(ticks) * (time.Second / 100), // USER_HZ
		ResidentBytes: kilobytes(status, "VmRSS:"), MaxBytes: kilobytes(status, "VmHWM:"),
	}, nil
}

func kilobytes(status []byte, name string) int64 {
	n, _, _ := strings.Cut(strings.TrimSpace(after(string(status), name)), " ")
	value, _ := strconv.ParseInt(n, 10, 64)
	return value << 10
}

// An Answer is one answer of the hub.
type Answer struct {
	Took time.Duration
	Body []byte
}

// Get asks the hub.
func (h *Hub) Get(ctx context.Context, path string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, nil)
	if err != nil {
		return Answer{}, err
	}
	start := time.Now()
	response, err := h.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	a := Answer{Took: time.Since(start), Body: body}
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.200s", path, response.Status, body)
	}
	return a, err
}
