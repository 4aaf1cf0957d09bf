package service

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
	"logseal/ingest/input"
	"logseal/ingest/offsets"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
	"logseal/ingest/verify/deletion"
)

// A file that the config leaves out need not be anywhere.
func TestJudge_OfAnExcludedFile(t *testing.T) {
	x, cfg, path := newTestJudge(t, "one\n")
	got, err := x.Ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "nothing of it is in the table app/v1", got.Reason)

	cfg.Streams[0].Exclude = []string{"*.log"}
	got, err = x.Ask(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "the sink has no source that it is", got.Reason)
}

// A file is looked for under the origin that the config says, else under the one that the ledger keeps.
func TestJudge_OfTheOriginOfTheConfig(t *testing.T) {
	x, cfg, path := newTestJudge(t, "one\n")
	for said, want := range map[config.Origin]string{"": "web-1", source.NoOrigin: "", "web-2": "web-2"} {
		cfg.Origin = said
		places, err := NewJudge(cfg, x.Ledger, x.Files.(*input.FS), time.Minute, x.Store).Streams(path, path)
		require.NoError(t, err)
		require.Equal(t, []deletion.Place{{Table: source.Table{Stream: "app", Version: 1}, Origin: want,
			Wanted: true}}, places)
	}
}

// newTestJudge is a state and a sink without a word in them, of origin web-1, and a file that a stream
// of the config wants.
func newTestJudge(t *testing.T, text string) (*deletion.Judge, *config.Config, string) {
	root := t.TempDir()
	path := filepath.Join(root, "app.log")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	ledger, err := offsets.Open(filepath.Join(root, "state"), offsets.Meta{Origin: "web-1"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	store, err := dir.New(filepath.Join(root, "lake"), ledger.Meta().WriterID, dir.DefaultMode)
	require.NoError(t, err)
	c, err := config.Parse("c", []byte("streams: [{name: app, format: app, paths: ["+root+"/*.log]}]"))
	require.NoError(t, err)
	return NewJudge(c, ledger, input.NewFS(t.Context(), nil, nil), time.Minute,
		func() (sink.Store, error) { return store, nil }), c, path
}
