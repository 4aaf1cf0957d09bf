package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/commit"
	"logseal/ingest/sink/s3/s3test"
)

// objects begins the path of an object.
const objects = "s3://"

// A store that refuses one log of a heap does not keep the others from being loaded; one that
// refuses them all, or the one who asks, ends the run.
func TestLoad_OneObjectIsRefused(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	for _, c := range []struct {
		code  string
		keys  []string // that are refused
		alone bool     // it is a fault of these objects
		want  string
	}{
		{"InvalidObjectState", []string{"a"}, true, "restore the object from its archive class first"},
		{"KMS.DisabledException", []string{"c"}, true, "make the KMS key"},
		{"AccessDenied", []string{"a"}, true, "allow s3:GetObject on"},
		{"AccessDenied", []string{"b", "d"}, true, "allow s3:GetObject on"},
		{"InvalidObjectState", []string{"a", "b", "c", "d"}, true, "archive class"},
		{"AccessDenied", []string{"a", "b", "c", "d"}, false, "allow s3:GetObject on"},
		{"SignatureDoesNotMatch", []string{"b"}, false, "set the secret"},
		{"ExpiredToken", []string{"d"}, false, "renew the session"},
	} {
		for _, named := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %v, named %v", c.code, c.keys, named), func(t *testing.T) {
				bucket := server.Bucket(t)
				refused := map[string]bool{}
				for _, key := range c.keys {
					refused["/"+bucket+"/in/"+key+".log"] = true
				}
				faults.Set(func(r *http.Request) *s3test.Fault {
					if !refused[r.URL.Path] || r.Method == http.MethodHead && c.code != "AccessDenied" {
						return nil
					}
					return &s3test.Fault{Status: http.StatusForbidden, Code: c.code, Message: "no"}
				})
				paths := []string{objects + bucket + "/in/*"}
				if named {
					paths = nil
				}
				for i, key := range []string{"a", "b", "c", "d"} {
					name := "in/" + key + ".log"
					server.Plant(t, bucket, name, []byte(genLines(10*i, 10*i+10)))
					if named {
						paths = append(paths, objects+bucket+"/"+name)
					}
				}
				res, exit := loadHeap(t, faults.URL(bucket+"/lake"), paths...)
				if !c.alone {
					require.Equal(t, exitFailed, exit)
					require.Contains(t, res.Error, c.want)
					return
				}
				require.Equal(t, exitLook, exit, res.Error)
				require.Equal(t, int64(4-len(c.keys))*10, res.Records+res.Skipped)
				require.Len(t, res.Problems, len(c.keys))
				for _, p := range res.Problems {
					require.Equal(t, commit.Unreadable, p.Kind)
					require.Contains(t, p.Message, c.want)
					require.True(t, refused["/"+p.Path[len(objects):]], p.Path)
				}
			})
		}
	}
}

// Of several machines that share a heap, all name a log whose first line cannot be read, since it may
// be of any of them, and load the others once.
func TestLoad_EachShardNamesARefusedObject(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	for i, key := range []string{"a", "b", "c", "d"} {
		server.Plant(t, bucket, "in/"+key+".log", []byte(genLines(10*i, 10*i+10)))
	}
	faults := server.Faults(t)
	faults.Set(func(r *http.Request) *s3test.Fault {
		if r.Method != http.MethodGet || !s3test.IsObject(r, "in/b.log") {
			return nil
		}
		return &s3test.Fault{Status: http.StatusForbidden, Code: "InvalidObjectState"}
	})
	var records int64
	for _, part := range []string{"0/3", "1/3", "2/3"} {
		res, exit := loadHeap(t, faults.URL(bucket+"/lake"), objects+bucket+"/in/*", "--shard", part)
		require.Equal(t, exitLook, exit, res.Error)
		require.Len(t, res.Problems, 1)
		require.Equal(t, objects+bucket+"/in/b.log", res.Problems[0].Path)
		records += res.Records + res.Skipped
	}
	require.Equal(t, int64(30), records)
}

// loadHeap runs the program on paths.
func loadHeap(t *testing.T, sink string, paths ...string) (res loadResult, exit int) {
	t.Helper()
	args := append([]string{"load", "--json", "--quiet", "--format", "app", "--out", sink, "--state",
		filepath.Join(t.TempDir(), "state")}, paths...)
	cmd := exec.Command("ingest", args...)
	cmd.Env = append(os.Environ(), s3test.Environ()...)
	out, err := cmd.Output()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
		exit = cmd.ProcessState.ExitCode()
	}
	require.NoError(t, json.Unmarshal(out, &res), "%s", out)
	return res, exit
}
