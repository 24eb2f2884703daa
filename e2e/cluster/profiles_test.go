package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kubemon/kubemon/e2e/lab"
	"github.com/kubemon/kubemon/shared/snapshot"
)

const (
	privilegedPort = 10290
	restrictedPort = 10390
)

// TestRestrictedAgent runs an agent without any right beside the privileged one
// of node1.
func TestRestrictedAgent(t *testing.T) {
	awaitPod(t, "burn-")
	t.Cleanup(func() { // other tests look for the agent of node1, and must find one
		if _, err := kubectl(context.Background(), "", "wait", "--namespace=kubemon", "--for=delete", "--timeout=2m", "pod", "--selector=app.kubernetes.io/instance=restricted"); err != nil {
			t.Error(err)
		}
	})
	apply(t, restrictedAgent(t), nil)
	if _, err := kubectl(t.Context(), "", "rollout", "status", "--namespace=kubemon", "--timeout=3m", "daemonset/restricted-kubemon-agent"); err != nil {
		t.Fatal(err)
	}
	t.Run("agrees", agreesWithPrivileged)
	t.Run("command", snapshotsInItsPod)
}

// agreesWithPrivileged asks both agents in turns: what the restricted one counts
// lies between what the privileged one counted just before and just after, to
// the last field of the contract. What it cannot read it names.
func agreesWithPrivileged(t *testing.T) {
	const rounds = 7
	c := comparison{odd: make(map[string][]string)}
	for range rounds {
		before, _ := askPort(t, privilegedPort)
		restricted, s := askPort(t, restrictedPort)
		after, privileged := askPort(t, privilegedPort)
		c.compare(t, before, restricted, after)
		checkWarnings(t, privileged, s)
		if len(s.Pods) < 5 || len(s.Host.Disks) != 1 || len(s.Host.Network) != 1 || len(s.Processes) < 5 {
			t.Errorf("the restricted agent has %d pods, %d disks, %d uplinks, %d processes",
				len(s.Pods), len(s.Host.Disks), len(s.Host.Network), len(s.Processes))
		}
	}
	t.Logf("%d rounds: %d counters lay between, %d values were equal, %d gauges compared, %d of them off in some round",
		rounds, c.counters, c.equals, c.gauges, len(c.odd))
	if c.counters < 100*rounds || c.equals < 100*rounds {
		t.Errorf("only %d counters and %d equal values were compared", c.counters, c.equals)
	}
	// What goes up and down may peak between two looks, but not each time.
	for _, key := range slices.Sorted(maps.Keys(c.odd)) {
		if len(c.odd[key]) > rounds/2 {
			t.Errorf("%s is off in %d of %d rounds: %s", key, len(c.odd[key]), rounds, strings.Join(c.odd[key], "; "))
		}
	}
}

// restrictedAgent is the chart's own rendering of the other profile, so that
// the test runs what people install.
func restrictedAgent(t *testing.T) string {
	t.Helper()
	chart, err := filepath.Abs("../../charts/kubemon")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := theLab.Exec(t.Context(), nil, "helm", "template", "restricted", chart, "--namespace", "kubemon",
		"--set", "agent.securityProfile=restricted", "--set", fmt.Sprintf("agent.port=%d", restrictedPort),
		"--set", `agent.nodeSelector.kubernetes\.io/hostname=node1`,
		"--set", "agent.auth.subjects[0]=system:serviceaccount:kubemon:"+lab.Viewer,
		"--show-only", "templates/agent/daemonset.yaml", "--show-only", "templates/agent/serviceaccount.yaml",
		"--show-only", "templates/agent/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(manifest)
}

// askPort asks an agent of node1 inside the lab's network, and returns its
// answer twice: as a flat table and as what it is.
func askPort(t *testing.T, port int) (flat map[string]any, s *snapshot.Snapshot) {
	t.Helper()
	body, err := get(t.Context(), agentReader, fmt.Sprintf("https://%s:%d/snapshot", theLab.Node(1).IP, port))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = snapshot.Decode(body, snapshot.ContentTypeJSON); err != nil {
		t.Fatal(err)
	}
	return flatOf(t, body), s
}

// flatOf writes each value of a JSON text by its path.
func flatOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var tree any
	if err := json.Unmarshal(body, &tree); err != nil {
		t.Fatal(err)
	}
	flat := make(map[string]any)
	flatten(flat, "", tree)
	return flat
}

// flatten is flatOf for a part. An item of a list is known by what identifies it.
func flatten(to map[string]any, name string, tree any) {
	switch tree := tree.(type) {
	case map[string]any:
		for key, value := range tree {
			flatten(to, strings.TrimPrefix(name+"."+key, "."), value)
		}
	case []any:
		for i, item := range tree {
			flatten(to, fmt.Sprintf("%s[%v]", name, identity(i, item)), item)
		}
	default:
		to[name] = tree
	}
}

func identity(i int, item any) any {
	if fields, ok := item.(map[string]any); ok {
		for _, key := range []string{"uid", "id", "device", "interface", "mount", "pid", "cgroup", "source"} {
			if value, ok := fields[key]; ok {
				return value
			}
		}
	}
	return i
}

// checkWarnings wants the restricted agent to say what it lacks, and no more.
func checkWarnings(t *testing.T, privileged, restricted *snapshot.Snapshot) {
	t.Helper()
	var more []string
	for _, warning := range restricted.Warnings {
		if !slices.Contains(privileged.Warnings, warning) {
			more = append(more, warning.Source)
			if !strings.Contains(warning.Reason, "permission denied") {
				t.Errorf("the restricted agent warns of %s for another reason: %s", warning.Source, warning.Reason)
			}
		}
	}
	slices.Sort(more)
	if want := []string{"filesystems", "names"}; !slices.Equal(more, want) {
		t.Errorf("the restricted agent warns of %v beside the privileged one, want %v", more, want)
	}
	if len(privileged.Host.Filesystems) == 0 || restricted.Host.Filesystems != nil {
		t.Errorf("file systems: privileged %v, restricted %v; want some and null", privileged.Host.Filesystems, restricted.Host.Filesystems)
	}
}

// A comparison sums up rounds.
type comparison struct {
	counters, equals, gauges int
	odd                      map[string][]string // gauges and picks, with what was seen
}

// compare looks at everything that the privileged agent had before and after.
func (c *comparison) compare(t *testing.T, before, restricted, after map[string]any) {
	t.Helper()
	for key, first := range before {
		last, still := after[key]
		got, found := restricted[key]
		switch {
		case !still || key == "time" || strings.HasPrefix(key, "warnings[") || strings.HasPrefix(key, "host.filesystems["):
		case strings.HasPrefix(key, "processes[") && strings.HasSuffix(key, ".name"): // a kernel worker's is its work
		case !found && strings.HasPrefix(key, "processes["):
			c.odd[key] = append(c.odd[key], "not among the biggest")
		case !found:
			t.Errorf("the restricted agent has no %s, the privileged one %v", key, last)
		default:
			if err := c.value(key, first, got, last); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
	for key := range restricted {
		_, was := before[key]
		_, is := after[key]
		if !was && !is && !strings.HasPrefix(key, "warnings[") && !strings.HasPrefix(key, "processes[") {
			t.Errorf("the restricted agent has %s, the privileged one has not", key)
		}
	}
}

// value compares one value with those before and after it.
func (c *comparison) value(key string, before, got, after any) error {
	first, isNumber := before.(float64)
	number, alsoNumber := got.(float64)
	last, stillNumber := after.(float64)
	name := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case !isNumber || !alsoNumber || !stillNumber || isFixed(name):
		if before == after {
			c.equals++
		}
		if got != before && got != after {
			return fmt.Errorf("%v, the privileged agent says %v and %v", got, before, after)
		}
	case isCounter(name):
		c.counters++
		if number < first || number > last {
			return fmt.Errorf("%.0f is not between %.0f and %.0f", number, first, last)
		}
	default:
		c.gauges++
		// Memory is charged in batches of pages for each CPU; load, tasks and
		// the kernel's guess at time waited for disks move by themselves.
		slack := cmp.Or(map[string]float64{"iowaitMicros": 1e6, "idleMicros": 1e6}[name], 2)
		if strings.HasSuffix(name, "Bytes") {
			slack = mebibyte
		}
		if number < min(first, last)-slack || number > max(first, last)+slack {
			c.odd[key] = append(c.odd[key], fmt.Sprintf("%.0f beside %.0f and %.0f", number, first, last))
		}
	}
	return nil
}

// isFixed are the numbers that identify, or are set by somebody.
func isFixed(name string) bool {
	return slices.Contains([]string{
		"version", "count", "cgroupID", "networkID", "pid", "ppid", "startTicks",
		"limit", "limitBytes", "limitMillicores", "totalBytes", "swapTotalBytes", "totalInodes",
	}, name)
}

// isCounter are the numbers that only grow.
func isCounter(name string) bool {
	if name == "iowaitMicros" || name == "idleMicros" { // see proc_stat(5)
		return false
	}
	return strings.HasSuffix(name, "Micros") || strings.HasSuffix(name, "Ops") || strings.HasPrefix(name, "rx") || strings.HasPrefix(name, "tx") ||
		slices.Contains([]string{"bootNanos", "readBytes", "writtenBytes", "periods", "throttledPeriods", "oomKills", "peakBytes"}, name)
}

// snapshotsInItsPod runs the command snapshot in the agent's pod, where only the
// pod's environment tells where the node's control groups are.
func snapshotsInItsPod(t *testing.T) {
	body, err := kubectl(t.Context(), "", "exec", "--namespace=kubemon", "daemonset/restricted-kubemon-agent", "--", "/kubemon-agent", "snapshot", "-o=json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Decode([]byte(body), snapshot.ContentTypeJSON)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil || s.Node != "node1" || len(s.Pods) < 5 || s.Agent.Cgroup.Nested {
		t.Errorf("node %s, nested %v, %d pods, %v; want the whole node1", s.Node, s.Agent.Cgroup.Nested, len(s.Pods), err)
	}
}
