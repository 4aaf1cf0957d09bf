package table

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"logseal/ingest/batch"
	"logseal/ingest/source"
)

// Validate returns an error unless the manifest keeps every rule of the format that can be told
// from the manifest alone.
func (m *Manifest) Validate() error {
	if err := validatePlace(m.Format, m.SourceKey()); err != nil {
		return err
	}
	if m.Start < 0 {
		return fmt.Errorf("start %d is negative", m.Start)
	}
	if m.End <= m.Start {
		return fmt.Errorf("end %d is not after start %d", m.End, m.Start)
	}
	if want := source.NewSeal(m.ChainOut, m.Epoch); m.Seal != want {
		return fmt.Errorf("seal %s: chain_out and epoch give %s", m.Seal, want)
	}
	if err := validateChainIn(m.Start, m.ChainIn); err != nil {
		return err
	}
	if err := validateChainState(m.End, m.ChainOut, m.ChainState); err != nil {
		return err
	}
	if err := validateMarks(m.Start, m.End, m.Marks); err != nil {
		return err
	}
	if err := m.validateRest(); err != nil {
		return err
	}
	if err := m.validateCounts(); err != nil {
		return err
	}
	if err := m.validateTimes(); err != nil {
		return err
	}
	return m.validateObjects()
}

// ValidateFor returns an error unless the manifest may stand at key: its own, or the one of a
// batch that was found after its loss had been declared.
func (m *Manifest) ValidateFor(key string) error {
	if key != m.Key() && key != FoundKey(m.SourceKey(), m.Start) {
		return fmt.Errorf("the body is of %s", m.Key())
	}
	return nil
}

// validatePlace checks what all documents about a source begin with.
func validatePlace(format int, k source.Key) error {
	if format != Format {
		return &FormatError{Have: int64(format)}
	}
	if err := source.CheckName(k.Table.Stream); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	if k.Table.Version < 1 {
		return fmt.Errorf("version %d: want 1 or more", k.Table.Version)
	}
	if k.Origin == "" {
		return nil
	}
	if err := source.CheckName(k.Origin); err != nil {
		return fmt.Errorf("origin: %w", err)
	}
	return nil
}

func validateChainIn(start int64, in source.Digest) error {
	if start == 0 && in != source.Origin().Chain {
		return errors.New("chain_in at 0 is not SHA-256 of nothing")
	}
	return nil
}

// validateChainState checks the state where no byte of the source is needed for it: before the
// first block boundary, and when the end is one.
func validateChainState(end int64, out source.Digest, state source.ChainState) error {
	if end < source.BlockSize && state != source.Origin().State {
		return fmt.Errorf("chain_state before %d is not that of an empty source", source.BlockSize)
	}
	if end%source.BlockSize != 0 {
		return nil
	}
	_, err := source.Resume(source.Point{Offset: end, Chain: out, State: state, Line: end}, nil)
	if err != nil {
		return fmt.Errorf("chain_state does not give chain_out: %w", err)
	}
	return nil
}

func (m *Manifest) validateRest() error {
	if c := m.Carry; c != nil {
		if c.Line < 0 || c.Line > m.Start || c.Line == m.Start && c.Rest == (source.Carry{}) {
			return fmt.Errorf("carry: line %d is not before start %d", c.Line, m.Start)
		}
		for _, r := range c.Rest {
			if r.Of >= m.Start && r != (source.Rest{}) {
				return fmt.Errorf("carry: rest of %d is not from before start %d", r.Of, m.Start)
			}
		}
	}
	return validateRestAt(m.Rest, m.End)
}

// validateRestAt returns an error unless a rest at end is of records from before it.
func validateRestAt(rest source.Carry, end int64) error {
	for _, r := range rest {
		if r.Of >= end {
			return fmt.Errorf("rest of %d is not from before end %d", r.Of, end)
		}
	}
	return nil
}

func (m *Manifest) validateCounts() error {
	size := m.End - m.Start
	for _, c := range []struct {
		name string
		n    int64
		max  int64
	}{
		{"records", m.Records, size},
		{"rows", m.Rows, m.RowBytes},
		{"rejects", m.Rejects, m.RejectBytes},
		{"skipped", m.Skipped, m.SkippedBytes},
		{"row_bytes", m.RowBytes, size},
		{"reject_bytes", m.RejectBytes, size},
		{"skipped_bytes", m.SkippedBytes, size},
	} {
		if c.n < 0 || c.n > c.max {
			return fmt.Errorf("%s %d: want 0 to %d", c.name, c.n, c.max)
		}
	}
	if m.Rows > m.Records || m.Rejects != m.Records-m.Rows {
		return fmt.Errorf("rows %d and rejects %d are not the records %d",
			m.Rows, m.Rejects, m.Records)
	}
	if m.RowBytes > size-m.RejectBytes || m.SkippedBytes != size-m.RejectBytes-m.RowBytes {
		return fmt.Errorf("row_bytes %d, reject_bytes %d and skipped_bytes %d are not the %d bytes %s",
			m.RowBytes, m.RejectBytes, m.SkippedBytes, size, m.Range())
	}
	if m.Rows == 0 && m.RowBytes != 0 || m.Rejects == 0 && m.RejectBytes != 0 {
		return errors.New("bytes of rows or rejects, but no rows or rejects")
	}
	return nil
}

func (m *Manifest) validateTimes() error {
	if (m.MinTime == nil) != (m.MaxTime == nil) {
		return errors.New("min_time and max_time: want both or none")
	}
	if m.MinTime == nil {
		return nil
	}
	if *m.MinTime > *m.MaxTime {
		return errors.New("min_time is after max_time")
	}
	if *m.MinTime < minMicros || *m.MaxTime > maxMicros {
		return errors.New("min_time and max_time: want years 0 to 9999")
	}
	return nil
}

func (m *Manifest) validateObjects() error {
	var rows, rejects int64
	var dated []batch.Partition
	for i, o := range m.Objects {
		if i > 0 && m.Objects[i-1].Key >= o.Key {
			return fmt.Errorf("objects: %s is not after the one before it", o.Key)
		}
		k, err := ParseKey(o.Key)
		if err != nil {
			return fmt.Errorf("objects: %w", err)
		}
		if k.Kind != DataKind && k.Kind != QuarantineKind {
			return fmt.Errorf("objects: %s is neither data nor quarantine", o.Key)
		}
		if k.Table != m.Table() || k.Batch != m.BatchName() {
			return fmt.Errorf("objects: %s is of another batch", o.Key)
		}
		if o.Bytes <= 0 || o.Rows <= 0 || o.Rows > math.MaxInt64-rows {
			return fmt.Errorf("objects: %s has %d rows in %d bytes", o.Key, o.Rows, o.Bytes)
		}
		if k.Kind == QuarantineKind {
			rejects += o.Rows // there is one such key a batch, and keys stand once
			continue
		}
		rows += o.Rows
		if k.Partition != batch.NoPartition() {
			dated = append(dated, k.Partition)
		}
	}
	if rows != m.Rows {
		return fmt.Errorf("objects: the data objects hold %d rows, not %d", rows, m.Rows)
	}
	if rejects != m.Rejects {
		return fmt.Errorf("objects: the quarantine's object holds %d rows, not %d",
			rejects, m.Rejects)
	}
	return m.validatePartitions(dated)
}

// validatePartitions holds the event times against the partitions that have a date.
func (m *Manifest) validatePartitions(dated []batch.Partition) error {
	if len(dated) == 0 && m.MinTime == nil {
		return nil
	}
	if len(dated) == 0 || m.MinTime == nil {
		return errors.New("objects: want dated partitions and min_time, or neither")
	}
	first := slices.MinFunc(dated, batch.Partition.Compare)
	last := slices.MaxFunc(dated, batch.Partition.Compare)
	if want := partitionLike(first, *m.MinTime); first != want {
		return fmt.Errorf("objects: the first partition is %s, min_time gives %s", first, want)
	}
	if want := partitionLike(last, *m.MaxTime); last != want {
		return fmt.Errorf("objects: the last partition is %s, max_time gives %s", last, want)
	}
	return nil
}

// partitionLike gives the partition of an event time, as fine as p.
func partitionLike(p batch.Partition, micros int64) batch.Partition {
	if p.Hour == batch.NoHour {
		return batch.Day.PartitionOf(micros)
	}
	return batch.Hour.PartitionOf(micros)
}
