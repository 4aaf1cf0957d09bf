package service

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/config"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/sink/retry"
	"logseal/ingest/source"
	"logseal/ingest/table"
	"logseal/ingest/tail"
)

// metricDoc is the document that describes every metric.
const metricDoc = "../../docs/metrics.md"

// metricNames are all metrics of ours.
func metricNames(t *testing.T) []string {
	descs := make(chan *prometheus.Desc, 1000)
	telemetry{}.Describe(descs)
	newPutSeconds().Describe(descs)
	buildInfo(Build{}).Describe(descs)
	close(descs)
	var names []string
	for d := range descs {
		m := regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String())
		require.NotNil(t, m, d.String())
		names = append(names, m[1])
	}
	require.Greater(t, len(names), 25)
	return names
}

// Every metric has a row in the document, and every row is of a metric.
func TestMetrics_AreDocumented(t *testing.T) {
	body, err := os.ReadFile(metricDoc)
	require.NoError(t, err)
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(logseal_[a-z_]+)").FindAllSubmatch(body, -1) {
		documented = append(documented, string(m[1]))
	}
	require.ElementsMatch(t, metricNames(t), documented)
	require.Len(t, documented, len(slices.Compact(slices.Sorted(slices.Values(documented)))))
}

// fullService has a status with something of everything.
func fullService(t *testing.T) *Service {
	at := time.Now().Add(-time.Minute)
	fake := &fakeTail{is: tail.Status{
		Ready: true, LastLook: at, SpoolBytes: 7, HeldBytes: 8, OldestUnshipped: at, PausedSeconds: 9.5,
		Paused: "full", OpenFiles: 3, Problems: []commit.Problem{{Kind: commit.Corrupt}},
		Sources: []tail.SourceStatus{
			{Stream: "app", Origin: "web-1", Path: "/a\xff", SID: source.ID{1}, Size: 100, Read: 90,
				Sealed: 80, Shipped: 30, Outbox: 2, Behind: 61 * time.Second, State: "live"},
			{Stream: "app", Path: "/b", SID: source.ID{2}, Size: 5, Read: 5, Sealed: 5, Shipped: 5,
				State: "live"},
			{Stream: "app", Path: "/copy", SID: source.ID{3}, Size: 1000, State: "copy"},
			// Two that Prometheus cannot tell apart.
			{Stream: "app", Path: "/new", Size: 1, State: "waiting"},
			{Stream: "app", Path: "/new", Size: 1, State: "waiting"},
		},
		Streams: map[string]tail.StreamTotals{"app": {
			ReadBytes: 1000, SealedBytes: 900, ShippedBytes: 800, Batches: 4, Records: 50, Rows: 40,
			Skipped: 3, Rejects: map[parse.Reason]int64{parse.NoMatch: 10},
			LostBytes: map[table.LossReason]int64{table.Deleted: 12},
			Losses:    map[table.LossReason]int64{table.Deleted: 1},
		}},
	}}
	s := &Service{Log: slog.New(slog.DiscardHandler), Build: Build{Version: "devel", Go: runtime.Version()}, tail: fake,
		store: &retry.Store{}}
	s.current.Store(&Plan{Config: &config.Config{SpoolMaxBytes: 1 << 30,
		Streams: []config.Stream{{Name: "app"}, {Name: "quiet"}}}})
	return s
}

func TestMetrics_Values(t *testing.T) {
	s := fullService(t)
	s.reloads.taken.Store(2)
	body := scrape(t, s)
	for _, want := range []string{
		`logseal_read_bytes_total{stream="app"} 1000`,
		`logseal_sealed_bytes_total{stream="app"} 900`,
		`logseal_shipped_bytes_total{stream="app"} 800`,
		`logseal_batches_total{stream="app"} 4`,
		`logseal_records_total{stream="app"} 50`,
		`logseal_rows_total{stream="app"} 40`,
		`logseal_skipped_lines_total{stream="app"} 3`,
		`logseal_rejects_total{reason="no_match",stream="app"} 10`,
		`logseal_rejects_total{reason="too_long",stream="app"} 0`,
		`logseal_lost_bytes_total{reason="deleted",stream="app"} 12`,
		`logseal_losses_total{reason="deleted",stream="app"} 1`,
		`logseal_losses_total{reason="truncated",stream="quiet"} 0`,
		`logseal_lag_bytes{stream="app"} 72`,
		`logseal_lag_bytes{stream="quiet"} 0`,
		`logseal_lag_seconds{stream="app"} 61`,
		`logseal_outbox_batches{stream="app"} 2`,
		`logseal_sources{state="live",stream="app"} 2`,
		`logseal_source_lag_bytes{origin="web-1",path="/a` + "\uFFFD" + `",sid="` +
			source.ID{1}.String() + `",stream="app"} 70`,
		`logseal_spool_bytes 7`, `logseal_spool_limit_bytes 1.073741824e+09`, `logseal_held_bytes 8`,
		`logseal_paused 1`, `logseal_paused_seconds_total 9.5`, `logseal_open_files 3`,
		`logseal_ready 1`, `logseal_problems{kind="corrupt"} 1`, `logseal_retries_total 0`,
		`logseal_reloads_total{result="ok"} 2`, `logseal_config_refused 0`,
		`logseal_put_duration_seconds_count{result="failed"} 0`,
	} {
		require.True(t, strings.Contains(body, "\n"+want+"\n"), "want %s", want)
	}
	require.Regexp(t, `\nlogseal_outbox_age_seconds 6[0-9]`, body)
	require.Regexp(t, `\nlogseal_build_info\{goversion="go1`, body)
	require.NotContains(t, body, source.ID{2}.String(), "a source that is not behind has no series")
	require.Contains(t, body, "\ngo_goroutines ")
}

// The furthest behind have series of their own, however many there are.
func TestMetrics_OfManySourcesAreBounded(t *testing.T) {
	s := fullService(t)
	fake := s.tail.(*fakeTail)
	fake.is.Sources = nil
	for i := range 3 * behindMost {
		fake.is.Sources = append(fake.is.Sources, tail.SourceStatus{Stream: "app", Size: 1,
			SID: source.ID{byte(i)}, Path: fmt.Sprint("/", i), Behind: time.Duration(i) * time.Second})
	}
	body := scrape(t, s)
	require.Equal(t, behindMost, strings.Count(body, "\nlogseal_source_lag_seconds{"))
	require.Contains(t, body, fmt.Sprintf(`path="/%d"`, 3*behindMost-1))
	require.NotContains(t, body, `path="/0"`)
	require.Contains(t, body, fmt.Sprintf("\nlogseal_lag_bytes{stream=\"app\"} %d\n", 3*behindMost))
}

func TestMetrics_NamesAreGood(t *testing.T) {
	problems, err := testutil.GatherAndLint(newRegistry(fullService(t), newPutSeconds()))
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestPutMeter_MeasuresEachAttempt(t *testing.T) {
	store, err := dir.New(filepath.Join(t.TempDir(), "lake"), "0123456789abcdef", dir.DefaultMode)
	require.NoError(t, err)
	seconds := newPutSeconds()
	m := &putMeter{Store: store, seconds: seconds}
	require.Error(t, m.Put(t.Context(), sink.Object{Key: "no/such/root"}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, m.Put(ctx, sink.Object{Key: "data/x"}))
	require.NoError(t, m.Probe(t.Context(), sink.Object{}), "a folder promises what it keeps")
	require.NoError(t, m.Put(t.Context(), sink.Object{Key: "data/x", Size: 1,
		SHA256: sha256.Sum256([]byte("x")),
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }}))
	m.Store = promising{store}
	require.EqualError(t, m.Probe(t.Context(), sink.Object{}), "refused")
	r := prometheus.NewRegistry()
	r.MustRegister(seconds)
	families, err := r.Gather()
	require.NoError(t, err)
	counts := map[string]uint64{}
	for _, x := range families[0].Metric {
		counts[x.Label[0].GetValue()] = x.Histogram.GetSampleCount()
	}
	require.Equal(t, map[string]uint64{"ok": 1, "failed": 2}, counts)
}

type promising struct{ sink.Store }

func (promising) Probe(context.Context, sink.Object) error { return errors.New("refused") }
