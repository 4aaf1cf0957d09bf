package s3

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

const renewedKey, renewedSecret = "logsealrenewed", "logsealrenewed-secret"

// shared makes the shared credentials file the only source, and gives what writes a key into it.
func shared(t *testing.T, config string) (write func(accessKey, secret string)) {
	t.Helper()
	home := sourced(t, config)
	file := filepath.Join(home, "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	return func(accessKey, secret string) {
		text := fmt.Sprintf("[default]\naws_access_key_id = %[1]s\naws_secret_access_key = %[2]s\n"+
			"[base]\naws_access_key_id = %[1]s\naws_secret_access_key = %[2]s\n", accessKey, secret)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
}

// clock is the time of a store's credentials, which goes on only when it is told to, and how often
// the configuration was loaded.
type clock struct {
	now   time.Time
	loads int
}

func clocked(s *Store) *clock {
	c := &clock{now: time.Now()}
	load := s.credentials.load
	s.credentials.now = func() time.Time { return c.now }
	s.credentials.load = func(ctx context.Context) (aws.Config, error) {
		c.loads++
		return load(ctx)
	}
	return c
}

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// A sink goes on with the keys of a credentials file that was written anew after the store had
// refused the old ones, and nobody starts the process again.
func TestCredentials_FileWrittenAnew_IsTakenUp(t *testing.T) {
	server := s3test.Start(t)
	write := shared(t, "")
	write(s3test.AccessKey, s3test.Secret)
	s := hasty(t, server.URL(server.Bucket(t)+"/x"))
	clock := clocked(s)
	require.NoError(t, calls["put"](t.Context(), s))

	server.Rekey(t, renewedKey, renewedSecret)
	clock.advance(time.Hour)
	for range 3 {
		for call, f := range calls {
			err := f(t.Context(), s)
			require.ErrorAs(t, err, new(*sink.RefusedError), call)
			require.ErrorContains(t, err, "the store does not know the access key", call)
			requireNoSecret(t, err)
		}
	}
	require.Equal(t, 1, clock.loads, "once, also when much is refused")

	write(renewedKey, renewedSecret)
	clock.advance(59 * time.Second)
	require.ErrorAs(t, calls["put"](t.Context(), s), new(*sink.RefusedError), "at most once a minute")
	require.Equal(t, 1, clock.loads)
	clock.advance(time.Second)
	err := calls["list"](t.Context(), s)
	require.ErrorAs(t, err, new(*sink.TransientError), "another attempt is worth it")
	require.NotContains(t, err.Error(), renewedKey)
	require.Equal(t, 2, clock.loads)
	for call, f := range calls {
		require.NoError(t, f(t.Context(), s), call)
		require.NoError(t, s.Put(t.Context(), sinktest.Object(sinktest.Key(1), []byte("bytes"))))
	}
	require.Equal(t, 2, clock.loads)
}

// Calls that are refused at once load once, and all of them are worth another attempt.
func TestCredentials_ManyCallsAtOnce_LoadOnce(t *testing.T) {
	server := s3test.Start(t)
	write := shared(t, "")
	write(s3test.AccessKey, s3test.Secret)
	s := hasty(t, server.URL(server.Bucket(t)))
	clock := clocked(s)
	require.NoError(t, calls["put"](t.Context(), s))
	server.Rekey(t, renewedKey, renewedSecret)
	write(renewedKey, renewedSecret)
	clock.advance(time.Minute)
	errs := make([]error, 20)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = calls["list"](t.Context(), s) })
	}
	wait.Wait()
	for _, err := range errs {
		require.True(t, err == nil || isTransient(err), "%v", err)
	}
	require.Equal(t, 1, clock.loads)
	require.NoError(t, calls["list"](t.Context(), s))
}

// Every word that stores have for credentials that they do not take any more.
func TestCredentials_EachWordForExpired_LoadsThemAnew(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	faults := server.Faults(t)
	for _, fault := range []s3test.Fault{
		{Status: 400, Code: "ExpiredToken"}, {Status: 400, Code: "ExpiredTokenException"},
		{Status: 403, Code: "ExpiredToken"}, {Status: 400, Code: "InvalidToken"},
		{Status: 403, Code: "InvalidAccessKeyId"}, {Status: 403, Code: "InvalidClientTokenId"},
		{Status: 400, Code: "TokenRefreshRequired"}, {Status: 400, Code: "RequestExpired"},
		{Status: 403, Code: "UnrecognizedClientException"}, {Status: 401, Code: "Unauthorized"},
		{Status: 403, Code: "SignatureDoesNotMatch"}, {Status: 403, Code: "InvalidSecurity"},
		{Status: 403, Code: "XAdminUserNotFound"},
	} {
		faults.Set(func(r *http.Request) *s3test.Fault {
			if strings.Contains(r.Header.Get("Authorization"), "Credential=old/") {
				return &fault
			}
			return nil
		})
		for call, f := range calls {
			write := shared(t, "")
			write("old", "old-secret")
			place := fmt.Sprintf("%s/%s%d/%s", bucket, fault.Code, fault.Status, call)
			s := hasty(t, faults.URL(place))
			clock := clocked(s)
			require.ErrorAs(t, f(t.Context(), s), new(*sink.RefusedError), "%s of %+v", call, fault)
			write(s3test.AccessKey, s3test.Secret)
			clock.advance(time.Minute)
			err := f(t.Context(), s)
			require.ErrorAs(t, err, new(*sink.TransientError), "%s of %+v", call, fault)
			requireNoSecret(t, err)
			if call == "get" || call == "stat" {
				require.ErrorIs(t, f(t.Context(), s), sink.ErrNotFound)
				continue
			}
			require.True(t, call == "probe" || f(t.Context(), s) == nil, "%s of %+v", call, fault)
		}
	}
}

// A secret may change alone, and what is forbidden to one key may be allowed to the next.
func TestCredentials_OtherRefusals(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	write := shared(t, "")
	write(s3test.AccessKey, "wrong")
	s := hasty(t, server.URL(bucket))
	clock := clocked(s)
	clock.advance(time.Minute)
	require.ErrorAs(t, calls["put"](t.Context(), s), new(*sink.RefusedError))
	write(s3test.AccessKey, s3test.Secret)
	clock.advance(time.Minute)
	require.ErrorAs(t, calls["put"](t.Context(), s), new(*sink.TransientError))
	require.NoError(t, calls["put"](t.Context(), s))

	faults := server.Faults(t)
	faults.Set(func(r *http.Request) *s3test.Fault {
		if strings.Contains(r.Header.Get("Authorization"), "Credential=old/") {
			return &s3test.Fault{Status: 403, Code: "AccessDenied"}
		}
		return nil
	})
	write("old", "old-secret")
	s = hasty(t, faults.URL(bucket))
	clock = clocked(s)
	require.ErrorAs(t, calls["list"](t.Context(), s), new(*sink.RefusedError))
	write(s3test.AccessKey, s3test.Secret)
	clock.advance(time.Minute)
	require.ErrorAs(t, calls["list"](t.Context(), s), new(*sink.RefusedError), "a policy's word")
	require.NoError(t, calls["list"](t.Context(), s))
}

// A file that is gone or half written takes nothing away that still gives keys, and is told of.
func TestCredentials_FileThatCannotBeRead_IsTold(t *testing.T) {
	server := s3test.Start(t)
	write := shared(t, "")
	write(s3test.AccessKey, s3test.Secret)
	s := hasty(t, server.URL(server.Bucket(t)))
	clock := clocked(s)
	require.NoError(t, calls["put"](t.Context(), s))
	server.Rekey(t, renewedKey, renewedSecret)
	require.NoError(t, os.Remove(os.Getenv("AWS_SHARED_CREDENTIALS_FILE")))
	clock.advance(time.Minute)
	err := calls["put"](t.Context(), s)
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, "the store does not know the access key")
	require.ErrorContains(t, err, "no other credentials could be loaded: ")
	require.NoError(t, os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"),
		[]byte("[default\naws_secret_access_key = "+s3test.Secret), 0o600))
	clock.advance(time.Minute)
	err = calls["put"](t.Context(), s)
	require.ErrorContains(t, err, "no other credentials could be loaded: ")
	requireNoSecret(t, err)
	write(renewedKey, renewedSecret)
	clock.advance(time.Minute)
	require.NoError(t, calls["put"](t.Context(), s), "looked at with the new keys, it is there")
}

// What had no credentials at its start finds those that come later.
func TestCredentials_ThatComeLater_AreFound(t *testing.T) {
	server := s3test.Start(t)
	write := shared(t, "")
	s := hasty(t, server.URL(server.Bucket(t)))
	clock := clocked(s)
	require.ErrorContains(t, calls["put"](t.Context(), s), "no credentials were found")
	write(s3test.AccessKey, s3test.Secret)
	require.ErrorContains(t, calls["put"](t.Context(), s), "no credentials were found")
	clock.advance(time.Minute)
	require.NoError(t, calls["put"](t.Context(), s))
}

// The keys by which a role is assumed are from the file, too.
func TestCredentials_OfARole_WhoseOwnKeysExpired(t *testing.T) {
	server := s3test.Start(t)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential="+renewedKey+"/") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, "<ErrorResponse><Error><Code>ExpiredTokenException</Code>"+
				"<Message>it is over</Message></Error></ErrorResponse>")
			return
		}
		fmt.Fprintf(w, "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s"+
			"</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken>"+
			"<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
			s3test.AccessKey, s3test.Secret, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(sts.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	write := shared(t, "role_arn = arn:aws:iam::123456789012:role/logseal\nsource_profile = base\n")
	write("old", "old-secret")
	s := hasty(t, server.URL(server.Bucket(t)))
	clock := clocked(s)
	require.ErrorContains(t, calls["put"](t.Context(), s), "ExpiredTokenException: it is over")
	write(renewedKey, renewedSecret)
	require.ErrorContains(t, calls["put"](t.Context(), s), "ExpiredTokenException: it is over")
	clock.advance(time.Minute)
	require.NoError(t, calls["put"](t.Context(), s))
}
