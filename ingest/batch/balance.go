package batch

import (
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// count adds the outcome of the bytes from b.end to end to the summary and proves that it is all
// of them.
func (b *Builder) count(t *parse.Table, end int64) error {
	var rows, rejects int64
	for _, n := range t.Lengths {
		rows += int64(n)
	}
	for _, r := range t.Rejects {
		rejects += int64(len(r.Raw))
	}
	if have := rows + rejects + t.SkippedBytes; have != end-b.end {
		return b.imbalance("bytes of a chunk", end-b.end, have)
	}
	if len(t.Lengths) != t.Rows() {
		return b.imbalance("lengths of rows", int64(t.Rows()), int64(len(t.Lengths)))
	}
	s := &b.sum
	s.Rows += int64(t.Rows())
	s.Rejects += int64(len(t.Rejects))
	s.Skipped += t.SkippedLines
	s.RowBytes += rows
	s.RejectBytes += rejects
	s.SkippedBytes += t.SkippedBytes
	return nil
}

// record proves that a record begins where no other has been and is not empty. A record of several
// lines may have others between its own: of those only the beginnings are held apart, and that all
// are the chunk, neither more nor less, is proved by count.
func (b *Builder) record(offset, size int64) error {
	if offset < b.next {
		return b.imbalance("offset of a record, at least", b.next, offset)
	}
	if size <= 0 {
		return b.imbalance("bytes of a record, at least", 1, size)
	}
	b.next = offset + size
	if b.cfg.Parser.Joins() {
		b.next = offset + 1
	}
	return nil
}

func (b *Builder) imbalance(what string, want, have int64) error {
	return &ImbalanceError{What: what, Range: source.Range{Start: b.start, End: b.end}, Want: want,
		Have: have}
}

// eventTime is a row's event time, if it has one.
type eventTime struct {
	micros int64
	ok     bool
}

func (b *Builder) eventTime(t *parse.Table, i int) eventTime {
	c := b.cfg.Parser.EventTime()
	if c < 0 || t.Columns[c].IsNull(i) {
		return eventTime{}
	}
	return eventTime{t.Columns[c].Int64s[i], true}
}

// partition is where row i lies.
func (b *Builder) partition(t *parse.Table, i int) Partition {
	at := b.eventTime(t, i)
	if !at.ok {
		return NoPartition()
	}
	return b.cfg.Granularity.PartitionOf(at.micros)
}

// window is the times of one partition: [from, to), or none.
type window struct {
	from, to int64
	none     bool
}

func (w window) holds(t eventTime) bool {
	if !t.ok {
		return w.none
	}
	return w.from <= t.micros && t.micros < w.to
}

func (b *Builder) windowOf(p Partition) window {
	if p.Date == NoDate {
		return window{none: true}
	}
	from := int64(p.Date) * microsPerDay
	if p.Hour == NoHour {
		return window{from: from, to: from + microsPerDay}
	}
	from += int64(p.Hour) * microsPerHour
	return window{from: from, to: from + microsPerHour}
}
