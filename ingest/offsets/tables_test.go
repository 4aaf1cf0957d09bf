package offsets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
)

func TestLedger_HasTable(t *testing.T) {
	l := openTest(t, t.TempDir())
	require.NoError(t, l.Update(source.Key{Table: source.Table{Stream: "app", Version: 10}}, seal1))
	require.NoError(t, l.Update(source.Key{Table: source.Table{Stream: "app.x", Version: 1}}, seal1))
	for table, want := range map[source.Table]bool{
		{Stream: "app", Version: 10}: true, {Stream: "app.x", Version: 1}: true,
		{Stream: "app", Version: 1}: false, {Stream: "ap", Version: 1}: false,
		{Stream: "zoo", Version: 1}: false,
	} {
		got, err := l.HasTable(table)
		require.NoError(t, err)
		require.Equal(t, want, got, table)
	}
}

func TestLedger_Origins(t *testing.T) {
	l := openTest(t, t.TempDir())
	got, err := l.Origins()
	require.NoError(t, err)
	require.Empty(t, got)
	require.NoError(t, l.UpdateAll(manyKeys(), sealOf))
	want := map[source.Key]bool{}
	for _, key := range manyKeys() {
		want[source.Key{Table: key.Table, Origin: key.Origin}] = true
	}
	got, err = l.Origins()
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for _, key := range got {
		require.True(t, want[key], key)
	}
}

func TestLedger_Accept_IsOfOneDefinitionOfOneTable(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir)
	app, other := source.Table{Stream: "app", Version: 1}, source.Table{Stream: "app", Version: 2}
	one, two := source.Digest{1}, source.Digest{2}
	require.NoError(t, l.Accept(app, one))
	require.NoError(t, l.Accept(app, one))
	require.NoError(t, l.Close())
	l = openTest(t, dir)
	for _, c := range []struct {
		table source.Table
		epoch source.Digest
		want  bool
	}{{app, one, true}, {app, two, false}, {other, one, false}} {
		got, err := l.Accepted(c.table, c.epoch)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c)
	}
}

func TestLedger_FirstLook(t *testing.T) {
	l := openTest(t, t.TempDir())
	app, other := source.Table{Stream: "app", Version: 1}, source.Table{Stream: "app", Version: 10}
	for _, underWay := range []bool{true, false} {
		require.NoError(t, l.SetFirstLook(app, underWay))
		got, err := l.FirstLook(app)
		require.NoError(t, err)
		require.Equal(t, underWay, got)
		got, err = l.FirstLook(other)
		require.NoError(t, err)
		require.False(t, got)
	}
}
