package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An item is what the tests read of an answer of REST.
type item struct {
	Kind, Namespace, Name, Node, Phase, UID string

	HostNetwork bool
	Owner       struct{ Kind, Name string }
	Time        time.Time
	Status      struct {
		State, Reason string
		SampleTime    time.Time
		AgeSeconds    *float64
	}
	Usage            *usage
	Requests, Limits *struct{ CPUMillicores, MemoryBytes *float64 }
	Pods, Nodes      *struct{ Count, Reporting int }
	Containers       []struct {
		Name, ID string
		Restarts int
		Usage    *usage
	}
	Unavailable map[string]string
	Series      *series
	Summary     map[string]json.RawMessage
}

// usage has null for what is not known.
type usage struct {
	OverSeconds                             *float64
	CPUMillicores, MemoryBytes              *float64
	DiskReadBytes, DiskWriteBytes           *float64
	DiskWriteBytesPerSecond                 *float64
	NetworkRxBytes, NetworkTxBytes          *float64
	NetworkRxBytesPerSecond                 *float64
	NetworkTxBytesPerSecond                 *float64
	CPUThrottledRatio, OOMKills, PIDs       *float64
	MemoryRSSBytes, MemoryCacheBytes        *float64
	MemorySwapBytes, DiskReadBytesPerSecond *float64
}

type series struct {
	Times         []int64
	CPUMillicores []*float64
	MemoryBytes   []*float64
	Reporting     []int
	// CPUMillicoresByMode is a node's.
	CPUMillicoresByMode map[string][]*float64
}

type list struct {
	Kind            string
	Time            time.Time
	IntervalSeconds float64
	Items           []item
}

type problem struct {
	Type, Title, Detail, Instance, Parameter string
	Status                                   int
}

// ask gets a path of the hub and returns what came.
func ask(ctx context.Context, path string) (status int, header http.Header, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, theLab.HubURL()+path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := hubReader.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

// fetch gets a path that must answer 200 and decodes it.
func fetch[T any](ctx context.Context, path string) (T, error) {
	var into T
	status, _, body, err := ask(ctx, path)
	if err != nil {
		return into, err
	}
	if status != http.StatusOK {
		return into, fmt.Errorf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal(body, &into); err != nil {
		return into, fmt.Errorf("GET %s: %w", path, err)
	}
	return into, nil
}

func mustFetch[T any](t *testing.T, path string) T {
	t.Helper()
	into, err := fetch[T](t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return into
}

// podOf returns the one running pod of namespace loads whose name begins so.
func podOf(ctx context.Context, prefix string) (item, error) {
	pods, err := fetch[list](ctx, "/api/v1/namespaces/loads/pods")
	if err != nil {
		return item{}, err
	}
	for _, p := range pods.Items {
		if strings.HasPrefix(p.Name, prefix) && p.Phase == "Running" && p.Status.State == "ok" {
			return p, nil
		}
	}
	return item{}, fmt.Errorf("no running pod %s* with a sample among %d", prefix, len(pods.Items))
}

// awaitPod waits until the hub shows a pod with a CPU rate.
func awaitPod(t *testing.T, prefix string) item {
	t.Helper()
	var pod item
	eventually(t, 2*time.Minute, "usage of pod "+prefix, func() (err error) {
		if pod, err = podOf(t.Context(), prefix); err != nil {
			return err
		}
		if pod.Usage == nil || pod.Usage.CPUMillicores == nil {
			return fmt.Errorf("pod %s has no CPU rate: %v", pod.Name, pod.Unavailable)
		}
		return nil
	})
	return pod
}

// afterRounds waits until n more rounds than now have been answered from.
func afterRounds(t *testing.T, n int) {
	t.Helper()
	last := mustFetch[item](t, "/api/v1/cluster").Time
	for range n {
		eventually(t, time.Minute, "the next round", func() error {
			now, err := fetch[item](t.Context(), "/api/v1/cluster")
			if err == nil && !now.Time.After(last) {
				err = fmt.Errorf("still at %v", last)
			}
			if err == nil {
				last = now.Time
			}
			return err
		})
	}
}

// value is 0 for null, for sums of what is known.
func value(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func decodeAs[T any](t *testing.T, body string) T {
	t.Helper()
	var into T
	if err := json.Unmarshal([]byte(body), &into); err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	return into
}
