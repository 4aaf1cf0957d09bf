package s3

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
)

// sourced sets no credentials but what the shared configuration says, with a home of its own.
func sourced(t *testing.T, config string) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	file := filepath.Join(home, "config")
	require.NoError(t, os.WriteFile(file, []byte("[default]\n"+config), 0o600))
	t.Setenv("AWS_CONFIG_FILE", file)
	return home
}

// secretJSON is what a process may print in place of credentials.
const secretJSON = `{"Version": 1, "AccessKeyId": "` + s3test.AccessKey +
	`", "SecretAccessKey": "` + s3test.Secret + `" oops`

func TestStore_CredentialsThatFail_SayWhy(t *testing.T) {
	const given = "no credentials were given: "
	for name, c := range map[string]struct {
		set  func(t *testing.T)
		want string
	}{
		"no token file of a role": {func(t *testing.T) {
			sourced(t, "")
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/logseal")
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token")
		}, given + "failed to retrieve jwt from provide source, unable to read file at " +
			"/no/such/token: open /no/such/token: no such file or directory; fix the profile,"},
		"a process fails": {func(t *testing.T) { sourced(t, "credential_process = exit 7\n") },
			"error in credential_process: exit status 7; fix"},
		"a process prints no JSON": {func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			require.NoError(t, os.WriteFile(out, []byte(secretJSON), 0o600))
			sourced(t, "credential_process = cat "+out+"\n")
		}, given + "credential_process printed something other than credentials; fix"},
		"a process prints no key": {func(t *testing.T) {
			sourced(t, "credential_process = echo '{\"Version\": 1}'\n")
		}, "missing AccessKeyId in process output; fix"},
		"an SSO session that is over": {func(t *testing.T) {
			const start = "https://example.awsapps.com/start"
			home := sourced(t, "sso_start_url = "+start+"\nsso_region = eu-west-1\n"+
				"sso_account_id = 123456789012\nsso_role_name = logs\n")
			cache := filepath.Join(home, ".aws", "sso", "cache")
			require.NoError(t, os.MkdirAll(cache, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(cache, fmt.Sprintf("%x.json",
				sha1.Sum([]byte(start)))), []byte(`{"accessToken": "`+s3test.Secret+
				`", "expiresAt": "2020-01-01T00:00:00Z"}`), 0o600))
		}, given + "the SSO session has expired or is invalid"},
		"nothing": {func(t *testing.T) { sourced(t, "") },
			"no credentials were found; set AWS_ACCESS_KEY_ID and"},
	} {
		t.Run(name, func(t *testing.T) {
			c.set(t)
			s := hasty(t, "s3://lake?endpoint=http://127.0.0.1:1&region=eu-west-1")
			for call, f := range calls {
				err := f(t.Context(), s)
				require.ErrorAs(t, err, new(*sink.RefusedError), call)
				require.ErrorContains(t, err, c.want, call)
				requireNoSecret(t, err)
			}
		})
	}
}

// What fails when credentials are renewed is told as well as at the start, and as safely.
func TestCredentials_ThatWereThere_AreWaitedFor(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	good := []byte(`{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b",` +
		`"Expiration": "2020-01-01T00:00:00Z"}`)
	require.NoError(t, os.WriteFile(out, good, 0o600))
	sourced(t, "credential_process = cat "+out+"\n")
	s := hasty(t, "s3://lake?endpoint=http://127.0.0.1:1&region=eu-west-1")
	require.ErrorContains(t, calls["stat"](t.Context(), s), "connection refused")
	require.NoError(t, os.WriteFile(out, []byte(secretJSON), 0o600))
	for call, f := range calls {
		err := f(t.Context(), s)
		require.ErrorAs(t, err, new(*sink.TransientError), call)
		require.ErrorContains(t, err, "get credentials: credential_process printed something", call)
		requireNoSecret(t, err)
	}
}

func TestCredentials_CauseIsOneLine(t *testing.T) {
	chain := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("so\n  it is")
	})
	_, err := newCredentials(chain, nil).Retrieve(t.Context())
	require.EqualError(t, err, "get credentials: so it is")
}
