package offsets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

// The origin is noted once, by whoever says it first, and compared only with what somebody says.
func TestLedger_NoteOrigin_IsKept(t *testing.T) {
	for _, origin := range []string{"web-1", source.NoOrigin} {
		dir := t.TempDir()
		l, err := Open(dir, Meta{Sink: "sink"})
		require.NoError(t, err)
		require.Empty(t, l.Meta().Origin)
		require.NoError(t, l.NoteOrigin(origin))
		require.NoError(t, l.NoteOrigin(origin))
		require.Equal(t, origin, l.Meta().Origin)
		require.ErrorAs(t, l.NoteOrigin("web-2"), new(*MismatchError))
		require.NoError(t, l.Close())
		require.NoError(t, Check(dir))

		l, err = Open(dir, Meta{})
		require.NoError(t, err, "an origin that nobody says is not compared")
		require.Equal(t, origin, l.Meta().Origin)
		require.NoError(t, l.Close())
		_, err = Open(dir, Meta{Origin: "web-2"})
		require.ErrorAs(t, err, new(*MismatchError))
	}
}

func TestLedger_Open_NotesAnOriginWhereNoneWas(t *testing.T) {
	dir := t.TempDir()
	for _, say := range []string{"", "web-1", ""} {
		l, err := Open(dir, Meta{Origin: say})
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
	l, err := OpenReadOnly(dir)
	require.NoError(t, err)
	require.Equal(t, "web-1", l.Meta().Origin)
	require.NoError(t, l.Close())
	require.EqualError(t, &MismatchError{Path: "l", What: "origin", Have: source.NoOrigin, Want: "a"},
		"ledger l is for origin \"none\", not \"a\"; give the state folder that belongs to it, or "+
			"`ingest state rebuild` keeps it aside and makes a new one")
}
