package s3

import (
	"cmp"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

// calls are one of each kind; what they are made on need not be there.
var calls = map[string]func(ctx context.Context, s *Store) error{
	"put": func(ctx context.Context, s *Store) error {
		return s.Put(ctx, sinktest.Object(sinktest.Key(1), []byte("bytes")))
	},
	"get": func(ctx context.Context, s *Store) error {
		_, _, err := s.Get(ctx, sinktest.Key(1))
		return err
	},
	"stat": func(ctx context.Context, s *Store) error {
		_, err := s.Stat(ctx, sinktest.Key(1))
		return err
	},
	"list": func(ctx context.Context, s *Store) error {
		for _, err := range s.List(ctx, "data/") {
			return err
		}
		return nil
	},
	"delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, sinktest.Key(1)) },
	"probe": func(ctx context.Context, s *Store) error {
		return s.Probe(ctx, sinktest.Object(sinktest.Key(1), []byte("bytes")))
	},
}

// requireNoSecret holds err to say nothing of who asked.
func requireNoSecret(t *testing.T, err error) {
	t.Helper()
	require.NotContains(t, err.Error(), s3test.Secret)
	require.NotContains(t, err.Error(), s3test.AccessKey)
	require.NotRegexp(t, `://[^/ ]*@`, err.Error())
}

func TestStore_WhatTheServerRefuses_SaysTheFix(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	for name, c := range map[string]struct {
		set           func(t *testing.T)
		place, region string
		fix           string
		not           string // a call that does not notice
	}{
		"unknown access key": {fix: "the store does not know the access key",
			set: func(t *testing.T) { t.Setenv("AWS_ACCESS_KEY_ID", "nobody") }},
		"wrong secret": {fix: "set the secret that belongs to the access key",
			set: func(t *testing.T) { t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong") }},
		"no such bucket": {place: "no-such-bucket/x", fix: "make bucket no-such-bucket, or name " +
			"the right one (endpoint " + server.Endpoint() + ")", not: "stat"},
		"wrong region": {region: "eu-west-1",
			fix: "the bucket is in another region: set region=us-east-1 in the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.set != nil {
				c.set(t)
			}
			o, err := ParseURL(server.URL(cmp.Or(c.place, bucket+"/x")))
			require.NoError(t, err)
			o.Region = cmp.Or(c.region, o.Region)
			s := openOptions(t, o)
			for call, f := range calls {
				if call == c.not {
					continue
				}
				err := f(t.Context(), s)
				var refused *sink.RefusedError
				require.ErrorAs(t, err, &refused, call)
				require.Contains(t, refused.Fix, c.fix, "%s: %v", call, err)
				requireNoSecret(t, err)
			}
		})
	}
}

func TestStore_WithoutCredentials_SaysWhereToPutThem(t *testing.T) {
	server := s3test.Start(t)
	s := open(t, server.URL(server.Bucket(t)))
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	without := open(t, server.URL("bucket-1"))
	for call, f := range calls {
		err := f(t.Context(), without)
		require.ErrorAs(t, err, new(*sink.RefusedError), call)
		require.ErrorContains(t, err, "no credentials were found; set AWS_ACCESS_KEY_ID and", call)
	}
	require.NoError(t, calls["put"](t.Context(), s))
}

func TestStore_UnknownCA_SaysWhatToName(t *testing.T) {
	server := s3test.StartTLS(t)
	url := server.URL(server.Bucket(t))
	o, err := ParseURL(url)
	require.NoError(t, err)
	o.CAFile = ""
	for call, f := range calls {
		err := f(t.Context(), openOptions(t, o))
		require.ErrorAs(t, err, new(*sink.RefusedError), call)
		require.ErrorContains(t, err, "certificate signed by unknown authority; name the file of "+
			"the CA that signed the server's certificate, ca_file= in the URL", call)
	}
	t.Setenv("AWS_CA_BUNDLE", server.CAFile)
	require.NoError(t, calls["put"](t.Context(), openOptions(t, o)))
	o.CAFile = server.CAFile
	require.NoError(t, calls["put"](t.Context(), openOptions(t, o)), "both")
}

func TestStore_WrongProtocol_SaysSo(t *testing.T) {
	server := s3test.Start(t)
	o, err := ParseURL(server.URL(server.Bucket(t)))
	require.NoError(t, err)
	o.Endpoint = "https://" + server.Addr
	for call, f := range calls {
		err = f(t.Context(), openOptions(t, o))
		require.ErrorAs(t, err, new(*sink.RefusedError), call)
		require.ErrorContains(t, err, "use http://, or its TLS port", call)
	}
}

// The answers that no server at hand gives.
func TestStore_AnswersByClass(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := hasty(t, faults.URL(server.Bucket(t)+"/x")+"&tags=a=b&sse=aws:kms")
	const arn = "arn:aws:s3:::bucket-1"
	for _, c := range []struct {
		fault s3test.Fault
		call  string
		fix   string // "": transient
	}{
		{s3test.Fault{Status: 500, Code: "InternalError"}, "list", ""},
		{s3test.Fault{Status: 502, Plain: true}, "get", ""},
		{s3test.Fault{Status: 503, Code: "SlowDown"}, "delete", ""},
		{s3test.Fault{Status: 503}, "stat", ""},
		{s3test.Fault{Status: 429, Code: "TooManyRequests"}, "list", ""},
		{s3test.Fault{Status: 400, Code: "RequestTimeout"}, "put", ""},
		{s3test.Fault{Status: 400, Code: "BadDigest"}, "put", ""},
		{s3test.Fault{Status: 409, Code: "ConditionalRequestConflict"}, "put", ""},
		{s3test.Fault{Status: 409, Code: "OperationAborted"}, "delete", ""},
		{s3test.Fault{Status: 307, Code: "TemporaryRedirect"}, "put", ""},
		{s3test.Fault{Status: 403, Code: "AccessDenied"}, "put", "allow s3:PutObject, " +
			"s3:PutObjectTagging, and kms:GenerateDataKey and kms:Decrypt on the key, on " + arn +
			"/x/*"},
		{s3test.Fault{Status: 403, Code: "AccessDenied"}, "get", "allow s3:GetObject on " + arn +
			"/x/*, and s3:ListBucket on " + arn + ": without that S3 also says 403"},
		{s3test.Fault{Status: 403, Code: "AccessDenied"}, "stat", "allow s3:GetObject on"},
		{s3test.Fault{Status: 403, Code: "AccessDenied"}, "list", "allow s3:ListBucket on " + arn},
		{s3test.Fault{Status: 403, Code: "AccessDenied"}, "delete", "allow s3:DeleteObject on"},
		{s3test.Fault{Status: 403, Code: "RequestTimeTooSkewed"}, "put", "set this machine's " +
			"clock right; the store's says "},
		{s3test.Fault{Status: 403, Code: "RequestTimeTooSkewed"}, "stat", "set this machine's"},
		{s3test.Fault{Status: 400, Code: "ExpiredToken"}, "put", "renew the session"},
		{s3test.Fault{Status: 400, Code: "ExpiredToken"}, "stat", "renew the session"},
		{s3test.Fault{Status: 400, Code: "InvalidToken"}, "list", "renew the session"},
		{s3test.Fault{Status: 301, Code: "PermanentRedirect",
			Header: http.Header{"X-Amz-Bucket-Region": {"eu-west-1"}}}, "put", "region=eu-west-1"},
		{s3test.Fault{Status: 301, Code: "PermanentRedirect",
			Header: http.Header{"X-Amz-Bucket-Region": {"eu-west-1"}}}, "stat", "region=eu-west-1"},
		{s3test.Fault{Status: 301, Code: "PermanentRedirect"}, "list", "set region= in the URL"},
		{s3test.Fault{Status: 400, Code: "AuthorizationHeaderMalformed", Message: "The region " +
			"'us-east-1' is wrong; expecting 'ap-south-1'"}, "get", "region=ap-south-1"},
		{s3test.Fault{Status: 404, Code: "NoSuchBucket"}, "put", "make bucket bucket-1"},
		{s3test.Fault{Status: 400, Code: "InvalidStorageClass"}, "put", "storage_class="},
		{s3test.Fault{Status: 400, Code: "KMS.DisabledException"}, "put", "kms_key_id="},
		{s3test.Fault{Status: 403, Code: "InvalidObjectState"}, "get", "restore the object"},
		{s3test.Fault{Status: 404, Plain: true, Message: "nginx"}, "get", "does not look like S3"},
		{s3test.Fault{Status: 400, Code: "Odd", Message: "so it is"}, "put", "see what the store"},
	} {
		faults.Set(func(*http.Request) *s3test.Fault { return &c.fault })
		err := calls[c.call](t.Context(), s)
		requireNoSecret(t, err)
		var refused *sink.RefusedError
		if c.fix == "" {
			require.ErrorAs(t, err, new(*sink.TransientError), "%+v", c.fault)
			require.NotErrorAs(t, err, &refused, "%+v", c.fault)
			continue
		}
		require.ErrorAs(t, err, &refused, "%+v", c.fault)
		require.NotErrorAs(t, err, new(*sink.TransientError), "%+v", c.fault)
		require.Contains(t, refused.Fix, c.fix, "%s %+v", c.call, c.fault)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestStore_RetryAfter_IsHandedOn(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := hasty(t, faults.URL(server.Bucket(t)))
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "soon": 0,
		"-3": 0, time.Now().Add(time.Hour).UTC().Format(http.TimeFormat): time.Hour} {
		fault := &s3test.Fault{Status: 503, Code: "SlowDown",
			Header: http.Header{"Retry-After": {value}}}
		faults.Set(func(*http.Request) *s3test.Fault { return fault })
		for call, f := range calls {
			var later *sink.TransientError
			require.ErrorAs(t, f(t.Context(), s), &later, call)
			require.InDelta(t, want.Seconds(), later.After.Seconds(), 10, call)
			if value == "7" {
				require.Equal(t, want, later.After, call)
			}
		}
	}
}

func TestStore_NobodyThere_IsTransient(t *testing.T) {
	server := s3test.Start(t)
	s := hasty(t, server.URL(server.Bucket(t)))
	server.Kill()
	for call, f := range calls {
		err := f(t.Context(), s)
		require.ErrorAs(t, err, new(*sink.TransientError), call)
		require.ErrorContains(t, err, "ask "+server.Addr+": dial tcp "+server.Addr+": connect: "+
			"connection refused", call)
	}
	server.Restart(t)
	require.NoError(t, calls["put"](t.Context(), s))
	require.NoError(t, calls["get"](t.Context(), s))
}
