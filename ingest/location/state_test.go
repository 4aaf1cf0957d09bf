package location

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

func TestSinkURL_DefaultState(t *testing.T) {
	s3test.Setenv(t)
	home := t.TempDir()
	home, err := filepath.EvalSymlinks(home)
	require.NoError(t, err)
	state := func(sink string) string {
		at, err := ParseSinkURL(sink)
		require.NoError(t, err)
		path, err := at.defaultState()
		require.NoError(t, err)
		return path
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "xdg"))
	lake := state("s3://lake/logs")
	require.Equal(t, filepath.Join(home, "xdg/logseal"), filepath.Dir(lake))
	require.Regexp(t, `^[0-9a-f]{16}$`, filepath.Base(lake))

	for _, same := range []string{"s3://lake/logs/", "s3://lake/logs?region=eu-west-1",
		"s3://lake/logs?tags=a=b&storage_class=STANDARD_IA&sse=aws:kms&kms_key_id=k&conditional=off",
		"s3://lake/logs?endpoint=https://s3.eu-west-1.amazonaws.com"} {
		require.Equal(t, lake, state(same), same)
	}
	seen := map[string]string{lake: "s3://lake/logs"}
	for _, other := range []string{"s3://lake", "s3://lake/log", "s3://lake/logs/x", "s3://lak/e/logs",
		"s3://lake/logs?endpoint=http://127.0.0.1:9000"} {
		path := state(other)
		require.Empty(t, seen[path], other)
		seen[path] = other
	}

	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
	require.Equal(t, "s3://lake/logs?endpoint=http://127.0.0.1:9000", seen[state("s3://lake/logs")])

	for _, none := range []string{"", "relative/path"} {
		t.Setenv("XDG_STATE_HOME", none)
		require.Equal(t, filepath.Join(home, ".local/state/logseal"), filepath.Dir(state("s3://lake")))
	}
	folder := filepath.Join(home, "lake")
	require.Equal(t, filepath.Join(folder, ".state"), state(folder))

	require.NoError(t, os.Unsetenv("HOME"))
	at, err := ParseSinkURL("s3://lake")
	require.NoError(t, err)
	_, err = at.defaultState()
	require.ErrorContains(t, err, "name a folder with --state")
}
