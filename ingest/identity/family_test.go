package identity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

func TestFamily_LearnsOnlyWhatGoesOn(t *testing.T) {
	f := NewFamily(source.Table{Stream: "s", Version: 1}, "o", []byte("h\n"))
	first := Step{Start: 0, End: 10, Chain: source.Digest{1}, Marks: []source.Mark{{Offset: 4}}}
	second := Step{Start: 10, End: 20, Chain: source.Digest{2}, Loss: true}

	require.False(t, f.Learn(0, second), "its start is not reached")
	require.Nil(t, f.Committed(0))
	require.True(t, f.Learn(0, first))
	require.False(t, f.Learn(0, first), "it is known")
	require.True(t, f.Learn(0, second))
	c := f.Committed(0)
	require.Equal(t, int64(20), c.End)
	require.Equal(t, Points{{Offset: 4}, {Offset: 10, Chain: source.Digest{1}}, {Offset: 20,
		Chain: source.Digest{2}}}, c.Points)
	require.Equal(t, []source.Range{{Start: 10, End: 20}}, c.Lost)
	require.False(t, c.Whole)
	f.End(0, 30)
	require.True(t, f.Committed(0).Whole)
	require.False(t, c.Whole, "what was given is not changed")
	f.Learn(0, Step{Start: 20, End: 25})
	require.False(t, f.Committed(0).Whole, "more may follow")
}

func TestFamily_KnownIsTheFirstHole(t *testing.T) {
	f := NewFamily(source.Table{Stream: "s", Version: 1}, "", []byte("h\n"))
	step := Step{End: 1}
	require.Zero(t, f.Known())
	f.Learn(1, step)
	require.Zero(t, f.Known())
	f.Learn(0, step)
	require.EqualValues(t, 2, f.Known())
	require.Equal(t, source.NewID("", "s", 1, []byte("h\n")), f.Key(1).ID)
}
