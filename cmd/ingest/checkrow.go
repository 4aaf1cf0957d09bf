package main

import (
	"bytes"
	"strconv"
	"time"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// firstRowsMax is how many rows check shows: enough to see that each column holds what it should.
const firstRowsMax = 3

// rowJSON is a row as check shows it.
type rowJSON struct {
	Path    string     `json:"path"`
	Line    int64      `json:"line"`   // from 1 on
	Offset  int64      `json:"offset"` // of the record in the decompressed file
	Columns []cellJSON `json:"columns"`
}

// cellJSON is a value of a row.
type cellJSON struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Value *string `json:"value"` // made printable and cut; null where the row has none
}

// firstRows keeps the rows of a chunk that are among the first.
func (t *trial) firstRows(c source.Chunk) {
	for i := 0; i < t.table.Rows() && len(t.res.FirstRows) < firstRowsMax; i++ {
		off := t.table.Offsets[i]
		row := rowJSON{Path: t.path, Offset: off,
			Line: t.line + int64(bytes.Count(c.Data[:off-c.Offset], []byte("\n")))}
		for j, column := range t.columns {
			row.Columns = append(row.Columns,
				cellJSON{column.Name, column.Type.String(), cell(&t.table.Columns[j], i)})
		}
		t.res.FirstRows = append(t.res.FirstRows, row)
	}
}

// cellMost is how many characters of a value are shown.
const cellMost = 100

// cell writes a value for a person; nil for none.
func cell(v *parse.Vector, i int) *string {
	if v.IsNull(i) {
		return nil
	}
	text := ""
	switch v.Type {
	case parse.String, parse.IP:
		text = printable(v.Value(i))
	case parse.Timestamp:
		text = time.UnixMicro(v.Int64s[i]).UTC().Format("2006-01-02T15:04:05.999999Z")
	case parse.Date:
		text = time.Unix(int64(v.Int32s[i])*86400, 0).UTC().Format(time.DateOnly)
	case parse.Duration:
		text = time.Duration(v.Int64s[i]).String()
	case parse.Int32:
		text = strconv.Itoa(int(v.Int32s[i]))
	case parse.Float64:
		text = strconv.FormatFloat(v.Float64s[i], 'g', -1, 64)
	case parse.Bool:
		text = strconv.FormatBool(v.Bools[i])
	default:
		text = strconv.FormatInt(v.Int64s[i], 10)
	}
	if r := []rune(text); len(r) > cellMost {
		text = string(r[:cellMost-1]) + "…"
	}
	return &text
}

// tellRows shows the first rows, column by column.
func (r *checkResult) tellRows(a *app) {
	for _, row := range r.FirstRows {
		a.say("\n%s:%d: row", printable([]byte(row.Path)), row.Line)
		names, types := 0, 0
		for _, c := range row.Columns {
			names, types = max(names, len(c.Name)), max(types, len(c.Type))
		}
		for _, c := range row.Columns {
			value := "(none)"
			if c.Value != nil {
				value = *c.Value
			}
			a.say("  %-*s  %-*s  %s", names, c.Name, types, c.Type, value)
		}
	}
}
