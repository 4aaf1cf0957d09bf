package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

func TestOrigin(t *testing.T) {
	for text, want := range map[string]struct {
		is  Origin
		key string
	}{
		"none":  {source.NoOrigin, ""},
		"web-1": {"web-1", "web-1"},
	} {
		o, err := parseOrigin(text)
		require.NoError(t, err)
		require.Equal(t, want.is, o)
		require.Equal(t, want.key, o.Key())
		require.Equal(t, text, o.String())
		require.Equal(t, o, o.Or("else"))
		require.Equal(t, want.key == "", o.Optional() == nil)
	}
	require.Equal(t, Origin("else"), Origin("").Or("else"))
	for _, bad := range []string{"", "-", "a/b"} {
		_, err := parseOrigin(bad)
		require.Error(t, err, bad)
	}
}

// A load's origin is a note that stands as long as nobody has made one.
func TestOrigin_Note(t *testing.T) {
	ledger, err := offsets.Open(t.TempDir(), offsets.Meta{})
	require.NoError(t, err)
	defer ledger.Close()
	for _, x := range []struct{ say, keeps Origin }{
		{"", ""}, {source.NoOrigin, source.NoOrigin}, {"web-1", source.NoOrigin}, {"", source.NoOrigin},
	} {
		require.NoError(t, x.say.Note(ledger))
		require.Equal(t, x.keeps, NotedOrigin(ledger))
	}
}
