package seal

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
)

// duckdbDir is where `npm install @duckdb/node-api` was run, relative to this package.
const duckdbDir = "../../.tools/duckdb"

// duckdbScript runs the queries it is given as arguments and prints their rows as JSON.
const duckdbScript = `
import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create(':memory:')).connect();
const out = [];
for (const q of process.argv.slice(1)) {
  out.push((await db.runAndReadAll(q)).getRowsJson());
}
console.log(JSON.stringify(out));
`

// duckdb gives the rows of each query, all values as text and null as "null".
func duckdb(t *testing.T, queries ...string) [][][]string {
	t.Helper()
	cmd := exec.Command("node", append([]string{"--input-type=module", "-e", duckdbScript},
		queries...)...)
	cmd.Dir = duckdbDir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var answers [][][]any
	require.NoError(t, json.Unmarshal(out, &answers))
	all := make([][][]string, len(answers))
	for i, rows := range answers {
		for _, row := range rows {
			var texts []string
			for _, v := range row {
				s, isText := v.(string)
				if !isText {
					b, err := json.Marshal(v)
					require.NoError(t, err)
					s = string(b)
				}
				texts = append(texts, s)
			}
			all[i] = append(all[i], texts)
		}
	}
	return all
}

// writeTree writes objects under their keys.
func writeTree(t *testing.T, objects map[string][]byte) string {
	root := t.TempDir()
	for key, body := range objects {
		path := filepath.Join(root, filepath.FromSlash(key))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, body, 0o666))
	}
	return root
}

// An independent reader sees the types, the values and the partitions that we mean.
func TestDuckDB_SeesWhatWeMean(t *testing.T) {
	requireDuckDB(t)
	s := samples()[2]
	root := writeTree(t, s.sealAll(t, 1<<16).objects)
	data := "read_parquet('" + root + "/data/typed/v1/**/*.parquet', hive_partitioning = true)"
	quarantine := "read_parquet('" + root + "/quarantine/typed/v1/*.parquet')"
	got := duckdb(t, "SET TimeZone = 'UTC'",
		"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+data+")",
		"SELECT COLUMNS(* EXCLUDE (_sid))::VARCHAR FROM (FROM "+data+" ORDER BY _offset)",
		"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM "+quarantine+")",
		"SELECT _offset::VARCHAR, length::VARCHAR, decode(raw), reason, field, _origin FROM "+
			quarantine,
		"SELECT count(*)::VARCHAR FROM "+data+" WHERE i = 1 AND t < TIMESTAMPTZ '2024-01-15 11:00:00Z'",
	)
	require.Equal(t, [][]string{{"_sid", "VARCHAR"}, {"_offset", "BIGINT"}, {"_origin", "VARCHAR"},
		{"s", "VARCHAR"}, {"i", "INTEGER"}, {"l", "BIGINT"}, {"f", "DOUBLE"}, {"b", "BOOLEAN"},
		{"t", "TIMESTAMP WITH TIME ZONE"}, {"d", "DATE"}, {"a", "VARCHAR"}, {"u", "BIGINT"},
		{"o", "TIMESTAMP WITH TIME ZONE"}, {"dt", "DATE"}}, got[1])
	require.Equal(t, [][]string{
		{"0", "null", "plain", "1", "10", "1.5", "true", "2024-01-15 10:30:00.123456+00",
			"2024-02-29", "192.0.2.1", "3723500000000", "1970-01-01 00:00:00.001+00", "2024-01-15"},
		{"80", "null", "", "null", "-9223372036854775808", "null", "null", "2024-01-15 00:00:00+00",
			"0001-01-01", "2001:db8::1", "-250000000", "null", "2024-01-15"},
		{"161", "null", "ünï", "-2147483648", "9223372036854775807", "-0.0", "false",
			"1999-12-31 22:59:59.999999+00", "9999-12-31", "::1", "0", "1969-12-31 23:59:59.999+00",
			"1999-12-31"},
		{"281", "null", "x", "2147483647", "0", "1e+308", "false", "2024-01-15 00:00:00+00",
			"1969-12-31", "10.0.0.1", "1", "2024-01-15 00:00:00.123+00", "2024-01-15"},
	}, got[2])
	require.Equal(t, [][]string{{"_sid", "VARCHAR"}, {"_offset", "BIGINT"}, {"length", "BIGINT"},
		{"raw", "BLOB"}, {"reason", "VARCHAR"}, {"field", "VARCHAR"}, {"detail", "VARCHAR"},
		{"epoch", "VARCHAR"}, {"_origin", "VARCHAR"}}, got[3])
	require.Equal(t, [][]string{{"264", "16", "nothing of ours\n", "no_match", "null", "null"}},
		got[4])
	require.Equal(t, [][]string{{"1"}}, got[5])
}

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
	requireDuckDB(t)
	const rows = 3000
	numbers := []func(i uint64) uint64{
		func(i uint64) uint64 { return i % 5 },
		func(uint64) uint64 { return 7 },
		func(i uint64) uint64 { return i * 0x9e3779b97f4a7c15 },
	}
	objects := map[string][]byte{}
	var wants [][]string
	var selects []string
	for _, nulls := range []int{0, 3, 1} { // one of how many rows is null
		var cols []column
		var vs []values
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
				c := column{name: typ.String() + strconv.Itoa(i), typ: typ, optional: nulls > 0}
				cols, vs = append(cols, c), append(vs, values{vector: v})
				sums = append(sums, "md5(string_agg(coalesce("+duckdbText(typ, c.name)+
					", '~'), ',' ORDER BY file_row_number))")
				want = append(want, fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(all, ",")))))
			}
		}
		objects[file] = encode(t, cols, vs)
		wants = append(wants, want)
		selects = append(selects, "SELECT "+strings.Join(sums, ", ")+" FROM read_parquet('ROOT/"+file+
			"', file_row_number = true)")
	}
	root := writeTree(t, objects)
	for i := range selects {
		selects[i] = strings.ReplaceAll(selects[i], "ROOT", root)
	}
	got := duckdb(t, selects...)
	for i, want := range wants {
		require.Equal(t, [][]string{want}, got[i])
	}
}

func requireDuckDB(t *testing.T) {
	if _, err := os.Stat(filepath.Join(duckdbDir, "node_modules")); err != nil {
		t.Skip("DuckDB is not installed in .tools/duckdb")
	}
}
