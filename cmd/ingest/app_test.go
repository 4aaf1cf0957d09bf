package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{
		"a plain line\n\tand öther":           "a plain line\n\tand öther",
		"\x1b]0;title\x07":                    `\x1b]0;title\x07`,
		"\r\x7f":                              `\x0d\x7f`,
		"\u009b2J\u202eabc":                   `\u009b2J\u202eabc`,
		"\xff":                                `\xff`,
		"read s3a://KEY:SE/CRET@bucket/x: no": "read s3a://…@bucket/x: no",
	} {
		require.Equal(t, want, harmless(in))
	}
}

// A name with escapes reaches no terminal as it is, whichever command meets it.
func TestCommands_PrintNoEscapes(t *testing.T) {
	t.Chdir(t.TempDir())
	name := "a\x1b[31m.log"
	line := "2024-01-15T10:30:00Z INFO m: x\n"
	require.NoError(t, os.WriteFile(name, []byte(line), 0o600))
	for _, args := range [][]string{
		{"load", "--format", "app", name}, {"load", "--format", "app", name + "x"},
		{"status"}, {"state", "ls"}, {"check", "--format", "app", name}, {"verify", "--source", name},
		{"status", "--safe-to-delete", name},
	} {
		var out, errs bytes.Buffer
		run(args, &out, &errs)
		require.NotContains(t, out.String()+errs.String(), "\x1b", "%q", args)
	}
	// An object of nobody's in the sink.
	require.NoError(t, os.WriteFile(filepath.Join("logseal-out", "data", "\x1bc.parquet"), nil, 0o600))
	var out, errs bytes.Buffer
	run([]string{"verify"}, &out, &errs)
	require.NotContains(t, out.String()+errs.String(), "\x1b")
}

// Credentials in the wrong place are never repeated.
func TestCommands_RepeatNoSecrets(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"load", "--format", "app", "--out", "s3a://KEY:SECRET@bucket/x", "a.log"},
		{"load", "--format", "app", "s3a://KEY:SECRET@bucket/x"},
		{"load", "--format", "app", "s3://KEY:SECRET@bucket/x"},
		{"load", "--format", "app", "--state", "s3://KEY:SECRET@bucket/x", "a.log"},
		{"verify", "--out", "gs://KEY:SEC/RET@bucket/x"},
		{"status", "--safe-to-delete", "s3://KEY:SECRET@bucket/x"},
		{"check", "--format", "app", "s3n://KEY:SECRET@bucket/x"},
	} {
		for _, more := range [][]string{nil, {"--json"}} {
			var out, errs bytes.Buffer
			code := run(append(args, more...), &out, &errs)
			require.NotZero(t, code)
			said := out.String() + errs.String()
			require.NotContains(t, said, "SEC", "%q", args)
			if more != nil {
				require.True(t, json.Valid(out.Bytes()), "%q", out.String())
			}
		}
	}
}
