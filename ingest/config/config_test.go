package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
)

const exampleConfig = `state: /var/lib/logseal            # ledger and spool
sink:  /lake/logs
origin: web-1                      # or none
spool: {max_bytes: 1GiB}
streams:
  - name: nginx
    version: 2
    paths: [/var/log/nginx/access.log*]
    format: combined
    partition: hour
    batch: {max_bytes: 64MiB, max_age: 5m, max_partitions: 32}
    max_record_bytes: 2MiB
    time_window: [2000-01-01, 2030-06-30T12:00:00Z]
    origin_path: '/hosts/([^/]+)/'
    rejects: {max_ratio: 0.25, min_records: 10, on_exceed: quarantine}
  - name: app
    regex: '^(?P<ts>\S+) (?P<severity>INFO|WARN|ERROR) (?P<module>[^:]+): (?P<message>.*)$'
    schema:
      - {name: ts, type: timestamp, layout: rfc3339, event_time: true}
      - {name: severity, type: string, enum: [INFO, WARN, ERROR]}
      - {name: module, type: string, min_length: 1}
      - {name: message, type: string, optional: true, null_values: [-, 0]}
    retention: 90d
    exclude: ['**/*.tmp', '*.bak']
    start_at: end
shutdown: {grace: 45s}
tail: {poll_interval: 500ms, close_wait: 2m, copy_wait: 3h}
sink_mode: 0644
symlinks: follow
`

func TestParseConfig_ReadsEveryKey(t *testing.T) {
	c, err := Parse("ingest.yaml", []byte(exampleConfig))
	require.NoError(t, err)
	require.Equal(t, "/var/lib/logseal", c.State)
	require.Equal(t, "/lake/logs", c.Sink)
	require.EqualValues(t, 0o644, c.SinkMode)
	require.True(t, c.FollowLinks)
	require.Equal(t, Origin("web-1"), c.Origin)
	require.EqualValues(t, 1<<30, c.SpoolMaxBytes)
	require.Len(t, c.Streams, 2)

	nginx := c.Streams[0]
	combined, _ := parse.Preset("combined")
	combined.Window = parse.Window{
		From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(),
		To:   time.Date(2030, 6, 30, 12, 0, 0, 0, time.UTC).UnixMicro(),
	}
	require.Equal(t, combined, nginx.Parser)
	require.Equal(t, "/hosts/([^/]+)/", nginx.OriginPath.String())
	nginx.Parser, nginx.OriginPath = parse.Definition{}, nil
	require.Equal(t, Stream{
		Name: "nginx", Version: 2, Paths: []string{"/var/log/nginx/access.log*"},
		Partition:      batch.Hour,
		Batch:          Batch{MaxBytes: 64 << 20, MaxAge: 5 * time.Minute, MaxPartitions: 32},
		MaxRecordBytes: 2 << 20,
		Rejects:        Rejects{MaxRatio: 0.25, MinRecords: 10, OnExceed: "quarantine"},
	}, nginx)

	require.Equal(t, []parse.Column{
		{Name: "ts", Type: parse.Timestamp, Layout: "rfc3339", EventTime: true},
		{Name: "severity", Enum: []string{"INFO", "WARN", "ERROR"}},
		{Name: "module", MinLength: 1},
		{Name: "message", Optional: true, NullValues: []string{"-", "0"}},
	}, c.Streams[1].Parser.Columns)
	require.Equal(t, 90*day, c.Streams[1].Retention)
	require.Equal(t, []string{"**/*.tmp", "*.bak"}, c.Streams[1].Exclude)
	require.True(t, c.Streams[1].StartAtEnd)
	require.Equal(t, 45*time.Second, c.ShutdownGrace)
	require.Equal(t, Tail{PollInterval: 500 * time.Millisecond, CloseWait: 2 * time.Minute,
		CopyWait: 3 * time.Hour}, c.Tail)
}

func TestParseConfig_Defaults(t *testing.T) {
	c, err := Parse("ingest.yaml", []byte("streams: [{name: a, format: common}]"))
	require.NoError(t, err)
	require.Equal(t, Config{
		SinkMode: 0o640, SpoolMaxBytes: 10 << 30, ShutdownGrace: 20 * time.Second, Streams: c.Streams,
		Tail: Tail{PollInterval: time.Second, CloseWait: time.Minute, CopyWait: time.Hour},
	}, *c)
	common, _ := parse.Preset("common")
	require.Equal(t, []Stream{{
		Name: "a", Version: 1, Parser: common,
		Batch:          Batch{MaxPartitions: 64},
		MaxRecordBytes: 1 << 20,
		Rejects:        Rejects{MaxRatio: 0.1, MinRecords: 1000},
	}}, c.Streams)
	require.NoError(t, c.Streams[0].Epoch().Validate())
}

func TestParseConfig_SaysWhereAndWhat(t *testing.T) {
	file, err := os.ReadFile("testdata/mistakes.txt")
	require.NoError(t, err)
	cases := strings.Split(string(file), "\n== ")[1:]
	require.Greater(t, len(cases), 60)
	for _, c := range cases {
		name, rest, _ := strings.Cut(c, "\n")
		config, want, ok := strings.Cut("\n"+rest, "\nwant ")
		require.True(t, ok, name)
		t.Run(name, func(t *testing.T) {
			config = strings.TrimPrefix(config+"\n", "\n")
			if change, ok := strings.CutPrefix(config, "-- "); ok {
				prefix, by, _ := strings.Cut(strings.TrimSuffix(change, "\n"), " => ")
				config = lines(prefix, by)
			}
			_, err := Parse("c", []byte(config))
			require.ErrorContains(t, err, strings.TrimSpace(want))
			require.NotContains(t, err.Error(), "\n", "one mistake, one message")
		})
	}
}

// lines gives the example with one line replaced: the one that begins with a prefix.
func lines(prefix, by string) string {
	out := strings.Split(exampleConfig, "\n")
	for i, line := range out {
		if strings.HasPrefix(strings.TrimSpace(line), prefix) {
			out[i] = line[:len(line)-len(strings.TrimLeft(line, " "))] + by
			return strings.Join(out, "\n")
		}
	}
	panic("no line " + prefix)
}

func TestParseConfig_ListsEverythingThatIsWrong(t *testing.T) {
	_, err := Parse("c", []byte("stat: x\nstreams:\n- name: a b\n  format: ap\n- version: x\n"))
	require.EqualError(t, err, strings.Join([]string{
		`c:1:1: unknown key "stat" in the config; did you mean "state"?`,
		`c:3:9: name "a b": want 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit`,
		`c:4:11: format: unknown format "ap"; did you mean "app"?`,
		"c:5:3: a stream without a name",
		"c:5:3: no format: want `format:` (one of combined, common, app, json, cri, docker_json) or `regex:`",
		`c:5:12: version: "x": want a whole number from 1 to 2147483647`,
	}, "\n"))
}

func TestParseConfig_OfJSON(t *testing.T) {
	t.Setenv("LOGSEAL_TEST_FORMAT", "json")
	c, err := Parse("c", []byte(`
streams:
  - name: web
    format: ${LOGSEAL_TEST_FORMAT}
    schema:
      - {name: ts, type: timestamp, layout: epoch_s, event_time: true}
      - {name: level, type: string, key: log\.level}
      - {name: status, type: int32, key: request.status, optional: true}
  - name: strict
    format: json
    unknown_keys: reject
    time_window: [2000-01-01, 2030-01-01]
    schema: [{name: a, type: string}]
`))
	require.NoError(t, err)
	require.Equal(t, parse.Definition{Kind: parse.JSON, Columns: []parse.Column{
		{Name: "ts", Type: parse.Timestamp, Layout: "epoch_s", EventTime: true},
		{Name: "level", Key: `log\.level`},
		{Name: "status", Type: parse.Int32, Key: "request.status", Optional: true},
		{Name: "_extra", Optional: true},
	}}, c.Streams[0].Parser)
	strict := c.Streams[1].Parser
	require.Equal(t, parse.RejectUnknown, strict.UnknownKeys)
	require.Equal(t, []parse.Column{{Name: "a"}}, strict.Columns)
	require.NotZero(t, strict.Window)
	for _, s := range c.Streams {
		require.NoError(t, s.Epoch().Validate())
	}
}

func TestParseConfig_ExpandsValuesButNoPatterns(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("lake\n\n"), 0o644))
	t.Setenv("LOGSEAL_TEST_DIR", "/data")
	c, err := Parse("c", []byte(`
sink: ${LOGSEAL_TEST_DIR}/${file:`+secret+`}/$${x}
streams:
  - name: a
    paths: ["${LOGSEAL_TEST_DIR}/*.log"]
    regex: '(?P<a>x${1}|\${LOGSEAL_TEST_DIR})'
    schema: [{name: a, type: string, pattern: '.${1}'}]
`))
	require.NoError(t, err)
	require.Equal(t, "/data/lake\n/${x}", c.Sink)
	require.Equal(t, []string{"/data/*.log"}, c.Streams[0].Paths)
	require.Equal(t, `(?P<a>x${1}|\${LOGSEAL_TEST_DIR})`, c.Streams[0].Parser.Pattern)
	require.Equal(t, `.${1}`, c.Streams[0].Parser.Columns[0].Pattern)
}

func TestParseConfig_TakesAnchorsAndABOM(t *testing.T) {
	c, err := Parse("c", []byte("\xef\xbb\xbfstreams:\n"+
		"- {name: a, format: app, batch: &b {max_bytes: 1MiB}}\n"+
		"- {name: b, format: app, batch: *b}\n"))
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, c.Streams[1].Batch.MaxBytes)
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(exampleConfig))
	f.Add([]byte("streams: [{name: a, regex: '(?P<a>.)', schema: [{name: a, type: ip}]}]"))
	f.Add([]byte("streams: [{name: a, format: json, unknown_keys: drop, schema: [{name: a, " +
		"type: ip, key: b.c}]}]"))
	f.Add([]byte("a: &a [*a]\n? b\n: |2-\n  x\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := Parse("c", body)
		if err != nil {
			return
		}
		require.NotEmpty(t, c.Streams)
		for _, s := range c.Streams {
			require.NoError(t, s.Epoch().Validate())
		}
	})
}
