package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

// What Google's front end does to Accept-Encoding breaks no signature, for none holds it.
func TestStore_LikeGoogleCloudStorage(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	var sent http.Header
	faults.Set(func(r *http.Request) *s3test.Fault {
		sent = r.Header.Clone()
		return s3test.GoogleStorage(r)
	})
	sinktest.Run(t, func(t testing.TB) sink.Store { return open(t, faults.URL(server.Bucket(t))) })
	s := open(t, faults.URL(server.Bucket(t)))
	for call, f := range calls {
		require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("bytes"))))
		require.NoError(t, f(t.Context(), s), call)
		require.Equal(t, []string{"identity"}, sent["Accept-Encoding"], "nothing is to be unpacked")
		require.NotContains(t, sent.Get("Authorization"), "accept-encoding", call)
	}
}

// like gives a store by a way that follows rule, and what it was sent last.
func like(
	t *testing.T, server *s3test.Server, rule func(*http.Request) *s3test.Fault, options string,
) (s *Store, faults *s3test.Faults, sent *http.Header) {
	t.Helper()
	faults = server.Faults(t)
	sent = new(http.Header)
	faults.Set(func(r *http.Request) *s3test.Fault {
		*sent = r.Header.Clone()
		return rule(r)
	})
	return hasty(t, faults.URL(server.Bucket(t)+"/x")+options), faults, sent
}

// md5Of is the digest as Content-MD5 has it.
func md5Of(body []byte) string {
	sum := md5.Sum(body)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A store that names the checksum as what it lacks gets Content-MD5 from then on, and nothing else
// is given up.
func TestStore_LikeCloudflareR2(t *testing.T) {
	server := s3test.Start(t)
	s, faults, sent := like(t, server, s3test.CloudflareR2, "")
	o := sinktest.Object(key, []byte("bytes"))
	err := s.Put(t.Context(), o)
	require.ErrorAs(t, err, new(*sink.TransientError), "what repeats puts goes on")
	require.ErrorContains(t, err, "501: Header 'x-amz-checksum-sha256'")
	require.ErrorContains(t, err, "Content-MD5 is sent instead from now on; checksum=md5 in the "+
		"URL does so from the start")
	faults.Asked()
	require.NoError(t, s.Put(t.Context(), o))
	require.Equal(t, []string{"PUT"}, verbs(faults.Asked()))
	require.Equal(t, []string{md5Of([]byte("bytes"))}, (*sent)["Content-Md5"])
	require.Equal(t, []string{"*"}, (*sent)["If-None-Match"])
	require.Empty(t, (*sent)["X-Amz-Checksum-Sha256"])
	require.NoError(t, s.Probe(t.Context(), o))
	require.NoError(t, s.Put(t.Context(), o), "the same again")
	require.ErrorAs(t, s.Put(t.Context(), sinktest.Object(key, []byte("other"))),
		new(*sink.ConflictError))

	s, _, _ = like(t, server, s3test.CloudflareR2, "&tags=a=b")
	require.ErrorAs(t, s.Put(t.Context(), o), new(*sink.TransientError))
	err = s.Put(t.Context(), o)
	var refused *sink.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "the store lacks x-amz-tagging: leave out tags=", plainFix(refused))

	s, _, _ = like(t, server, s3test.CloudflareR2, "&checksum=sha256")
	for range 2 {
		require.ErrorAs(t, s.Put(t.Context(), o), &refused, "asked for, so nothing else will do")
		require.Equal(t, "the store lacks x-amz-checksum-sha256: set checksum=md5 in the URL",
			plainFix(refused))
	}
}

// plainFix is a fix without the endpoint.
func plainFix(e *sink.RefusedError) string {
	fix, _, _ := strings.Cut(e.Fix, " (endpoint ")
	return fix
}

// Backblaze B2 lacks checksums and conditional puts. The first is found out, also by reads; for the
// second there is one way out, which is told with what it costs.
func TestStore_LikeBackblaze(t *testing.T) {
	server := s3test.Start(t)
	o := sinktest.Object(key, []byte("bytes"))
	for _, call := range []string{"get", "stat", "put"} {
		s, _, _ := like(t, server, s3test.Backblaze, "&conditional=off")
		require.ErrorAs(t, calls[call](t.Context(), s), new(*sink.TransientError), call)
		require.NoError(t, s.Put(t.Context(), o), "after %s", call)
		for other, f := range calls {
			require.NoError(t, s.Put(t.Context(), o))
			require.NoError(t, f(t.Context(), s), other)
		}
	}

	s, _, _ := like(t, server, s3test.Backblaze, "")
	require.ErrorAs(t, s.Put(t.Context(), o), new(*sink.TransientError))
	var refused *sink.RefusedError
	for _, call := range []string{"put", "probe"} {
		require.ErrorAs(t, calls[call](t.Context(), s), &refused, call)
		require.Equal(t, "the store does not say which header it lacks, but If-None-Match alone is "+
			"left: use a store that honours it, or add conditional=off to the URL, for one writer "+
			"only", plainFix(refused))
	}

	s, faults, sent := like(t, server, s3test.Backblaze, "&conditional=off&checksum=md5")
	require.NoError(t, s.Put(t.Context(), o))
	require.NoError(t, s.Probe(t.Context(), o))
	require.Equal(t, []string{"HEAD", "PUT"}, verbs(faults.Asked()), "nothing to find out")
	require.Equal(t, []string{md5Of([]byte("bytes"))}, (*sent)["Content-Md5"])
}

func TestStore_WithMD5(t *testing.T) {
	server := s3test.Start(t)
	sinktest.Run(t, func(t testing.TB) sink.Store {
		return open(t, server.URL(server.Bucket(t))+"&checksum=md5")
	})
	faults := server.Faults(t)
	s := open(t, faults.URL(server.Bucket(t))+"&checksum=md5")
	faults.Times(1, "PUT", s3test.Fault{FlipUp: true})
	o := sinktest.Object(key, bytes.Repeat([]byte("bytes"), 1<<16))
	require.ErrorAs(t, s.Put(t.Context(), o), new(*sink.TransientError), "damaged on the way")
	_, err := s.Stat(t.Context(), key)
	require.ErrorIs(t, err, sink.ErrNotFound)
	require.NoError(t, s.Put(t.Context(), o))

	changed := sinktest.Object(sinktest.Key(2), []byte("bytes"))
	changed.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("other")), nil
	}
	require.ErrorContains(t, s.Put(t.Context(), changed), "its bytes have changed")
}

// The way out is of the header that the answer names, in whatever way, and never a weaker promise
// than that header's.
func TestStore_HeaderThatTheStoreLacks_IsTheOneToldOf(t *testing.T) {
	server := s3test.Start(t)
	const bare = "A header you provided implies functionality that is not implemented"
	const all = "&sse=AES256&tags=a=b&storage_class=STANDARD&checksum=md5"
	for _, c := range []struct {
		fault   s3test.Fault
		options string
		fix     string
	}{
		{s3test.Fault{Status: 501, Message: bare, Lacks: "If-None-Match"}, all, "the store lacks " +
			"if-none-match: use a store that honours it, or add conditional=off to the URL, for " +
			"one writer only"},
		{s3test.Fault{Status: 501, Message: "if-none-match is not supported"}, all, "conditional=off"},
		{s3test.Fault{Status: 400, Message: "Unsupported header 'x-amz-tagging'"}, all,
			"the store lacks x-amz-tagging: leave out tags="},
		{s3test.Fault{Status: 501, Message: bare, Lacks: "x-amz-storage-class"}, all,
			"the store lacks x-amz-storage-class: leave out storage_class="},
		{s3test.Fault{Status: 501, Message: "x-amz-server-side-encryption not implemented"}, all,
			"the store lacks x-amz-server-side-encryption: leave out sse= and kms_key_id="},
		{s3test.Fault{Status: 501, Message: "Header 'content-md5' not implemented"}, all,
			"the store lacks content-md5: leave out checksum=md5"},
		{s3test.Fault{Status: 501, Message: bare}, all, "the store does not say which header it " +
			"lacks: leave out storage_class=, leave out sse= and kms_key_id=, leave out tags=, " +
			"one at a time, or see whether it has If-None-Match at all"},
		{s3test.Fault{Status: 501, Message: bare}, "&tags=a=b&checksum=sha256", "the store does " +
			"not say which header it lacks: set checksum=md5, leave out tags=, one at a time, or " +
			"see whether it has If-None-Match at all"},
		{s3test.Fault{Status: 501}, "&conditional=off&checksum=md5", "see what the store says " +
			"about it"},
		{s3test.Fault{Status: 400, Message: "Value for x-amz-checksum-sha256 header is invalid."},
			"", "see what the store says about it"},
	} {
		c.fault.Code = "NotImplemented"
		if c.fault.Status == 400 {
			c.fault.Code = "InvalidArgument"
		}
		s, _, _ := like(t, server, func(r *http.Request) *s3test.Fault {
			if r.Method == http.MethodPut {
				return &c.fault
			}
			return nil
		}, c.options)
		err := s.Put(t.Context(), sinktest.Object(key, []byte("bytes")))
		var refused *sink.RefusedError
		require.ErrorAs(t, err, &refused, "%+v", c.fault)
		require.Contains(t, refused.Fix, c.fix, "%+v", c.fault)
		if !strings.Contains(c.fix, "conditional=off") {
			require.NotContains(t, refused.Fix, "conditional=off", "%+v", c.fault)
		}
	}
}
