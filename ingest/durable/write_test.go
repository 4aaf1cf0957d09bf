package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/durable"
)

func TestWriteFile(t *testing.T) {
	r := newRecorder(t)
	temp, path := filepath.Join(r.root, "f.tmp"), filepath.Join(r.root, "f")
	require.NoError(t, durable.WriteFile(r, temp, path, []byte("bytes")))
	r.requireCalls(t, "create f.tmp, write f.tmp, fsync f.tmp, close f.tmp, rename f.tmp f, "+
		"open ., fsync ., close .")
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "bytes", string(have))
	require.NoFileExists(t, temp)
	require.NoError(t, durable.WriteFile(r, temp, path, []byte("others"))) // it replaces a file
}

// Whatever fails, the file is as it was or whole; only the last fsync leaves its name in doubt.
func TestWriteFile_WhateverFails(t *testing.T) {
	for fails, want := range map[string]string{"create f.tmp": "old", "write f.tmp": "old",
		"fsync f.tmp": "old", "close f.tmp": "old", "rename f.tmp f": "old", "open .": "new", "fsync .": "new"} {
		t.Run(fails, func(t *testing.T) {
			r := newRecorder(t)
			r.fails = fails
			temp, path := filepath.Join(r.root, "f.tmp"), filepath.Join(r.root, "f")
			require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
			err := durable.WriteFile(r, temp, path, []byte("new"))
			require.ErrorIs(t, err, errDisk)
			have, rerr := os.ReadFile(path)
			require.NoError(t, rerr)
			require.Equal(t, want, string(have))
			if fails == "fsync ." {
				require.ErrorAs(t, err, new(*durable.SyncError))
			} else {
				require.NotErrorAs(t, err, new(*durable.SyncError))
			}
		})
	}
}
