package sink

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckKey(t *testing.T) {
	for _, key := range []string{"logseal.json", "data/a", "schemas/app/v1.json",
		"data/app/v1/dt=__HIVE_DEFAULT_PARTITION__/00-11.parquet", "manifests/a/v1/-/00/01.json",
		"sources/app/v1/00/--00.json"} {
		require.NoError(t, CheckKey(key))
	}
	for _, key := range []string{"", "/", "data", "data/", "data//a", "/data/a", "data/./a",
		"data/../a", "data/.a", "data/a b", "data/a\x00", "data/ä", "data/a\\b", ".tmp/a", "other/a",
		"logseal.json/a", "data/" + strings.Repeat("a", 256), strings.Repeat("data/aaa", 200)} {
		require.Error(t, CheckKey(key), key)
	}
}
