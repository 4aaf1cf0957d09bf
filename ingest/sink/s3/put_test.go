package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

var key = sinktest.Key(1)

// verbs are the methods of requests as Faults tells them.
func verbs(asked []string) []string {
	var out []string
	for _, a := range asked {
		verb, _, _ := strings.Cut(a, " ")
		out = append(out, verb)
	}
	return out
}

// The four outcomes of a put: it fails or succeeds, and the store has done it or not.
func TestPut_UnclearOutcome_IsSettled(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	unclear := map[string]s3test.Fault{
		"500":             {Status: 500, Code: "InternalError"},
		"503":             {Status: 503, Code: "SlowDown"},
		"409":             {Status: 409, Code: "ConditionalRequestConflict"},
		"400 digest":      {Status: 400, Code: "BadDigest"},
		"412 of itself":   {Status: 412, Code: "PreconditionFailed"},
		"a page of proxy": {Status: 502, Plain: true},
	}
	for name, fault := range unclear {
		t.Run(name, func(t *testing.T) {
			s := open(t, faults.URL(server.Bucket(t)))
			o := sinktest.Object(key, []byte("bytes"))

			faults.Times(1, "PUT", fault)
			faults.Asked()
			err := s.Put(t.Context(), o)
			require.ErrorAs(t, err, new(*sink.TransientError), "failed and not done")
			require.Equal(t, []string{"PUT", "HEAD"}, verbs(faults.Asked()))
			_, err = s.Stat(t.Context(), key)
			require.ErrorIs(t, err, sink.ErrNotFound)

			fault.Instead = true
			faults.Times(1, "PUT", fault)
			faults.Asked()
			require.NoError(t, s.Put(t.Context(), o), "failed and done")
			require.Equal(t, []string{"PUT", "HEAD"}, verbs(faults.Asked()))
			require.NoError(t, s.Put(t.Context(), o), "again")

			other := sinktest.Object(key, []byte("other"))
			faults.Times(1, "PUT", fault)
			err = s.Put(t.Context(), other)
			var conflict *sink.ConflictError
			require.ErrorAs(t, err, &conflict, "failed and lost")
			require.Equal(t, sink.ConflictError{Key: key, Want: other.SHA256, Have: o.SHA256},
				*conflict)
		})
	}
}

func TestPut_ReplyLost_IsSettled(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t)))
	o := sinktest.Object(key, bytes.Repeat([]byte("bytes"), 1<<20))
	faults.Times(1, "PUT", s3test.Fault{HangUp: true})
	require.NoError(t, s.Put(t.Context(), o))
	require.Equal(t, []string{"PUT", "HEAD"}, verbs(faults.Asked()))
}

func TestPut_WhenItCannotFindOut(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t)))
	o := sinktest.Object(key, []byte("bytes"))
	put := s3test.Fault{Status: 500, Code: "InternalError", Message: "at the put", Instead: true}
	head := &s3test.Fault{Status: 503}
	faults.Set(func(r *http.Request) *s3test.Fault {
		if r.Method == "PUT" {
			return &put
		}
		return head
	})
	err := s.Put(t.Context(), o)
	require.ErrorAs(t, err, new(*sink.TransientError))
	require.ErrorContains(t, err, "at the put", "the first error is told")

	head = &s3test.Fault{Status: 403, Code: "AccessDenied"}
	put = s3test.Fault{Status: 412, Code: "PreconditionFailed"}
	err = s.Put(t.Context(), o)
	require.ErrorAs(t, err, new(*sink.RefusedError), "412, and it may not look")
	require.ErrorContains(t, err, "allow s3:GetObject")
}

// An object that another tool put there has no SHA-256 that the store could tell.
func TestPut_OverAnObjectWithoutADigest_ReadsIt(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(bucket+"/x"))
	server.Plant(t, bucket, "x/"+key, []byte("bytes"))
	info, err := s.Stat(t.Context(), key)
	require.NoError(t, err)
	require.Zero(t, info.SHA256)
	faults.Asked()
	require.NoError(t, s.Put(t.Context(), sinktest.Object(key, []byte("bytes"))))
	require.Equal(t, []string{"PUT", "HEAD", "GET"}, verbs(faults.Asked()))
	var conflict *sink.ConflictError
	require.ErrorAs(t, s.Put(t.Context(), sinktest.Object(key, []byte("other"))), &conflict)
	require.Equal(t, sha256.Sum256([]byte("bytes")), conflict.Have)
}

func TestPut_Maybe_AsksBeforeItSends(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t)))
	o := sinktest.Object(key, []byte("bytes"))
	o.Maybe = true
	require.NoError(t, s.Put(t.Context(), o))
	require.Equal(t, []string{"HEAD", "PUT"}, verbs(faults.Asked()))
	o.Open = func() (io.ReadCloser, error) { return nil, errors.New("not to be opened") }
	require.NoError(t, s.Put(t.Context(), o))
	require.Equal(t, []string{"HEAD"}, verbs(faults.Asked()))
}

func TestPut_SaysWhatTheOptionsSay(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	var got http.Header
	faults.Set(func(r *http.Request) *s3test.Fault {
		if r.Method == "PUT" {
			got = r.Header.Clone()
		}
		return nil
	})
	bucket := server.Bucket(t)
	o := sinktest.Object(key, []byte("bytes"))
	require.NoError(t, open(t, faults.URL(bucket)).Put(t.Context(), o))
	require.Equal(t, []string{"*"}, got["If-None-Match"])
	require.Equal(t, []string{base64.StdEncoding.EncodeToString(o.SHA256[:])},
		got["X-Amz-Checksum-Sha256"])
	require.Equal(t, []string{fmt.Sprintf("%x", o.SHA256)}, got["X-Amz-Content-Sha256"])
	for _, name := range []string{"X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption",
		"X-Amz-Tagging", "Expect", "X-Amz-Trailer", "Content-Encoding"} {
		require.Empty(t, got[name], name)
	}
	s := open(t, faults.URL(bucket+"/all")+"&conditional=off&storage_class=STANDARD_IA&sse=aws:kms"+
		"&kms_key_id=key-1&tags=team=a%26b,env=prod")
	_ = s.Put(t.Context(), o) // whether the server takes it or not
	require.Empty(t, got["If-None-Match"])
	for name, want := range map[string]string{"X-Amz-Storage-Class": "STANDARD_IA",
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Tagging": "env=prod&team=a%26b",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key-1"} {
		require.Equal(t, []string{want}, got[name])
	}
}

func TestPut_Unconditional_LooksFirst(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t))+"&conditional=off")
	o := sinktest.Object(key, []byte("bytes"))
	require.NoError(t, s.Put(t.Context(), o))
	require.NoError(t, s.Put(t.Context(), o))
	require.ErrorAs(t, s.Put(t.Context(), sinktest.Object(key, []byte("other"))),
		new(*sink.ConflictError))
	require.Equal(t, []string{"HEAD", "PUT", "HEAD", "HEAD"}, verbs(faults.Asked()))
	faults.Times(1, "PUT", s3test.Fault{HangUp: true})
	require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(2), []byte("bytes"))))
	require.NoError(t, s.Probe(t.Context(), o))
	require.Equal(t, []string{"HEAD", "PUT", "HEAD"}, verbs(faults.Asked()), "a probe asks nothing")
}

func TestPut_DamagedOnTheWay_StoresNothing(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t)))
	faults.Times(1, "PUT", s3test.Fault{FlipUp: true})
	o := sinktest.Object(key, bytes.Repeat([]byte("bytes"), 1<<16))
	require.ErrorAs(t, s.Put(t.Context(), o), new(*sink.TransientError))
	_, err := s.Stat(t.Context(), key)
	require.ErrorIs(t, err, sink.ErrNotFound)
	require.NoError(t, s.Put(t.Context(), o))
}

func TestPut_20WritersOfOneKey_OneWins(t *testing.T) {
	server := s3test.Start(t)
	s := open(t, server.URL(server.Bucket(t)))
	for round := range 5 {
		key := sinktest.Key(round)
		bodies, errs := make([][]byte, 20), make([]error, 20)
		var wait sync.WaitGroup
		for i := range bodies {
			bodies[i] = bytes.Repeat([]byte{byte(i)}, 1<<20)
			wait.Go(func() {
				o := sinktest.Object(key, bodies[i])
				for errs[i] = s.Put(t.Context(), o); isTransient(errs[i]); {
					errs[i] = s.Put(t.Context(), o)
				}
			})
		}
		wait.Wait()
		winner := slices.Index(errs, nil)
		require.GreaterOrEqual(t, winner, 0, "nobody won: %v", errs)
		for i, err := range errs {
			if i != winner {
				var conflict *sink.ConflictError
				require.ErrorAs(t, err, &conflict)
				require.Equal(t, sha256.Sum256(bodies[winner]), conflict.Have)
			}
		}
	}
}

func TestProbe_AStoreThatHonoursIfNoneMatch(t *testing.T) {
	server := s3test.Start(t)
	s := open(t, server.URL(server.Bucket(t)))
	o := sinktest.Object("logseal.json", []byte(`{"format":1}`))
	require.NoError(t, s.Put(t.Context(), o))
	before, err := s.Stat(t.Context(), o.Key)
	require.NoError(t, err)
	require.NoError(t, s.Probe(t.Context(), o))
	after, err := s.Stat(t.Context(), o.Key)
	require.NoError(t, err)
	require.Equal(t, before, after)
	server.Kill()
	require.ErrorAs(t, s.Probe(t.Context(), o), new(*sink.TransientError))
}

func TestProbe_AStoreThatIgnoresIfNoneMatch_IsRefused(t *testing.T) {
	endpoint := startS3rver(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "S3RVER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "S3RVER")
	url := "s3://bucket-1/x?path_style=true&endpoint=" + endpoint
	s := open(t, url)
	o := sinktest.Object("logseal.json", []byte(`{"format":1}`))
	require.NoError(t, s.Put(t.Context(), o))
	err := s.Probe(t.Context(), o)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, "the store ignores If-None-Match: it replaced an object that "+
		"was there; use a store that honours it, or add conditional=off to the URL, for one writer")
	r, _, err := s.Get(t.Context(), o.Key)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, `{"format":1}`, string(b), "the same bytes stand there")

	one := open(t, url+"&conditional=off")
	require.NoError(t, one.Probe(t.Context(), o))
	require.NoError(t, one.Put(t.Context(), sinktest.Object(key, []byte("bytes"))))
	require.ErrorAs(t, one.Put(t.Context(), sinktest.Object(key, []byte("other"))),
		new(*sink.ConflictError))
}

// startS3rver starts a server that knows no If-None-Match, with a bucket, and gives its endpoint.
func startS3rver(t *testing.T) string {
	t.Helper()
	script := filepath.Join(s3test.ModuleRoot(t), ".tools", "s3rver", "node_modules", "s3rver",
		"bin", "s3rver.js")
	if _, err := os.Stat(script); err != nil {
		s3test.Missing(t, "s3rver", "make tools")
	}
	return s3test.StartOther(t, func(addr, folder string) *exec.Cmd {
		require.NoError(t, os.Mkdir(filepath.Join(folder, "bucket-1"), 0o755))
		host, port, _ := strings.Cut(addr, ":")
		return exec.Command("node", script, "-d", folder, "-a", host, "-p", port, "-s")
	})
}

func TestMetadata_FitsHeaders(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	s := open(t, server.URL(bucket))
	o := sinktest.Object(key, []byte("bytes"))
	long := "/var/log/" + strings.Repeat("ü", 2000)
	o.Meta = map[string]string{"Logseal-Path": " /var/log/a  b/100%/ü\r\nx: y\x00\xff ", "z": long}
	require.NoError(t, s.Put(t.Context(), o))
	got := server.Metadata(t, bucket, key)
	require.Equal(t, "%20/var/log/a%20%20b/100%25/%C3%BC%0D%0Ax:%20y%00%FF%20", got["logseal-path"])
	require.True(t, strings.HasPrefix(got["z"], "/var/log/%C3%BC%C3%BC"))
	require.Zero(t, (len(got["z"])-len("/var/log/"))%3, "an escape is whole")
	total := 0
	for k, v := range got {
		total += len(metaPrefix) + len(k) + len(v)
	}
	require.LessOrEqual(t, total, metaMax)
	require.Greater(t, total, metaMax-3)
}

func TestMetadata_ManyNames_FitAsWell(t *testing.T) {
	m := map[string]string{}
	for range 500 {
		m[fmt.Sprintf("name-%d", rand.Uint32())] = "value"
	}
	total := 0
	for k, v := range metadata(m) {
		total += len(metaPrefix) + len(k) + len(v)
	}
	require.LessOrEqual(t, total, metaMax)
}
