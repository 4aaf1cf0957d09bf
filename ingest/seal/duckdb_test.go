package seal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parquet/duckdbtest"
)

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
	s := samples()[2]
	root := writeTree(t, s.sealAll(t, 1<<16).objects)
	data := "read_parquet('data/typed/v1/**/*.parquet', hive_partitioning = true)"
	quarantine := "read_parquet('quarantine/typed/v1/*.parquet')"
	got := duckdbtest.Query(t, root, "SET TimeZone = 'UTC'",
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
