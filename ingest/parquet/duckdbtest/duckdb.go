// Package duckdbtest lets tests ask DuckDB, a reader that is none of ours, what Parquet files hold.
// `make duckdb` installs DuckDB; without it a test is skipped, or fails where CI=true is set.
package duckdbtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script runs the queries it is given as arguments after a folder, in that folder, and prints their
// rows as JSON.
const script = `
import { DuckDBInstance } from '@duckdb/node-api';
const db = await (await DuckDBInstance.create(':memory:')).connect();
process.chdir(process.argv[1]);
const out = [];
for (const q of process.argv.slice(2)) {
  out.push((await db.runAndReadAll(q)).getRowsJson());
}
console.log(JSON.stringify(out));
`

// Query gives the rows of each query, which is run in dir; all values as text and null as "null".
func Query(t *testing.T, dir string, queries ...string) [][][]string {
	t.Helper()
	cmd := exec.Command("node", append([]string{"--input-type=module", "-e", script, dir}, queries...)...)
	cmd.Dir = installed(t)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var answers [][][]any
	require.NoError(t, json.Unmarshal(out, &answers))
	all := make([][][]string, len(answers))
	for i, rows := range answers {
		for _, row := range rows {
			all[i] = append(all[i], texts(t, row))
		}
	}
	return all
}

func texts(t *testing.T, row []any) (all []string) {
	t.Helper()
	for _, v := range row {
		s, isText := v.(string)
		if !isText {
			b, err := json.Marshal(v)
			require.NoError(t, err)
			s = string(b)
		}
		all = append(all, s)
	}
	return all
}

// installed is the folder that `make duckdb` installs DuckDB in.
func installed(t *testing.T) string {
	t.Helper()
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	require.NoError(t, err)
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), ".tools", "duckdb")
	_, err = os.Stat(filepath.Join(dir, "node_modules/@duckdb/node-api"))
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("DuckDB is not installed in .tools/duckdb; `make duckdb` does it")
	}
	require.NoError(t, err, "make duckdb")
	return dir
}
