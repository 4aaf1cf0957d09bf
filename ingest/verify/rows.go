package verify

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"logseal/ingest/parquet"
	"logseal/ingest/parse"
)

// differingRows says where two objects do not hold the same columns and rows; "" when they do,
// however these are spread over row groups.
func differingRows(ctx context.Context, have, want *blob) (string, error) {
	a, err := parquet.Open(have, have.size)
	if err != nil {
		return fmt.Sprintf("it cannot be read (%v)", err), nil
	}
	b, err := parquet.Open(want, want.size)
	if err != nil {
		return "", fmt.Errorf("read what was made again: %w", err)
	}
	if fault := differingColumn(a.Columns(), b.Columns()); fault != "" {
		return fault, nil
	}
	if a.Rows() != b.Rows() {
		return fmt.Sprintf("it has %d rows, not %d", a.Rows(), b.Rows()), nil
	}
	x, y := cursor{file: a}, cursor{file: b}
	for row := int64(0); row < a.Rows(); {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := x.fill(); err != nil {
			return fmt.Sprintf("it cannot be read (%v)", err), nil
		}
		if err := y.fill(); err != nil {
			return "", fmt.Errorf("read what was made again: %w", err)
		}
		n := min(x.left(), y.left())
		if i, c, differ := firstDifference(&x, &y, n); differ {
			return fmt.Sprintf("row %d differs in column %s", row+int64(i), a.Columns()[c].Name), nil
		}
		x.at, y.at, row = x.at+n, y.at+n, row+int64(n)
	}
	return "", nil
}

// firstDifference finds the first of the next n rows of two files that differ, and in which column.
func firstDifference(x, y *cursor, n int) (row, column int, differ bool) {
	for i := range n {
		for c := range x.columns {
			if !sameValue(&x.columns[c], x.at+i, &y.columns[c], y.at+i) {
				return i, c, true
			}
		}
	}
	return 0, 0, false
}

// cursor reads a file's rows group by group.
type cursor struct {
	file    *parquet.File
	next    int // group
	columns []parse.Vector
	at      int // row of the group that is in columns
}

func (c *cursor) left() int {
	if len(c.columns) == 0 {
		return 0
	}
	return c.columns[0].Len() - c.at
}

// fill reads the next group when the last one is used up. The file has more rows.
func (c *cursor) fill() (err error) {
	if c.left() > 0 {
		return nil
	}
	c.columns, err = c.file.Group(c.next)
	c.next, c.at = c.next+1, 0
	return err
}

// sameValue reports whether two rows of columns of one type hold the same.
func sameValue(a *parse.Vector, i int, b *parse.Vector, j int) bool {
	if a.IsNull(i) || b.IsNull(j) {
		return a.IsNull(i) == b.IsNull(j)
	}
	switch a.Type {
	case parse.String, parse.IP:
		return bytes.Equal(a.Value(i), b.Value(j))
	case parse.Int32, parse.Date:
		return a.Int32s[i] == b.Int32s[j]
	case parse.Float64:
		return math.Float64bits(a.Float64s[i]) == math.Float64bits(b.Float64s[j])
	case parse.Bool:
		return a.Bools[i] == b.Bools[j]
	default:
		return a.Int64s[i] == b.Int64s[j]
	}
}
