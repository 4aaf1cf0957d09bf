package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"logseal/ingest/sink"
)

// putBuckets are seconds: a manifest takes a few hundredths, a batch of 64 MiB a second or two, and
// a store that takes half a minute is about to time out.
var putBuckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// putMeter is a sink.Store that measures how long each attempt to put an object takes.
type putMeter struct {
	sink.Store
	seconds *prometheus.HistogramVec // by result: ok or failed
}

var (
	_ sink.Store  = (*putMeter)(nil)
	_ sink.Prober = (*putMeter)(nil)
)

func newPutSeconds() *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "logseal_put_duration_seconds", Buckets: putBuckets,
		Help: "How long an attempt to put an object into the sink took, by result (ok, failed).",
	}, []string{"result"})
	for _, result := range []string{"ok", "failed"} {
		h.WithLabelValues(result) // so that both are there from the start
	}
	return h
}

// Put implements sink.Store.
func (m *putMeter) Put(ctx context.Context, o sink.Object) error {
	start := time.Now()
	err := m.Store.Put(ctx, o)
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.seconds.WithLabelValues(result).Observe(time.Since(start).Seconds())
	return err
}

// Probe implements sink.Prober, if the store below does.
func (m *putMeter) Probe(ctx context.Context, o sink.Object) error {
	if p, ok := m.Store.(sink.Prober); ok {
		return p.Probe(ctx, o)
	}
	return nil
}
