package fleet

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// rounds are what the hub's metrics say of its rounds since it started.
type rounds struct {
	made, skipped int
	within        map[time.Duration]int // how many took at most so long
}

func (f *Fleet) rounds(ctx context.Context) (rounds, error) {
	a, err := f.Hub.Get(ctx, "/metrics")
	if err != nil {
		return rounds{}, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(a.Body))
	if err != nil {
		return rounds{}, fmt.Errorf("parse the hub's metrics: %w", err)
	}
	took, err := only(families, "kubemon_round_duration_seconds")
	if err != nil {
		return rounds{}, err
	}
	skipped, err := only(families, "kubemon_rounds_skipped_total")
	if err != nil {
		return rounds{}, err
	}
	r := rounds{
		made: int(took.GetHistogram().GetSampleCount()), skipped: int(skipped.GetCounter().GetValue()),
		within: make(map[time.Duration]int),
	}
	for _, b := range took.GetHistogram().GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			continue
		}
		r.within[time.Duration(b.GetUpperBound()*float64(time.Second))] = int(b.GetCumulativeCount())
	}
	return r, nil
}

func only(families map[string]*dto.MetricFamily, name string) (*dto.Metric, error) {
	metrics := families[name].GetMetric()
	if len(metrics) != 1 {
		return nil, fmt.Errorf("the hub has %d metrics %s, want one", len(metrics), name)
	}
	return metrics[0], nil
}

// longest is a time that no round since before took longer than, as the
// metrics' buckets have it; 0 if one took longer than the last of them.
func (r rounds) longest(before rounds) time.Duration {
	var least time.Duration
	for bound, count := range r.within {
		if count-before.within[bound] == r.made-before.made && (least == 0 || bound < least) {
			least = bound
		}
	}
	return least
}
