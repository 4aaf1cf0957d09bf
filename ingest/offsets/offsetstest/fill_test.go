package offsetstest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

func TestFill_MakesWholeLedgers(t *testing.T) {
	dir := t.TempDir()
	l, err := offsets.Open(dir, offsets.Meta{})
	require.NoError(t, err)
	Fill(t, l, 100, func(i int, s *offsets.Source) {
		if i == 7 {
			s.File.Size++
		}
	})
	ends, err := l.Ends(Key(99))
	require.NoError(t, err)
	require.Len(t, ends, 6)
	f, ok, err := l.GetFile(Table, Path(99))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, Key(99), f.Key)
	waiting, err := l.Waiting()
	require.NoError(t, err)
	require.Empty(t, waiting)
	behind, err := l.Behind()
	require.NoError(t, err)
	require.Len(t, behind, 1)
	require.Equal(t, Key(7), behind[0].Key)
	origins, err := l.Origins()
	require.NoError(t, err)
	require.Equal(t, []source.Key{{Table: Table, Origin: Origin}}, origins)
	require.NoError(t, l.Close())
	require.NoError(t, offsets.Check(dir))
}
