package parquet

import (
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parquet/duckdbtest"
	"logseal/ingest/parse"
)

// duckdbText gives the expression by which DuckDB spells a value of a type as duckdbValue does.
func duckdbText(typ parse.Type, name string) string {
	switch typ {
	case parse.Timestamp:
		return "epoch_us(" + name + ")::VARCHAR"
	case parse.Date:
		return "(" + name + " - DATE '1970-01-01')::VARCHAR"
	case parse.Float64:
		return name + "::BIGINT::VARCHAR"
	}
	return name + "::VARCHAR"
}

// appendDuckdbValue appends a value that comes of n and gives its text.
func appendDuckdbValue(v *parse.Vector, n uint64) string {
	switch v.Type {
	case parse.String, parse.IP:
		text := fmt.Sprintf("text %x", n)
		v.AppendString(text)
		return text
	case parse.Int32:
		v.AppendInt32(int32(n))
		return strconv.Itoa(int(int32(n)))
	case parse.Date:
		day := int32(n%1e6) - 5e5
		v.AppendInt32(day)
		return strconv.Itoa(int(day))
	case parse.Float64:
		v.AppendFloat64(float64(int32(n)))
		return strconv.Itoa(int(int32(n)))
	case parse.Bool:
		v.AppendBool(n%2 == 1)
		return strconv.FormatBool(n%2 == 1)
	case parse.Timestamp:
		v.AppendInt64(int64(n % 1e16))
		return strconv.FormatInt(int64(n%1e16), 10)
	}
	v.AppendInt64(int64(n))
	return strconv.FormatInt(int64(n), 10)
}

// Columns of every type and encoding, with few nulls, none, and nothing else.
func TestDuckDB_ReadsEveryEncoding(t *testing.T) {
	const rows = 3000
	numbers := []func(i uint64) uint64{
		func(i uint64) uint64 { return i % 5 },
		func(uint64) uint64 { return 7 },
		func(i uint64) uint64 { return i * 0x9e3779b97f4a7c15 },
	}
	dir := t.TempDir()
	var wants [][]string
	var selects []string
	for _, nulls := range []int{0, 3, 1} { // one of how many rows is null
		var cols []Column
		var vs []Values
		file := fmt.Sprintf("nulls%d.parquet", nulls)
		var sums, want []string
		for _, typ := range allTypes {
			for i, number := range numbers {
				v := &parse.Vector{Type: typ}
				var all []string
				for row := range uint64(rows) {
					if nulls > 0 && row%uint64(nulls) == 0 {
						v.AppendNull()
						all = append(all, "~")
						continue
					}
					all = append(all, appendDuckdbValue(v, number(row)))
				}
				c := Column{Name: typ.String() + strconv.Itoa(i), Type: typ, Optional: nulls > 0}
				cols, vs = append(cols, c), append(vs, Values{Vector: v})
				sums = append(sums, "md5(string_agg(coalesce("+duckdbText(typ, c.Name)+
					", '~'), ',' ORDER BY file_row_number))")
				want = append(want, fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(all, ",")))))
			}
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), encode(t, cols, vs), 0o666))
		wants = append(wants, want)
		selects = append(selects, "SELECT "+strings.Join(sums, ", ")+" FROM read_parquet('"+file+
			"', file_row_number = true)")
	}
	got := duckdbtest.Query(t, dir, selects...)
	for i, want := range wants {
		require.Equal(t, [][]string{want}, got[i])
	}
}
