package load

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// plantEpoch puts a file among the definitions of the yard's stream.
func (b *yard) plantEpoch(key string, body []byte) {
	path := filepath.Join(b.root, "out", key)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(b.t, os.WriteFile(path, body, 0o666))
}

// foreignEpoch is a definition of the yard's stream that nobody may go on by.
func foreignEpoch(t *testing.T) *table.Epoch {
	d, err := parse.FromPattern(`(?P<other>.*)`)
	require.NoError(t, err)
	return table.NewEpoch(source.Table{Stream: "s", Version: 1}, d)
}

// What someone else put among the definitions is named and passed over.
func TestLoad_JunkAmongTheDefinitions(t *testing.T) {
	b := newYard(t)
	foreign := foreignEpoch(t)
	of := foreign.Table()
	var keys []string
	for _, key := range []string{
		table.EpochPrefix(of) + "README",
		table.EpochKey(of, source.DigestOf([]byte("another"))),
		table.EpochPrefix(of) + "deeper/" + source.DigestOf(nil).String() + ".json",
	} {
		b.plantEpoch(key, foreign.JSON())
		keys = append(keys, key)
	}
	b.write("f", []byte(abc))
	r, err := b.run(context.Background(), "f")
	require.NoError(t, err)
	require.EqualValues(t, 3, r.Rows)
	var named []string
	for _, p := range r.Problems {
		require.Equal(t, commit.Conflict, p.Kind)
		named = append(named, p.Path)
	}
	require.ElementsMatch(t, keys, named)
}

// A definition that does not fit, or that nobody here can read, ends the first start of a stream, and
// no later one.
func TestLoad_ForeignDefinition(t *testing.T) {
	foreign := foreignEpoch(t)
	newer := []byte("{\"format\":2}\n")
	for key, body := range map[string][]byte{
		foreign.Key(): foreign.JSON(),
		table.EpochKey(foreign.Table(), source.DigestOf(newer)): newer,
	} {
		b := newYard(t)
		b.plantEpoch(key, body)
		b.write("f", []byte(abc))
		_, err := b.run(context.Background(), "f")
		require.Error(t, err)

		require.NoError(t, os.Remove(filepath.Join(b.root, "out", key)))
		require.EqualValues(t, 3, b.load("f").Rows)
		b.plantEpoch(key, body)
		b.append("f", "d4\n")
		r, err := b.run(context.Background(), "f")
		require.NoError(t, err)
		require.EqualValues(t, 1, r.Rows)
		require.Len(t, r.Problems, 1)
		require.Equal(t, commit.Problem{Kind: commit.Conflict, Path: key, Message: r.Problems[0].Message}, r.Problems[0])
	}
}
