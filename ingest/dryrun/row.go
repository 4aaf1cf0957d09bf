package dryrun

import (
	"bytes"
	"strconv"
	"time"

	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/terminal"
)

// firstRowsMax is how many rows check shows: enough to see that each column holds what it should.
const firstRowsMax = 3

// Row is a row as `ingest check` shows it.
type Row struct {
	Path    string `json:"path"`
	Line    int64  `json:"line"`   // from 1 on
	Offset  int64  `json:"offset"` // of the record in the decompressed file
	Columns []Cell `json:"columns"`
}

// Cell is a value of a row.
type Cell struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Value *string `json:"value"` // made printable and cut; null where the row has none
}

// firstRows keeps the rows of a chunk that are among the first.
func (t *run) firstRows(c source.Chunk) {
	for i := 0; i < t.table.Rows() && len(t.res.FirstRows) < firstRowsMax; i++ {
		off := t.table.Offsets[i]
		row := Row{Path: t.path, Offset: off,
			Line: t.line + int64(bytes.Count(c.Data[:off-c.Offset], []byte("\n")))}
		for j, column := range t.Columns {
			row.Columns = append(row.Columns,
				Cell{column.Name, column.Type.String(), cell(&t.table.Columns[j], i)})
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
		text = terminal.Printable(v.Value(i))
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
