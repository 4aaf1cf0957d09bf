package tail

import (
	"maps"

	"logseal/ingest/commit"
	"logseal/ingest/offsets"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// count changes the totals of a stream.
func (a *accounts) count(stream string, change func(*StreamTotals)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.totals[stream]
	if s == nil {
		s = &StreamTotals{Rejects: map[parse.Reason]int64{},
			LostBytes: map[table.LossReason]int64{}, Losses: map[table.LossReason]int64{}}
		a.totals[stream] = s
	}
	change(s)
}

func (a *accounts) countRead(stream string, n int64) {
	a.count(stream, func(s *StreamTotals) { s.ReadBytes += n })
}

// noteSealed counts a batch.
func (a *accounts) noteSealed(w *commit.Writer, c commit.Counts) {
	a.board.pulse.beat()
	a.count(w.Key.Table.Stream, func(s *StreamTotals) {
		s.SealedBytes += c.Bytes
		s.Batches++
		s.Objects += c.Objects
		s.Records += c.Records
		s.Rows += c.Rows
		s.Skipped += c.Skipped
		for reason, n := range c.Reasons {
			s.Rejects[reason] += n
		}
	})
	a.judgeSealed(w, c)
	a.Log.Debug("sealed", append(commit.LogSource(w.Key), "path", w.Path, "bytes", c.Bytes,
		"rows", c.Rows, "rejects", c.Rejects)...)
}

// countShipped counts a batch of which the log is to say what is in it.
func (a *accounts) countShipped(key source.Key, e offsets.Entry, in []any) {
	a.board.pulse.beat()
	a.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += e.Range.Len() })
	a.Log.Info("shipped", append(append(commit.LogSource(key), "range", e.Range.String()), in...)...)
}

// inBatch says what is in a batch of the spool, or nothing when that cannot be read.
func (a *accounts) inBatch(e offsets.Entry) []any {
	p, _, err := a.Spooled(e.Spool)
	if err != nil || p.Loss != nil {
		return nil
	}
	return []any{"records", p.Records, "rows", p.Rows, "rejects", p.Rejects}
}

func (a *accounts) countShippedTo(key source.Key, before, after int64) {
	a.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += max(0, after-before) })
}

func (a *accounts) countLoss(stream string, reason table.LossReason, atLeast int64) {
	a.count(stream, func(s *StreamTotals) {
		s.Losses[reason]++
		s.LostBytes[reason] += atLeast
	})
}

func (s *StreamTotals) clone() StreamTotals {
	c := *s
	c.Rejects, c.LostBytes, c.Losses = maps.Clone(s.Rejects), maps.Clone(s.LostBytes),
		maps.Clone(s.Losses)
	return c
}
