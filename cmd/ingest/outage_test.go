package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// While the store is away a load waits and says so, also with --quiet; when it is back the load
// goes on.
func TestLoad_WaitsForTheStore(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(log, []byte(genLines(0, 100)), 0o666))
	server.Plant(t, bucket, "in/app.log", []byte(genLines(100, 200)))
	server.Kill()

	cmd := exec.Command("ingest", "load", "--json", "--quiet", "--format", "app", "--state",
		filepath.Join(dir, "state"), "--out", server.URL(bucket+"/lake"), log,
		"s3://"+bucket+"/in/*")
	cmd.Env = append(os.Environ(), s3test.Environ()...)
	var out bytes.Buffer
	cmd.Stdout = &out
	said, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(said)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "retrying")
	require.Contains(t, lines.Text(), "bucket="+bucket)
	server.Restart(t)
	var rest strings.Builder
	for lines.Scan() {
		rest.WriteString(lines.Text())
	}
	require.NoError(t, cmd.Wait(), rest.String())
	var res loadResult
	require.NoError(t, json.Unmarshal(out.Bytes(), &res))
	require.True(t, res.OK)
	require.Equal(t, int64(2), res.Sources)
	require.Positive(t, res.Retries)
}
