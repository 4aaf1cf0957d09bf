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
func (t *Tail) count(stream string, change func(*StreamTotals)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.totals[stream]
	if s == nil {
		s = &StreamTotals{Rejects: map[parse.Reason]int64{},
			LostBytes: map[table.LossReason]int64{}, Losses: map[table.LossReason]int64{}}
		t.totals[stream] = s
	}
	change(s)
}

func (t *Tail) countRead(stream string, n int64) {
	t.count(stream, func(s *StreamTotals) { s.ReadBytes += n })
}

// noteSealed counts a batch.
func (t *Tail) noteSealed(w *commit.Writer, c commit.Counts) {
	t.pulse.beat()
	t.count(w.Key.Table.Stream, func(s *StreamTotals) {
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
	t.judgeSealed(w, c)
	t.Log.Debug("sealed", append(commit.LogSource(w.Key), "path", w.Path, "bytes", c.Bytes,
		"rows", c.Rows, "rejects", c.Rejects)...)
}

// countShipped counts a batch of which the log is to say what is in it.
func (t *Tail) countShipped(key source.Key, e offsets.Entry, in []any) {
	t.pulse.beat()
	t.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += e.Range.Len() })
	t.Log.Info("shipped", append(append(commit.LogSource(key), "range", e.Range.String()), in...)...)
}

// inBatch says what is in a batch of the spool, or nothing when that cannot be read.
func (t *Tail) inBatch(e offsets.Entry) []any {
	p, _, err := t.Spooled(e.Spool)
	if err != nil || p.Loss != nil {
		return nil
	}
	return []any{"records", p.Records, "rows", p.Rows, "rejects", p.Rejects}
}

func (t *Tail) countShippedTo(key source.Key, before, after int64) {
	t.count(key.Table.Stream, func(s *StreamTotals) { s.ShippedBytes += max(0, after-before) })
}

func (t *Tail) countLoss(stream string, reason table.LossReason, atLeast int64) {
	t.count(stream, func(s *StreamTotals) {
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
