// Package goldentest holds bytes that are stored and never change against files of a test's testdata folder.
// A test run with -update writes the files instead.
package goldentest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Update is the flag -update: rewrite the golden files.
var Update = flag.Bool("update", false, "write the golden files of testdata anew")

// Require holds got against testdata/name.
func Require(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *Update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, got, 0o666))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}
