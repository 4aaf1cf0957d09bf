package main

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"logseal/ingest/sink/s3/s3test"
)

// TestScripts_S3 tells how the program behaves with a real S3 server, one story a file. Each has a
// bucket of its own, $BUCKET, which the server keeps in the folder $SERVED/$BUCKET; $SINK is the
// place lake in it, as --out takes it, $QUERY what stands behind the ? in that, and $KEY and
// $SECRET are what the server lets in. The environment knows all of it, too.
func TestScripts_S3(t *testing.T) {
	server := s3test.Start(t)
	commands := maps.Clone(scriptCommands)
	commands["upload"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: upload FILE BUCKET/KEY")
		}
		bucket, key, _ := strings.Cut(args[1], "/")
		server.Plant(t, bucket, key, []byte(ts.ReadFile(args[0])))
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/s3",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                commands,
		Setup: func(env *testscript.Env) error {
			bucket := server.Bucket(t)
			sink := server.URL(bucket + "/lake")
			_, query, _ := strings.Cut(sink, "?")
			for _, pair := range s3test.Environ() {
				name, value, _ := strings.Cut(pair, "=")
				env.Setenv(name, value)
			}
			for name, value := range map[string]string{
				"XDG_STATE_HOME": filepath.Join(env.WorkDir, "xdg"), "SERVED": server.Data,
				"BUCKET": bucket, "SINK": sink, "QUERY": query, "KEY": s3test.AccessKey,
				"SECRET": s3test.Secret, "AWS_ENDPOINT_URL_S3": server.Endpoint(),
			} {
				env.Setenv(name, value)
			}
			return nil
		},
	})
}
