package input

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Keys are taken as they stand.
func TestSelection_FindsAnyKey(t *testing.T) {
	l, server, bucket, root := newTestFS(t)
	keys := []string{"in/a.log", "in/b [1].log", "in/ü?&=%.log", "in/deep/er/.hidden",
		"lake/data/app/x", "lake/logseal.json", "lake/own.log"}
	for _, key := range keys {
		server.Plant(t, bucket, key, []byte(key))
	}
	find := func(patterns ...string) ([]string, error) {
		s := &Selection{Patterns: patterns, Named: true}
		return s.Find(func(string, ...any) {}, l, func(string) bool { return false })
	}
	paths := func(keys ...string) (all []string) {
		for _, key := range keys {
			all = append(all, root+key)
		}
		return all
	}
	for _, c := range []struct{ patterns, want []string }{
		{paths("**"), paths(keys[0], keys[1], keys[3], keys[2], keys[6])},
		{paths("in/*.log"), paths(keys[0], keys[1], keys[2])},
		{paths("in/**/*"), paths(keys[0], keys[1], keys[3], keys[2])},
		{paths("in/b [1].log"), paths(keys[1])},
		{paths("in/{a,c}.log", "in/?.log"), paths(keys[0])},
		{paths("in/ü?&=%.log"), paths(keys[2])},
		{paths("lake/*"), paths(keys[6])},
	} {
		have, err := find(c.patterns...)
		require.NoError(t, err, c.patterns)
		require.Equal(t, c.want, have, c.patterns)
		for _, path := range have {
			h, err := l.Open(path)
			require.NoError(t, err)
			b := make([]byte, len(path)-len(root))
			_, err = h.ReadAt(b, 0)
			require.NoError(t, err)
			require.Equal(t, path, root+string(b))
			require.NoError(t, h.Close())
		}
	}
	for pattern, want := range map[string]string{
		root + "in/none*":        "no file matches",
		root + "lake/data/**":    "no file matches",
		root + "lake/data/app/x": "never loaded",
		root + "in":              "is a folder",
	} {
		_, err := find(pattern)
		require.ErrorContains(t, err, want)
	}
}
