package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kubemon/kubemon/shared/daemon"
	"github.com/kubemon/kubemon/shared/snapshot"
)

const (
	podUID      = "11111111-1111-4111-8111-111111111111"
	containerID = "1010101010101010101010101010101010101010101010101010101010101010"
)

// capture writes a small captured node and returns the flags that point at it.
func capture(t *testing.T) (folder string, args []string) {
	t.Helper()
	folder = t.TempDir()
	pod := "cgroup/kubepods/burstable/pod" + podUID + "/"
	for name, data := range map[string]string{
		"proc/sys/kernel/random/boot_id":                     "2f60d716-2ddd-4824-a862-85bc218a1e97\n",
		"proc/stat":                                          "cpu  1 0 0 0 0 0 0 0 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n",
		"proc/1/net/dev":                                     "  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
		"sys/block/README":                                   "",
		"cgroup/cgroup.controllers":                          "cpu\n",
		pod + "cpu.stat":                                     "usage_usec 5\nuser_usec 3\nsystem_usec 2\n",
		pod + containerID + "/cpu.stat":                      "usage_usec 4\nuser_usec 3\nsystem_usec 1\n",
		"pods/shop_web_" + podUID + "/web/0.log":             "",
		"containers/web_shop_web-" + containerID + ".log":    "",
		"containers/web_shop_broken-0123456789abcdef.log.gz": "",
	} {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder, []string{
		"--listen=127.0.0.1:0", "--node-name=node1", "--procfs=" + folder + "/proc", "--sysfs=" + folder + "/sys",
		"--cgroupfs=" + folder + "/cgroup", "--podlogs=" + folder + "/pods", "--containerlogs=" + folder + "/containers",
	}
}

func noEnv(string) (string, bool) { return "", false }

// start runs the program until the test ends, and returns its base URL and a
// function that stops it and returns what run returned.
func start(t *testing.T, args []string) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- run(ctx, log, io.Discard, args, noEnv, func(address net.Addr) { ready <- address }) }()
	select {
	case address := <-ready:
		return "http://" + address.String(), func() error { cancel(); return <-ended }
	case err := <-ended:
		t.Fatalf("run: %v", err)
		return "", nil
	}
}

func get(t *testing.T, url, accept string) (status int, contentType string, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), body
}

func TestProgram(t *testing.T) {
	_, args := capture(t)
	url, stop := start(t, args)

	snapshots := make(map[string]*snapshot.Snapshot)
	for _, accept := range []string{snapshot.ContentTypeJSON, snapshot.ContentTypeMsgpack} {
		status, contentType, body := get(t, url+"/snapshot", accept)
		if status != http.StatusOK || contentType != accept {
			t.Fatalf("snapshot as %s: %d %s", accept, status, contentType)
		}
		s, err := snapshot.Decode(body, contentType)
		if err != nil {
			t.Fatal(err)
		}
		snapshots[accept] = s
	}
	got := snapshots[snapshot.ContentTypeJSON]
	sameReading := cmpopts.IgnoreFields(snapshot.Snapshot{}, "Time", "BootNanos")
	if diff := cmp.Diff(got, snapshots[snapshot.ContentTypeMsgpack], sameReading); diff != "" {
		t.Errorf("the encodings differ (-JSON +MessagePack):\n%s", diff)
	}
	if got.Node != "node1" || len(got.Pods) != 1 || got.Pods[0].Name != "web" || got.Pods[0].CPU == nil || got.Pods[0].CPU.UsageMicros != 5 ||
		len(got.Pods[0].Containers) != 1 || got.Pods[0].Containers[0].Name != "web" {
		t.Errorf("snapshot = %+v, want node1 with the pod web", got)
	}
	if status, _, body := get(t, url+"/healthz", "*/*"); status != http.StatusOK {
		t.Errorf("healthz: %d %s", status, body)
	}
	if status, _, body := get(t, url+"/metrics", "*/*"); status != http.StatusOK || !strings.Contains(string(body), "kubemon_agent_snapshots_total 2\n") ||
		!strings.Contains(string(body), "process_resident_memory_bytes ") {
		t.Errorf("metrics: %d %s", status, body)
	}
	status, contentType, body := get(t, url+"/nodes", "*/*")
	if status != http.StatusNotFound || contentType != "application/problem+json" || !json.Valid(body) {
		t.Errorf("unknown path: %d %s %s", status, contentType, body)
	}
	if err := stop(); err != nil {
		t.Errorf("run ended with %v, want nil", err)
	}
}

// TestProgramKeepsSnapshots asks once, as a hub: a snapshot that nobody asks for
// follows, and both are answered. Without a history there are none.
func TestProgramKeepsSnapshots(t *testing.T) {
	_, args := capture(t)
	url, stop := start(t, append(args, "--history=1m", "--history-interval=1s"))
	get(t, url+"/snapshot", snapshot.ContentTypeMsgpack)
	deadline := time.Now().Add(time.Minute)
	for {
		status, _, body := get(t, url+"/snapshots", "*/*")
		var list []snapshot.Snapshot
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
			t.Fatalf("%d, %v: %s", status, err, body)
		}
		if len(list) > 1 && list[0].Node == "node1" && list[1].BootNanos > list[0].BootNanos {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute of one-second intervals there are %s", body)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}

	url, stop = start(t, append(args, "--history=0"))
	if status, _, body := get(t, url+"/snapshots", "*/*"); status != http.StatusNotFound {
		t.Errorf("without a history: %d %s", status, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestProgramOnThisMachine reads whatever kernel runs the test: every file that
// is really there must be understood.
func TestProgramOnThisMachine(t *testing.T) {
	url, stop := start(t, []string{"--listen=127.0.0.1:0", "--process-args"})
	_, contentType, body := get(t, url+"/snapshot", "*/*")
	s, err := snapshot.Decode(body, contentType)
	if err != nil {
		t.Fatal(err)
	}
	if s.BootNanos <= 0 || s.Host.CPU.Count == 0 || s.Host.CPU.UsageMicros == nil || s.Host.Memory.TotalBytes == nil {
		t.Errorf("host = %+v", s.Host)
	}
	for _, warning := range s.Warnings {
		t.Logf("warning: %s: %s", warning.Source, warning.Reason)
		if strings.Contains(warning.Reason, "parse ") {
			t.Errorf("a kernel file was not understood: %+v", warning)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A refusal is what the program cannot run with: one line that says what, and
// the error's kind decides the exit code.
type refusal struct {
	name  string
	args  []string
	env   map[string]string
	usage bool
	want  string
}

func (tt refusal) check(t *testing.T) {
	lookupEnv := func(name string) (string, bool) { value, ok := tt.env[name]; return value, ok }
	err := run(t.Context(), slog.New(slog.DiscardHandler), io.Discard, tt.args, lookupEnv, func(net.Addr) {
		t.Error("the program runs")
	})
	if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("run: %v, want one line with %q", err, tt.want)
	}
	if _, usage := errors.AsType[daemon.UsageError](err); usage != tt.usage {
		t.Errorf("usage error = %v, want %v: %v", usage, tt.usage, err)
	}
}

// TestServerRefuses has flags of the server.
func TestServerRefuses(t *testing.T) {
	folder, args := capture(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	loop := filepath.Join(folder, "loop") // a folder that even root cannot open
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	serve := func(more ...string) []string { return append(args[:len(args):len(args)], more...) }
	for _, tt := range []refusal{
		{"unknown flag", serve("--auths=none"), nil, true, "auths"},
		{"argument", serve("start"), nil, true, `unexpected argument "start"`},
		{"processes", serve("--processes=-1"), nil, true, "-processes"},
		{"too many processes", serve("--processes=501"), nil, true, "0 to 500"},
		{"processes in the environment", serve(), map[string]string{"KUBEMON_AGENT_PROCESSES": "many"}, true, "KUBEMON_AGENT_PROCESSES"},
		{"history", serve("--history=61m"), nil, true, "invalid value 1h1m0s for flag -history: want 0 to 1h0m0s"},
		{"negative history", serve("--history=-1s"), nil, true, "-history: want 0 to"},
		{"history interval", serve("--history-interval=1ms"), nil, true, "-history-interval: want at least 1s"},
		{"open address", serve("--listen=:0"), nil, true, "--allow-unauthenticated"},
		{"no port", serve("--listen=127.0.0.1"), nil, true, "want host:port"},
		{"port in use", serve("--listen=" + busy.Addr().String()), nil, false, busy.Addr().String()},
		{"no cgroup mount", serve("--cgroupfs=" + folder + "/gone"), nil, false, "--cgroupfs: open " + folder + "/gone"},
		{"unreadable cgroup mount", serve("--cgroupfs=" + loop), nil, false, "--cgroupfs: open " + loop},
		{"something else for a cgroup mount", serve("--cgroupfs=" + folder + "/sys"), nil, false, "no control groups are mounted"},
		{"a file for a cgroup mount", serve("--cgroupfs=" + folder + "/proc/stat"), nil, false, "not a directory"},
		{"no proc", serve("--procfs=" + folder + "/gone"), nil, false, "--procfs: open"},
		{"no sys", serve("--sysfs=" + folder + "/gone"), nil, false, "--sysfs: open"},
		{"a file for logs", serve("--podlogs=" + folder + "/proc/stat"), nil, false, "--podlogs: open"},
		{"captured, no cgroup mount given", serve("--cgroupfs="), nil, false, "give --cgroupfs"},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestSecurityRefuses has flags that say who may ask.
func TestSecurityRefuses(t *testing.T) {
	folder, args := capture(t)
	serve := func(more ...string) []string { return append(args[:len(args):len(args)], more...) }
	known := func(more ...string) []string {
		return append(serve("--auth=token", "--auth-subjects=system:serviceaccount:a:b"), more...)
	}
	for _, tt := range []refusal{
		{"auth", serve("--auth=basic"), nil, true, `invalid value "basic" for flag -auth: want none or token`},
		{"tls", serve("--tls=on"), nil, true, `invalid value "on" for flag -tls: want off, self-signed, attested or files`},
		{"nobody may ask", serve("--auth=token"), nil, true, "--auth=token wants --auth-subjects"},
		{"a user may ask", serve("--auth=token", "--auth-subjects=jane"), nil, true, `invalid value "jane" for flag -auth-subjects`},
		{"nobody beside somebody", serve("--auth=token", "--auth-subjects=system:serviceaccount:a:b,"), nil, true, `invalid value "" for flag -auth-subjects`},
		{"an account without a name", serve("--auth=token", "--auth-subjects=system:serviceaccount:a:"), nil, true, "-auth-subjects"},
		{"no audience", known("--auth-audience="), nil, true, "-auth-audience"},
		{"no keys", known(), nil, true, "give --jwks"},
		{"keys over HTTP", known("--jwks=http://a"), nil, true, "want a file or an https URL"},
		{"keys over HTTPS of nobody", known("--jwks=https://"), nil, true, "an https URL with a host"},
		{"keys at a path of nobody", known("--jwks=https:///keys"), nil, true, "an https URL with a host"},
		{"keys at a part of a page", known("--jwks=https://a/keys#b"), nil, true, "without fragment"},
		{"no URL of keys", known("--jwks=https://a b/"), nil, true, "want a file or an https URL"},
		{"no file of keys", known("--auth-issuer=a", "--jwks="+folder+"/gone"), nil, true, "-jwks: open " + folder + "/gone"},
		{"no issuer", known("--jwks=https://a", "--service-account-folder="+folder), nil, true, "give --auth-issuer: open " + folder + "/token"},
		{"tokens in the clear", known("--jwks=a", "--tls=off", "--listen=:0"), nil, true, "tokens sent in the clear"},
		{"an open address with TLS alone", serve("--tls=self-signed", "--listen=:0"), nil, true, "--allow-unauthenticated"},
		{"attested outside of a cluster", serve("--tls=attested"), nil, true, "there is no KUBERNETES_SERVICE_HOST"},
		{"files without a key", serve("--tls=files", "--tls-cert-file=a"), nil, true, "wants --tls-cert-file and --tls-key-file"},
		{"files for another kind", serve("--tls-cert-file=a"), nil, true, "are for --tls=files, not --tls=off"},
		{"files that are not there", serve("--tls=files", "--tls-cert-file="+folder+"/gone", "--tls-key-file=b"), nil, true, "--tls=files: read certificate: open " + folder + "/gone"},
	} {
		t.Run(tt.name, tt.check)
	}
}

// TestSecretsInFlagsAreNotSaid gives a user and password where there may be none.
func TestSecretsInFlagsAreNotSaid(t *testing.T) {
	for _, place := range []string{"https://jane:secret@a/keys", "https://jane:secret@a b/", "http://secret@a"} {
		_, err := parse([]string{"--auth=token", "--auth-subjects=system:serviceaccount:a:b", "--jwks=" + place}, noEnv)
		if err == nil || !strings.Contains(err.Error(), "flag -jwks: want a file or an https URL, without user") || strings.Contains(err.Error(), "secret") {
			t.Errorf("parse: %v, want it refused without being quoted", err)
		}
	}
}

// TestCommandsRefuse has flags of the commands, and recordings.
func TestCommandsRefuse(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "stat")
	if err := os.WriteFile(file, []byte("cpu 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []refusal{
		{"bad output", []string{"snapshot", "-o=yaml"}, nil, true, `invalid value "yaml" for flag -o: want table or json`},
		{"bad output in the environment", []string{"snapshot"}, map[string]string{"KUBEMON_AGENT_O": "wide"}, true, `"wide"`},
		{"argument of snapshot", []string{"snapshot", "node1"}, nil, true, `unexpected argument "node1"`},
		{"address of snapshot", []string{"snapshot", "--listen=:1"}, nil, true, "-listen"},
		{"record to nowhere", []string{"record"}, nil, true, "FILE is missing"},
		{"record to two files", []string{"record", "a", "b"}, nil, true, `unexpected argument "b"`},
		{"record with command lines", []string{"record", "a", "--process-args"}, nil, true, "-process-args"},
		{"root and procfs", []string{"snapshot", "--root=a", "--procfs=/proc"}, nil, true, "--root and --procfs exclude each other"},
		{"root and sysfs", []string{"--root=a", "--sysfs=/sys"}, nil, true, "--root and --sysfs exclude each other"},
		{"root and cgroupfs", []string{"--root=a"}, map[string]string{"KUBEMON_AGENT_CGROUPFS": "/x"}, true, "--root and --cgroupfs exclude each other"},
		{"root and podlogs", []string{"--root=a", "--podlogs="}, nil, true, "--root and --podlogs exclude each other"},
		{"root and containerlogs", []string{"--root=a", "--containerlogs=b"}, nil, true, "--root and --containerlogs exclude each other"},
		{"root and command lines", []string{"--root=a", "--process-args"}, nil, true, "--root and --process-args exclude each other"},
		{"no recording", []string{"snapshot", "--root=" + folder + "/gone"}, nil, false, "--root: open " + folder + "/gone"},
		{"another file for a recording", []string{"--listen=127.0.0.1:0", "--root=" + file}, nil, false, "stat is no recording of a node"},
		{"a folder for a recording", []string{"snapshot", "--root=" + folder}, nil, false, folder + " is no recording of a node"},
	} {
		t.Run(tt.name, tt.check)
	}
}

func TestNodeName(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"flag", []string{"--node-name=a"}, map[string]string{"NODE_NAME": "b"}, "a"},
		{"own variable", nil, map[string]string{"NODE_NAME": "b", "KUBEMON_AGENT_NODE_NAME": "c"}, "c"},
		{"downward API", nil, map[string]string{"NODE_NAME": "b"}, "b"},
		{"host name", nil, nil, host},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(tt.args, func(name string) (string, bool) { value, ok := tt.env[name]; return value, ok })
			if err != nil || c.nodeName != tt.want {
				t.Errorf("node name = %q, %v, want %q", c.nodeName, err, tt.want)
			}
		})
	}
}
