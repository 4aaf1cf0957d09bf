package durable_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/durable"
)

func TestSync_SaysWhetherTheFsyncFailed(t *testing.T) {
	for fails, final := range map[string]bool{"": false, "open .": false, "fsync .": true, "close .": true} {
		r := newRecorder(t)
		r.fails = fails
		err := durable.Sync(r.root, r.OpenDir)
		var failed *durable.SyncError
		switch {
		case fails == "":
			require.NoError(t, err)
			r.requireCalls(t, "open ., fsync ., close .")
		case final:
			require.ErrorAs(t, err, &failed, fails)
			require.Equal(t, r.root, failed.Path)
			require.EqualError(t, err, fails+": bad disk")
			r.requireCalls(t, "open ., fsync ., close .") // one fsync, and nothing stays open
		default:
			require.NotErrorAs(t, err, &failed)
		}
		if fails != "" {
			require.ErrorIs(t, err, errDisk)
		}
	}
}

func TestSyncDir(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, durable.SyncDir(dir))
	err := durable.SyncDir(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorAs(t, err, new(*durable.SyncError))
}
