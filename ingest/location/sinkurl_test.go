package location

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A store that is reached without encryption, elsewhere than on this machine, is warned of.
func TestSinkURL_WarnsOfPlainHTTP(t *testing.T) {
	for url, warned := range map[string]bool{
		"s3://bkt/p?endpoint=http://store.example:9000":  true,
		"s3://bkt/p?endpoint=https://store.example:9000": false,
		"s3://bkt/p?endpoint=http://127.0.0.1:9000":      false,
		"s3://bkt/p?endpoint=http://[::1]:9000":          false,
		"s3://bkt/p?endpoint=http://localhost:9000":      false,
		"lake": false,
	} {
		at, err := ParseSinkURL(url)
		require.NoError(t, err)
		var errs bytes.Buffer
		at.WarnPlain(slog.New(slog.NewTextHandler(&errs, nil)))
		require.Equal(t, warned, strings.Contains(errs.String(), "without encryption"), url)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://store.example")
	at, err := ParseSinkURL("s3://bkt/p")
	require.NoError(t, err)
	var errs bytes.Buffer
	at.WarnPlain(slog.New(slog.NewTextHandler(&errs, nil)))
	require.Contains(t, errs.String(), "without encryption")
}
