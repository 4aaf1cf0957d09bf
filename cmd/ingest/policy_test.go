package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"logseal/ingest/sink/s3/s3test"
)

// policy is an IAM policy as docs/s3.md has it.
type policy struct {
	Version   string
	Statement []map[string]any
}

// without is the policy but for an action.
func (p policy) without(action string) policy {
	var all []map[string]any
	for _, s := range p.Statement {
		var actions []any
		list, ok := s["Action"].([]any)
		if !ok {
			list = []any{s["Action"]}
		}
		for _, a := range list {
			if a != action {
				actions = append(actions, a)
			}
		}
		if len(actions) > 0 {
			kept := map[string]any{}
			for k, v := range s {
				kept[k] = v
			}
			kept["Action"] = actions
			all = append(all, kept)
		}
	}
	return policy{p.Version, all}
}

const (
	policyUser   = "writer"
	policySecret = "writer-secret"
)

// The policy of docs/s3.md is enough for all that load and verify do, and but for deleting, nothing
// of it can be left out.
func TestDocs_Policy(t *testing.T) {
	if kind := os.Getenv("S3_SERVER"); kind != "" && kind != "versitygw" {
		t.Skip("users are made by a program of versitygw's")
	}
	server := s3test.Start(t)
	s3test.Setenv(t)
	require.NoError(t, os.Mkdir(server.Folder("lake"), 0o777))
	addUser(t, server)
	var whole policy
	for _, b := range readBlocks(t, "../../docs/s3.md") {
		if b.arg == "policy.json" {
			require.NoError(t, json.Unmarshal([]byte(b.text), &whole))
		}
	}
	require.Len(t, whole.Statement, 3)

	dir := t.TempDir()
	log := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(log, []byte(genLines(0, 1000)), 0o666))
	ingest := func(args ...string) string {
		cmd := exec.Command("ingest", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+policyUser,
			"AWS_SECRET_ACCESS_KEY="+policySecret, "AWS_ENDPOINT_URL_S3="+server.Endpoint(),
			"XDG_STATE_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err == nil {
			return ""
		}
		return string(out)
	}
	load := func(state string) string {
		return ingest("load", "--format", "app", "--out", "s3://lake/logs", "--state", state, log)
	}

	allow(t, server, whole.without("s3:ListBucket"))
	require.Contains(t, load("st1"), "allow s3:ListBucket on arn:aws:s3:::lake")
	allow(t, server, whole.without("s3:GetObject"))
	require.Contains(t, load("st1"), "allow s3:GetObject on arn:aws:s3:::lake/logs/*")
	allow(t, server, whole.without("s3:PutObject"))
	require.Contains(t, load("st1"), "allow s3:PutObject on arn:aws:s3:::lake/logs/*")
	allow(t, server, whole.without("s3:DeleteObject"))
	require.Empty(t, load("st1"))

	allow(t, server, whole)
	require.Empty(t, load("st2"))
	require.Empty(t, ingest("verify", "--out", "s3://lake/logs", "--deep", "--source", log))
	// Another cut's object at the same start can never be committed.
	objects, err := filepath.Glob(server.Folder("lake") + "/logs/data/app/v1/*/*.parquet")
	require.NoError(t, err)
	orphan := regexp.MustCompile(`[0-9a-f]{16}\.parquet$`).ReplaceAllString(objects[0],
		strings.Repeat("ab", 8)+".parquet")
	key, err := filepath.Rel(server.Folder("lake"), orphan)
	require.NoError(t, err)
	server.Plant(t, "lake", key, []byte("x"))
	allow(t, server, whole.without("s3:DeleteObject"))
	require.Contains(t, ingest("verify", "--out", "s3://lake/logs", "--clean"),
		"allow s3:DeleteObject on arn:aws:s3:::lake/logs/*")
	allow(t, server, whole)
	require.Empty(t, ingest("verify", "--out", "s3://lake/logs", "--clean"))
	require.NoFileExists(t, orphan)
	require.Contains(t, ingest("load", "--format", "app", "--out", "s3://lake/other", log),
		"allow s3:GetObject on arn:aws:s3:::lake/other/*")
}

// addUser makes a user who may do nothing yet.
func addUser(t *testing.T, server *s3test.Server) {
	t.Helper()
	programs, err := filepath.Glob("../../.tools/bin/versitygw-*")
	require.NoError(t, err)
	require.Len(t, programs, 1)
	out, err := exec.Command(programs[0], "admin", "-a", s3test.AccessKey, "-s", s3test.Secret,
		"--er", server.Endpoint(), "create-user", "-a", policyUser, "-s", policySecret, "-r",
		"user").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// allow makes p the policy of the bucket, for the user.
func allow(t *testing.T, server *s3test.Server, p policy) {
	t.Helper()
	for i := range p.Statement {
		p.Statement[i]["Principal"] = map[string]any{"AWS": []string{policyUser}}
	}
	body, err := json.Marshal(p)
	require.NoError(t, err)
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	bucket, endpoint, text := "lake", server.Endpoint(), string(body)
	api := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = &endpoint, true
	})
	_, err = api.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &text})
	require.NoError(t, err, text)
}
