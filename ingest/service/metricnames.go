package service

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"logseal/ingest/parse"
	"logseal/ingest/table"
	"logseal/ingest/tail"
)

// lossReasons are what bytes may be lost for, so that each has a series from the start.
var lossReasons = []table.LossReason{table.Deleted, table.Truncated, table.NotWanted}

// wholeMetrics are of the tail as a whole.
var wholeMetrics = []metric[*tail.Status]{
	newMetric(gauge, "ready", "1 once all files were looked at and the sink was reached.",
		func(s *tail.Status) float64 { return oneIf(s.Ready) }),
	newMetric(gauge, "last_look_timestamp_seconds",
		"When the last look at all files ended, in Unix time; 0 before the first.",
		func(s *tail.Status) float64 { return unixSeconds(s.LastLook) }),
	newMetric(gauge, "spool_bytes", "Bytes of sealed batches on the local disk.",
		func(s *tail.Status) float64 { return float64(s.SpoolBytes) }),
	newMetric(gauge, "held_bytes", "Bytes of memory that hold what was read and is not sealed.",
		func(s *tail.Status) float64 { return float64(s.HeldBytes) }),
	newMetric(gauge, "outbox_age_seconds",
		"Age of the oldest byte or batch that was read or sealed and is not in the sink; 0 for none.",
		func(s *tail.Status) float64 { return secondsSince(s.OldestUnshipped) }),
	newMetric(gauge, "unsealed_age_seconds",
		"For how long bytes have been waiting in a file, read or not, to be sealed on the local disk; 0 for none.",
		func(s *tail.Status) float64 { return secondsSince(s.OldestUnsealed) }),
	newMetric(gauge, "paused", "1 while reading is paused.",
		func(s *tail.Status) float64 { return oneIf(s.Paused != "") }),
	newMetric(counter, "paused_seconds_total", "For how long reading has been paused in all.",
		func(s *tail.Status) float64 { return s.PausedSeconds }),
	newMetric(gauge, "open_files", "Log files that are open.",
		func(s *tail.Status) float64 { return float64(s.OpenFiles) }),
}

// serviceMetrics are of what is around the tail.
var serviceMetrics = []metric[*Service]{
	newMetric(gauge, "spool_limit_bytes", "How far the spool may grow before reading pauses.",
		func(s *Service) float64 { return float64(s.current.Load().Config.SpoolMaxBytes) }),
	newMetric(counter, "retries_total", "Requests to the sink that were repeated.",
		func(s *Service) float64 { return float64(s.store.Retries()) }),
	newMetric(gauge, "config_refused",
		"1 when the last reload was refused, so that the program runs by an older config.",
		func(s *Service) float64 { return oneIf(s.reloads.stale.Load()) }),
}

// streamMetrics are of one stream, since the start.
var streamMetrics = []metric[tail.StreamTotals]{
	newMetric(counter, "read_bytes_total", "Decompressed bytes read from files.",
		func(t tail.StreamTotals) float64 { return float64(t.ReadBytes) }, "stream"),
	newMetric(counter, "sealed_bytes_total",
		"Decompressed bytes of the source that are sealed on the local disk.",
		func(t tail.StreamTotals) float64 { return float64(t.SealedBytes) }, "stream"),
	newMetric(counter, "shipped_bytes_total",
		"Decompressed bytes of the source that are committed in the sink.",
		func(t tail.StreamTotals) float64 { return float64(t.ShippedBytes) }, "stream"),
	newMetric(counter, "batches_total", "Batches sealed.",
		func(t tail.StreamTotals) float64 { return float64(t.Batches) }, "stream"),
	newMetric(counter, "objects_total", "Objects sealed.",
		func(t tail.StreamTotals) float64 { return float64(t.Objects) }, "stream"),
	newMetric(counter, "records_total", "Records sealed: rows and rejects.",
		func(t tail.StreamTotals) float64 { return float64(t.Records) }, "stream"),
	newMetric(counter, "rows_total", "Records sealed that are rows.",
		func(t tail.StreamTotals) float64 { return float64(t.Rows) }, "stream"),
	newMetric(counter, "skipped_lines_total", "Lines sealed that hold nothing.",
		func(t tail.StreamTotals) float64 { return float64(t.Skipped) }, "stream"),
}

// reasonMetric is a count of one stream, since the start, by reason.
type reasonMetric struct {
	desc   *prometheus.Desc
	values func(tail.StreamTotals) map[string]int64
}

func newReasonMetric(
	name, help string, values func(tail.StreamTotals) map[string]int64,
) reasonMetric {
	return reasonMetric{prometheus.NewDesc("logseal_"+name, help, []string{"stream", "reason"}, nil),
		values}
}

var reasonMetrics = []reasonMetric{
	newReasonMetric("rejects_total", "Records sealed into quarantine, by reason.",
		func(t tail.StreamTotals) map[string]int64 {
			return byReason(t.Rejects, parse.Reasons())
		}),
	newReasonMetric("lost_bytes_total",
		"Bytes that were declared lost, at least, by reason (deleted, truncated, not_wanted).",
		func(t tail.StreamTotals) map[string]int64 { return byReason(t.LostBytes, lossReasons) }),
	newReasonMetric("losses_total", "Ranges that were declared lost, by reason.",
		func(t tail.StreamTotals) map[string]int64 { return byReason(t.Losses, lossReasons) }),
}

// groupMetrics are of all sources of a stream.
var groupMetrics = []metric[*sourceGroup]{
	newMetric(gauge, "lag_bytes", "Bytes of the stream's files that are not in the sink.",
		func(g *sourceGroup) float64 { return float64(g.lagBytes) }, "stream"),
	newMetric(gauge, "lag_seconds",
		"Age of the oldest byte that is not in the sink, of the source furthest behind.",
		func(g *sourceGroup) float64 { return g.behind.Seconds() }, "stream"),
	newMetric(gauge, "outbox_batches", "Batches that are sealed and not in the sink.",
		func(g *sourceGroup) float64 { return float64(g.outbox) }, "stream"),
}

var sourceLabels = []string{"stream", "origin", "sid", "path"}

// sourceMetrics are of one source that is behind.
var sourceMetrics = []metric[tail.SourceStatus]{
	newMetric(gauge, "source_lag_bytes", "Bytes of the source that are not in the sink.",
		func(s tail.SourceStatus) float64 { return float64(lagBytes(s)) }, sourceLabels...),
	newMetric(gauge, "source_lag_seconds",
		"Age of the source's oldest byte that is not in the sink.",
		func(s tail.SourceStatus) float64 { return s.Behind.Seconds() }, sourceLabels...),
}

var (
	sourcesDesc = prometheus.NewDesc("logseal_sources", "Sources by stream and state.",
		[]string{"stream", "state"}, nil)
	problemsDesc = prometheus.NewDesc("logseal_problems", "Problems that stand now, by kind.",
		[]string{"kind"}, nil)
	reloadsDesc = prometheus.NewDesc("logseal_reloads_total",
		"Times that the config was read again, by result (ok, refused).", []string{"result"}, nil)
)

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func secondsSince(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// validText is what of a path can be the value of a label.
func validText(path string) string { return strings.ToValidUTF8(path, "\uFFFD") }
