package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// policyRig runs the program as a user who may do what a policy says.
type policyRig struct {
	server *s3test.Server
	dir    string
	whole  policy // that of docs/s3.md
}

func newPolicyRig(t *testing.T) *policyRig {
	if kind := os.Getenv("S3_SERVER"); kind != "" && kind != "versitygw" {
		t.Skip("users are made by a program of versitygw's")
	}
	r := &policyRig{server: s3test.Start(t), dir: t.TempDir()}
	s3test.Setenv(t)
	require.NoError(t, os.Mkdir(r.server.Folder("lake"), 0o777))
	addUser(t, r.server)
	for _, b := range readBlocks(t, "../../docs/s3.md") {
		if b.arg == "policy.json" {
			require.NoError(t, json.Unmarshal([]byte(b.text), &r.whole))
		}
	}
	require.Len(t, r.whole.Statement, 3)
	r.write(t, "app.log", genLines(0, 1000))
	return r
}

func (r *policyRig) write(t *testing.T, name, text string) {
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o666))
}

// run gives all that the program prints, and its exit code.
func (r *policyRig) run(t *testing.T, args ...string) (string, int) {
	cmd := exec.Command("ingest", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+policyUser,
		"AWS_SECRET_ACCESS_KEY="+policySecret, "AWS_ENDPOINT_URL_S3="+r.server.Endpoint(),
		"XDG_STATE_HOME="+r.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// refused wants the program to fail for want of a permission.
func (r *policyRig) refused(t *testing.T, fix string, args ...string) {
	t.Helper()
	out, exit := r.run(t, args...)
	require.Equal(t, exitFailed, exit, out)
	require.Contains(t, out, fix)
}

// works gives what the program prints; it wants exit code 0.
func (r *policyRig) works(t *testing.T, args ...string) string {
	t.Helper()
	out, exit := r.run(t, args...)
	require.Zero(t, exit, out)
	return out
}

func (r *policyRig) allow(t *testing.T, p policy) {
	t.Helper()
	allow(t, r.server, p)
}

func policyLoad(state string) []string {
	return []string{"load", "--format", "app", "--out", "s3://lake/logs", "--state", state, "app.log"}
}

// The policy of docs/s3.md is enough for all that load and verify do, and but for deleting, nothing
// of it can be left out.
func TestDocs_Policy(t *testing.T) {
	r := newPolicyRig(t)
	r.allow(t, r.whole.without("s3:ListBucket"))
	r.refused(t, "allow s3:ListBucket on arn:aws:s3:::lake", policyLoad("st1")...)
	r.allow(t, r.whole.without("s3:GetObject"))
	r.refused(t, "allow s3:GetObject on arn:aws:s3:::lake/logs/*", policyLoad("st1")...)
	r.allow(t, r.whole.without("s3:PutObject"))
	r.refused(t, "allow s3:PutObject on arn:aws:s3:::lake/logs/*", policyLoad("st1")...)

	r.allow(t, r.whole)
	r.works(t, policyLoad("st1")...)
	r.works(t, policyLoad("st2")...)
	r.works(t, "verify", "--out", "s3://lake/logs", "--deep", "--source", "app.log")
	// Another cut's object at the same start can never be committed.
	objects, err := filepath.Glob(r.server.Folder("lake") + "/logs/data/app/v1/*/*.parquet")
	require.NoError(t, err)
	orphan := regexp.MustCompile(`[0-9a-f]{16}\.parquet$`).ReplaceAllString(objects[0],
		strings.Repeat("ab", 8)+".parquet")
	key, err := filepath.Rel(r.server.Folder("lake"), orphan)
	require.NoError(t, err)
	r.server.Plant(t, "lake", key, []byte("x"))
	r.allow(t, r.whole.without("s3:DeleteObject"))
	r.refused(t, "allow s3:DeleteObject on arn:aws:s3:::lake/logs/*",
		"verify", "--out", "s3://lake/logs", "--clean")
	r.allow(t, r.whole)
	r.works(t, "verify", "--out", "s3://lake/logs", "--clean")
	require.NoFileExists(t, orphan)
	r.refused(t, "allow s3:GetObject on arn:aws:s3:::lake/other/*",
		"load", "--format", "app", "--out", "s3://lake/other", "app.log")
}

// A load whose batch another writer had first goes on also when it may not delete what it had put:
// it says what stays, verify names it, and someone who may cleans it up.
func TestDocs_PolicyWithoutDelete(t *testing.T) {
	r := newPolicyRig(t)
	r.write(t, "winner.yaml", "sink: s3://lake/logs\nstate: winner\n"+
		"streams: [{name: app, format: app, paths: [app.log], batch: {max_bytes: 20KB}}]\n")
	noDelete := r.whole.without("s3:DeleteObject")

	// The load puts its objects and cannot put their manifest; meanwhile the winner commits.
	noManifests := noDelete.without("s3:PutObject")
	noManifests.Statement = append(noManifests.Statement, map[string]any{"Effect": "Allow",
		"Action": "s3:PutObject", "Resource": []string{"arn:aws:s3:::lake/logs/data/*",
			"arn:aws:s3:::lake/logs/quarantine/*", "arn:aws:s3:::lake/logs/epochs/*",
			"arn:aws:s3:::lake/logs/sources/*",
			"arn:aws:s3:::lake/logs/logseal.json"}})
	r.allow(t, noManifests)
	r.refused(t, "allow s3:PutObject", policyLoad("loser")...)
	left, err := filepath.Glob(r.server.Folder("lake") + "/logs/data/app/v1/*/*.parquet")
	require.NoError(t, err)
	require.NotEmpty(t, left)
	r.allow(t, noDelete)
	r.works(t, "load", "-c", "winner.yaml")

	out := r.works(t, policyLoad("loser")...)
	require.Contains(t, out, "a leftover stays in the sink")
	require.Contains(t, out, "allow s3:DeleteObject on arn:aws:s3:::lake/logs/*")
	out, exit := r.run(t, "verify", "--out", "s3://lake/logs", "--deep", "--source", "app.log",
		"--json")
	require.Equal(t, exitFaulty, exit, out)
	var found struct {
		Rows                          int
		Superseded                    []string
		Missing, Gaps, Overlaps, Lost []any
		Differing, Unfinished         []any
	}
	require.NoError(t, json.Unmarshal([]byte(out[strings.Index(out, `{"ok"`):]), &found), out)
	require.Equal(t, 880, found.Rows)
	for _, path := range left {
		require.FileExists(t, path)
		key, err := filepath.Rel(r.server.Folder("lake")+"/logs", path)
		require.NoError(t, err)
		require.Contains(t, found.Superseded, key)
	}
	require.Empty(t, slices.Concat(found.Missing, found.Gaps, found.Overlaps, found.Lost,
		found.Differing, found.Unfinished))

	r.allow(t, r.whole)
	r.works(t, "verify", "--out", "s3://lake/logs", "--clean")
	r.works(t, "verify", "--out", "s3://lake/logs", "--deep", "--source", "app.log")
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
