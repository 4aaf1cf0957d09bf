package verify

import (
	"context"
	"fmt"

	"logseal/ingest/batch"
	"logseal/ingest/parquet"
	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Where the columns stand that are the same in every table.
const (
	sidColumn = iota
	offsetColumn
	originColumn // of a data object
	schemaColumns
)

// Where the columns of a quarantine object stand that are looked at.
const (
	lengthColumn       = 2
	rawColumn          = 3
	epochColumn        = 7
	rejectOriginColumn = 8
)

// fileColumns are the columns that an epoch's data objects have.
func fileColumns(e *table.Epoch) []parquet.FileColumn {
	cols := []parquet.FileColumn{
		{Name: "_sid", Type: parse.String},
		{Name: "_offset", Type: parse.Int64},
		{Name: "_origin", Type: parse.String, Optional: true},
	}
	for _, c := range e.Parser.Columns {
		f := parquet.FileColumn{Name: c.Name, Type: c.Type, Optional: c.Optional}
		switch c.Type { // what a Parquet file has no type for
		case parse.IP:
			f.Type = parse.String
		case parse.Duration:
			f.Type = parse.Int64
		}
		cols = append(cols, f)
	}
	return cols
}

// rejectColumns are the columns that every quarantine object has.
func rejectColumns() []parquet.FileColumn {
	var cols []parquet.FileColumn
	for _, c := range quarantine.Columns() {
		cols = append(cols, parquet.FileColumn{Name: c.Name, Type: c.Type, Binary: c.Binary,
			Optional: c.Optional})
	}
	return cols
}

// differingColumn says how a file's columns are not those that they must be; "" when they are.
func differingColumn(have, want []parquet.FileColumn) string {
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have):
			return fmt.Sprintf("column %s is not there", want[i].Name)
		case i >= len(want):
			return fmt.Sprintf("column %s is one too many", have[i].Name)
		case have[i] != want[i]:
			return fmt.Sprintf("column %s is %+v, not %+v", want[i].Name, have[i], want[i])
		}
	}
	return ""
}

// eachGroup reads a file's row groups one by one until one has a fault.
func eachGroup(ctx context.Context, f *parquet.File,
	check func(columns []parse.Vector) string) string {
	for i := range f.Groups() {
		if ctx.Err() != nil {
			return "" // the caller looks again
		}
		columns, err := f.Group(i)
		if err != nil {
			return fmt.Sprintf("it cannot be read (%v)", err)
		}
		if fault := check(columns); fault != "" {
			return fmt.Sprintf("row group %d: %s", i, fault)
		}
	}
	return ""
}

// deepRows reads a data object and says what is wrong with it.
func (b *batchCheck) deepRows(ctx context.Context, f *parquet.File, p batch.Partition) string {
	eventTime := -1
	if e := b.epoch.def; e != nil {
		if fault := differingColumn(f.Columns(), fileColumns(e)); fault != "" {
			return fault
		}
		for i, c := range e.Parser.Columns {
			if c.EventTime {
				eventTime = schemaColumns + i
			}
		}
	} else if len(f.Columns()) < schemaColumns {
		return "it has too few columns"
	}
	last := b.m.Start - 1
	return eachGroup(ctx, f, func(cols []parse.Vector) string {
		fault := b.checkPlace(cols[sidColumn], cols[originColumn])
		if fault == "" {
			fault = b.checkOffsets(cols[offsetColumn].Int64s, nil, &last)
		}
		if fault == "" && b.epoch.def != nil {
			fault = b.checkTimes(cols, eventTime, p)
		}
		return fault
	})
}

// deepRejects reads a quarantine object and says what is wrong with it.
func (b *batchCheck) deepRejects(ctx context.Context, f *parquet.File) string {
	if fault := differingColumn(f.Columns(), rejectColumns()); fault != "" {
		return fault
	}
	last := b.m.Start - 1
	return eachGroup(ctx, f, func(cols []parse.Vector) string {
		if fault := b.checkPlace(cols[sidColumn], cols[rejectOriginColumn]); fault != "" {
			return fault
		}
		if i := firstOther(&cols[epochColumn], b.m.Epoch.String()); i >= 0 {
			return fmt.Sprintf("row %d is of another epoch", i)
		}
		lengths := cols[lengthColumn].Int64s
		if fault := b.checkLengths(lengths, &cols[rawColumn]); fault != "" {
			return fault
		}
		return b.checkOffsets(cols[offsetColumn].Int64s, lengths, &last)
	})
}

// checkLengths checks that lengths are those of the raw bytes, and adds them up.
func (b *batchCheck) checkLengths(lengths []int64, raw *parse.Vector) string {
	for i, n := range lengths {
		if have := len(raw.Value(i)); n <= 0 || int64(have) != n {
			return fmt.Sprintf("row %d has %d raw bytes, its length says %d", i, have, n)
		}
		b.rejectBytes += n
	}
	return ""
}

// checkPlace checks that all rows are of the batch's source.
func (b *batchCheck) checkPlace(sid, origin parse.Vector) string {
	if i := firstOther(&sid, b.m.SID.String()); i >= 0 {
		return fmt.Sprintf("row %d is of another source", i)
	}
	if i := firstOther(&origin, b.m.Origin); i >= 0 {
		return fmt.Sprintf("row %d is of another origin", i)
	}
	return ""
}

// firstOther gives the first row that does not hold want, where "" is null; -1 for none.
func firstOther(v *parse.Vector, want string) int {
	for i := range v.Ends {
		if v.IsNull(i) != (want == "") || string(v.Value(i)) != want {
			return i
		}
	}
	return -1
}

// checkOffsets checks that records lie inside the batch, one after the other, and that no other
// object of the batch has one of their bytes. last is where the one before ended, or began if
// lengths are not known.
func (b *batchCheck) checkOffsets(offsets, lengths []int64, last *int64) string {
	for i, off := range offsets {
		n := int64(1)
		if lengths != nil {
			n = lengths[i]
		}
		if off < b.m.Start || off >= b.m.End || n > b.m.End-off {
			return fmt.Sprintf("row %d: _offset %d is outside %s", i, off, b.m.Range())
		}
		if off <= *last {
			return fmt.Sprintf("row %d: _offset %d is not after the row before it", i, off)
		}
		if !b.marks.set(off-b.m.Start, off-b.m.Start+n) {
			return fmt.Sprintf("row %d: _offset %d is in another object of the batch too", i, off)
		}
		*last = off + n - 1
	}
	return ""
}

// checkTimes checks that rows are in the partition of their event time, and gathers the least and
// the greatest.
func (b *batchCheck) checkTimes(cols []parse.Vector, eventTime int, p batch.Partition) string {
	if eventTime < 0 {
		if p != batch.NoPartition() {
			return "it is in a partition, and its rows have no event time"
		}
		return ""
	}
	v := &cols[eventTime]
	for i, at := range v.Int64s {
		want := batch.NoPartition()
		if !v.IsNull(i) {
			want = b.epoch.def.Partition.PartitionOf(at)
			b.gatherTime(at)
		}
		if p != want {
			return fmt.Sprintf("row %d is of partition %s", i, want)
		}
	}
	return ""
}

func (b *batchCheck) gatherTime(micros int64) {
	if b.minTime == nil {
		lo, hi := micros, micros
		b.minTime, b.maxTime = &lo, &hi
	}
	*b.minTime, *b.maxTime = min(*b.minTime, micros), max(*b.maxTime, micros)
}

// deepLeftover reads an object that no manifest names and says how it is not what its key says.
func deepLeftover(ctx context.Context, f *parquet.File, id source.ID, r source.Range) string {
	cols := f.Columns()
	if len(cols) < schemaColumns || cols[sidColumn].Name != "_sid" ||
		cols[offsetColumn].Name != "_offset" {
		return "it has none of our columns"
	}
	last := r.Start - 1
	return eachGroup(ctx, f, func(cols []parse.Vector) string {
		if i := firstOther(&cols[sidColumn], id.String()); i >= 0 {
			return fmt.Sprintf("row %d is of another source", i)
		}
		for i, off := range cols[offsetColumn].Int64s {
			if off <= last || off >= r.End {
				return fmt.Sprintf("row %d: _offset %d is outside %s, or not after the row before", i,
					off, r)
			}
			last = off
		}
		return ""
	})
}
