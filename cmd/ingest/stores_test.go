package main

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// A load and a verify work on stores that lack what AWS has, without a word in the URL where that
// can be found out, and with the word that the message gives where it cannot.
func TestLoad_StoresOtherThanAWS(t *testing.T) {
	server := s3test.Start(t)
	for name, c := range map[string]struct {
		rule    func(*http.Request) *s3test.Fault
		options string
		retries bool // something was found out
		says    string
	}{
		"Google Cloud Storage": {rule: s3test.GoogleStorage},
		"Cloudflare R2": {rule: s3test.CloudflareR2, retries: true,
			says: "checksum=md5 in the URL does so from the start"},
		"Cloudflare R2, told": {rule: s3test.CloudflareR2, options: "&checksum=md5"},
		"Backblaze B2": {rule: s3test.Backblaze, options: "&conditional=off", retries: true,
			says: "checksum=md5 in the URL does so from the start"},
		"Backblaze B2, told": {rule: s3test.Backblaze, options: "&conditional=off&checksum=md5"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := server.Faults(t)
			faults.Set(c.rule)
			dir := t.TempDir()
			log := filepath.Join(dir, "app.log")
			require.NoError(t, os.WriteFile(log, []byte(genLines(0, 100)), 0o666))
			sink := faults.URL(server.Bucket(t)+"/lake") + c.options
			run := func(args ...string) (out []byte, said string) {
				cmd := exec.Command("ingest", args...)
				cmd.Env = append(os.Environ(), s3test.Environ()...)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				require.NoError(t, err, stderr.String())
				return out, stderr.String()
			}
			out, said := run("load", "--json", "--quiet", "--format", "app", "--state",
				filepath.Join(dir, "state"), "--out", sink, log)
			var res loadResult
			require.NoError(t, json.Unmarshal(out, &res))
			require.True(t, res.OK)
			require.Equal(t, c.retries, res.Retries > 0, said)
			require.Contains(t, said, c.says)
			run("verify", "--deep", "--out", sink, "--source", log)
		})
	}
}

func TestLoad_StoreWithoutConditionalPuts_SaysTheWayOut(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	faults.Set(s3test.Backblaze)
	dir := t.TempDir()
	log := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(log, []byte(genLines(0, 100)), 0o666))
	cmd := exec.Command("ingest", "load", "--quiet", "--format", "app", "--state",
		filepath.Join(dir, "state"), "--out", faults.URL(server.Bucket(t)+"/lake"), log)
	cmd.Env = append(os.Environ(), s3test.Environ()...)
	said, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "If-None-Match alone is left: use a store that honours it, or "+
		"add conditional=off to the URL, for one writer only")
}

// One object of a heap cannot be read as it is stored: the others are loaded.
func TestLoad_ObjectThatTheStoreUnpacks(t *testing.T) {
	server := s3test.Start(t)
	bucket, faults := server.Bucket(t), server.Faults(t)
	for _, key := range []string{"logs/a.log", "logs/b.log", "logs/c.log"} {
		server.Plant(t, bucket, key, []byte(genLines(len(key), 100)))
	}
	server.Plant(t, bucket, "logs/b.log", []byte(genLines(7, 80)))
	etag := fmt.Sprintf(`"%x"`, md5.Sum([]byte(genLines(7, 80))))
	run := func(stubborn bool) (res loadResult, code int) {
		faults.Set(s3test.GoogleUnpacks("logs/b.log", etag, stubborn))
		dir := t.TempDir()
		cmd := exec.Command("ingest", "load", "--json", "--quiet", "--format", "app", "--out", filepath.Join(dir, "lake"),
			strings.Replace(faults.URL(bucket), "?", "/logs/**?", 1))
		cmd.Env = append(os.Environ(), s3test.Environ()...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, _ := cmd.Output()
		require.NoError(t, json.Unmarshal(out, &res), stderr.String())
		return res, cmd.ProcessState.ExitCode()
	}
	res, code := run(false)
	require.Zero(t, code, res.Error)
	require.Equal(t, int64(3), res.Sources)
	res, code = run(true)
	require.Equal(t, exitLook, code, res.Error)
	require.Positive(t, res.Rows)
	require.Len(t, res.Problems, 1)
	require.Contains(t, res.Problems[0].Path, "logs/b.log")
	require.Contains(t, res.Problems[0].Message, "Content-Encoding: gzip")
}
