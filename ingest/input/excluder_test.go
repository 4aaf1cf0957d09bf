package input

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/usage"
)

func TestExcluder(t *testing.T) {
	wd, err := filepath.Abs(".")
	require.NoError(t, err)
	for pattern, want := range map[string]map[string]bool{
		"*.tmp":              {"/a/b.tmp": true, "/a.tmp/b": false, "s3://b/c/d.tmp": true},
		"**/*.tmp":           {"/a/b.tmp": true, "/a.tmp/b": false, "s3://b/c/d.tmp": true},
		"/var/log/old/**":    {"/var/log/old/x": true, "/var/log/x": false},
		"old/*":              {wd + "/old/x": true, "/old/x": false},
		"s3://b/old/**":      {"s3://b/old/x": true, "s3://b/x": false, "/b/old/x": false},
		"**/kube-system_*/*": {"/var/log/pods/kube-system_x/0.log": true, "/kube/0.log": false},
	} {
		x, err := NewExcluder("a", []string{pattern})
		require.NoError(t, err)
		for path, out := range want {
			require.Equal(t, out, x.Excludes(path), "%s of %s", path, pattern)
		}
	}
	_, err = NewExcluder("a", []string{"/x/["})
	require.ErrorContains(t, err, "stream a: exclude: pattern '/x/['")
	require.True(t, usage.Is(err))
}
