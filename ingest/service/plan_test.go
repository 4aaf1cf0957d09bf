package service

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/config"
)

// planOf is the plan of a config with one stream.
func planOf(t *testing.T, stream string) *Plan {
	path := filepath.Join(t.TempDir(), "ingest.yaml")
	text := "streams: [{name: app, format: app, paths: [/logs/*.log]" + stream + "}]"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	p, err := planAt(path)
	require.NoError(t, err)
	return p
}

// What a stream of a tail has when nothing is said differs from what one of a load has.
func TestPlan_Defaults(t *testing.T) {
	p := planOf(t, "")
	s := p.Streams[0]
	require.EqualValues(t, 64<<20, s.MaxBytes)
	require.False(t, s.Rejects.Halt)
	require.Equal(t, 5*time.Minute, p.Config.Streams[0].MaxAge())
	load, err := p.Config.Streams[0].LoadStream("")
	require.NoError(t, err)
	require.EqualValues(t, 256<<20, load.MaxBytes)
	require.True(t, load.Rejects.Halt)

	p = planOf(t, ", rejects: {on_exceed: halt}, batch: {max_bytes: 1MiB, max_age: 7s}")
	require.EqualValues(t, 1<<20, p.Streams[0].MaxBytes)
	require.True(t, p.Streams[0].Rejects.Halt)
	require.Equal(t, 7*time.Second, p.Config.Streams[0].MaxAge())
}

// What the config says reaches the tail, and no duration of nothing means the default.
func TestService_Config(t *testing.T) {
	p := planOf(t, ", start_at: end, batch: {max_age: 7s}")
	p.Config.ShutdownGrace, p.Config.Tail = 0, config.Tail{PollInterval: time.Second, CopyWait: time.Minute}
	s := &Service{Log: slog.New(slog.DiscardHandler), origin: "web-1", host: "h"}
	cfg := s.config(p)
	require.Equal(t, time.Second, cfg.PollInterval)
	require.Equal(t, time.Minute, cfg.CopyWait)
	require.EqualValues(t, 1, cfg.Grace)
	require.EqualValues(t, 1, cfg.CloseWait)
	require.Equal(t, "h", cfg.Host)
	require.Len(t, cfg.Streams, 1)
	f := cfg.Follow[0]
	require.True(t, f.StartAtEnd)
	require.Equal(t, 7*time.Second, f.MaxAge)
	require.True(t, f.Unsaid)
	require.Equal(t, "web-1", cfg.Streams[0].Origin)
}
