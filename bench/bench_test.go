package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// options measures paths of fsys once, parsed as def says.
func options(t testing.TB, fsys files.FS, def parse.Definition, paths ...string) Options {
	p, err := parse.New(def)
	require.NoError(t, err)
	return Options{FS: fsys, Paths: paths, Parser: p,
		Epoch:    seal.NewEpoch(source.Table{Stream: "test", Version: 1}, def),
		MaxBytes: 256 << 20, MaxPartitions: 64, Repeats: 1}
}

func preset(t testing.TB, name string) parse.Definition {
	def, ok := parse.Preset(name)
	require.True(t, ok, name)
	return def
}

func TestSmoke(t *testing.T) {
	fsys := filestest.New()
	fsys.Write("/a.log", generateCombined(8<<20))
	r, err := Run(t.Context(), options(t, fsys, preset(t, "combined"), "/a.log"))
	require.NoError(t, err)
	for _, s := range r.Stages {
		t.Logf("%+v", s)
	}
	s := r.Counts
	t.Logf("%+v", s)
}
