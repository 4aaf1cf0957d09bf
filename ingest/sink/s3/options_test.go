package s3

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]Options{
		"s3://lake":                           {Bucket: "lake"},
		"s3://lake/":                          {Bucket: "lake"},
		"s3://lake/logs/prod/":                {Bucket: "lake", Prefix: "logs/prod"},
		"s3://lake/a%20b":                     {Bucket: "lake", Prefix: "a b"},
		"s3://lake/x?region=eu-west-1":        {Bucket: "lake", Prefix: "x", Region: "eu-west-1"},
		"s3://lake?endpoint=http://[::1]:9/a": {Bucket: "lake", Endpoint: "http://[::1]:9/a"},
		"s3://lake?path_style=true&conditional=off&stall=5s": {Bucket: "lake", PathStyle: true,
			Unconditional: true, Stall: 5 * time.Second},
		"s3://lake?path_style=false&conditional=on": {Bucket: "lake"},
		"s3://lake?checksum=md5":                    {Bucket: "lake", Checksum: "md5"},
		"s3://lake?checksum=sha256":                 {Bucket: "lake", Checksum: "sha256"},
		"s3://lake?storage_class=STANDARD_IA&tags=team=logs,env=prod": {Bucket: "lake",
			StorageClass: "STANDARD_IA", Tags: map[string]string{"team": "logs", "env": "prod"}},
		"s3://lake?sse=aws:kms&kms_key_id=arn:aws:kms:eu-west-1:1:key/2&ca_file=/etc/ca.pem": {
			Bucket: "lake", SSE: "aws:kms", KMSKeyID: "arn:aws:kms:eu-west-1:1:key/2",
			CAFile: "/etc/ca.pem"},
	} {
		o, err := ParseURL(text)
		require.NoError(t, err, text)
		require.Equal(t, want, o, text)
	}
}

func TestParseURL_SaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"/var/lib":                              "not an s3:// URL",
		"s3://":                                 `bucket ""`,
		"s3://ab":                               `bucket "ab": want 3 to 63`,
		"s3://la_ke-/x":                         `bucket "la_ke-"`,
		"s3://lake/a//b":                        "joined by single slashes",
		"s3://lake//a":                          "joined by single slashes",
		"s3://lake/a/../b":                      "joined by single slashes",
		"s3://lake/a%00b":                       "a character that is none",
		"s3://lake/" + strings.Repeat("a", 600): "want at most 512",
		"s3://lake?regoin=eu-west-1":            `unknown option "regoin"; did you mean "region"?`,
		"s3://lake?region=a&region=b":           "region is there twice",
		"s3://lake?region=":                     "region has no value",
		"s3://lake?region=eu west":              "region: want a name like",
		"s3://lake?path_style=yes":              "path_style: want true or false",
		"s3://lake?conditional=false":           "conditional: want off or on",
		"s3://lake?checksum=crc32":              "checksum: want sha256 or md5",
		"s3://lake?stall=0s":                    "stall: want a time like 60s",
		"s3://lake?stall=60":                    "stall: want a time like 60s",
		"s3://lake?tags=team":                   "tags: want tags=key=value",
		"s3://lake?tags=a=1,a=2":                "each key once",
		"s3://lake?sse=kms":                     "sse: want AES256, aws:kms or aws:kms:dsse",
		"s3://lake?kms_key_id=1":                "kms_key_id: it needs sse=aws:kms",
		"s3://lake?storage_class=GLACIER":       "cannot be read at once",
		"s3://lake?storage_class=a%0d%0ab":      "want plain letters",
		"s3://lake?endpoint=localhost:9000":     "endpoint: want a URL like https://host:port",
		"s3://lake?endpoint=ftp://h":            "endpoint: want a URL like https://host:port",
		"s3://lake?endpoint=http://h/?x=y":      "endpoint: want a URL like https://host:port",
		"s3://lake?%zz":                         "not option=value",
		"s3://lake:9000/x":                      "a port belongs in endpoint=",
	} {
		_, err := ParseURL(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestParseURL_NeverRepeatsASecret(t *testing.T) {
	for _, text := range []string{
		"s3://AKIAKEY:hush/hush@lake/x", "s3://AKIAKEY:hush@lake", "s3://AKIAKEY:hush",
		"s3://lake?secret_access_key=hush", "s3://lake?AWS_SESSION_TOKEN=hush",
		"s3://lake?endpoint=http://AKIAKEY:hush@h",
		"s3://lake?password=hush", "s3://lake?X-Amz-Signature=hush&X-Amz-Credential=AKIAKEY",
	} {
		_, err := ParseURL(text)
		require.ErrorContains(t, err, "redentials", text)
		require.NotContains(t, err.Error(), "hush", text)
		require.NotContains(t, err.Error(), "AKIAKEY", text)
	}
	for _, text := range []string{"s3://lake?endpoint=http://h:hush%@h",
		"s3://lake?endpoint=//h:hush@h", "s3://lake?endpoint=http://h:hush%2525@h:x"} {
		_, err := ParseURL(text)
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "hush", text)
	}
}

func TestOptions_Name_IsEqualForEqualPlaces(t *testing.T) {
	const local = "s3://lake/logs?endpoint=http://127.0.0.1:7070"
	for _, c := range []struct{ url, env, want string }{
		{"s3://lake", "", "s3://lake"},
		{"s3://lake/logs/?region=eu-west-1&path_style=true&conditional=off&sse=AES256", "",
			"s3://lake/logs"},
		{"s3://lake/logs?endpoint=https://s3.eu-west-1.amazonaws.com", "", "s3://lake/logs"},
		{"s3://lake/logs?endpoint=https://s3.dualstack.eu-west-1.amazonaws.com/", "",
			"s3://lake/logs"},
		{"s3://lake/logs?endpoint=https://s3.amazonaws.com:443", "", "s3://lake/logs"},
		{"s3://lake/logs?endpoint=http://127.0.0.1:7070&region=x", "", local},
		{"s3://lake/logs", "http://127.0.0.1:7070/", local},
		{"s3://lake/logs?endpoint=http://127.0.0.1:7070", "http://other", local},
		{"s3://lake?endpoint=HTTPS://Store.Example:443/S3/", "",
			"s3://lake?endpoint=https://store.example/S3"},
		{"s3://lake?endpoint=http://store.example:80", "",
			"s3://lake?endpoint=http://store.example"},
		{"s3://lake/a%20b%3Fc", "", "s3://lake/a%20b%3Fc"},
	} {
		t.Setenv("AWS_ENDPOINT_URL_S3", c.env)
		o, err := ParseURL(c.url)
		require.NoError(t, err, c.url)
		require.Equal(t, c.want, o.Name(), c.url)
		again, err := ParseURL(c.want)
		require.NoError(t, err)
		require.Equal(t, c.want, again.Name())
	}
}

func TestNew_WantsARegionOfAWSOnly(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	_, err := New(t.Context(), Options{Bucket: "lake"})
	require.EqualError(t, err, "open s3://lake: no region is set; add region= to the URL, e.g. "+
		"region=eu-west-1, or set AWS_REGION")
	s, err := New(t.Context(), Options{Bucket: "lake", Endpoint: "http://127.0.0.1:1"})
	require.NoError(t, err)
	require.Equal(t, "us-east-1", s.region)
	t.Setenv("AWS_REGION", "eu-west-1")
	s, err = New(t.Context(), Options{Bucket: "lake"})
	require.NoError(t, err)
	require.Equal(t, "eu-west-1", s.region)
}

func TestNew_RefusesBadFiles(t *testing.T) {
	_, err := New(t.Context(), Options{Bucket: "lake", CAFile: "options_test.go"})
	require.ErrorContains(t, err, "options_test.go holds no PEM certificate")
	_, err = New(t.Context(), Options{Bucket: "lake", CAFile: "/no/such.pem"})
	require.ErrorContains(t, err, "read ca_file: open /no/such.pem")
	t.Setenv("AWS_PROFILE", "nobody")
	_, err = New(t.Context(), Options{Bucket: "lake", Region: "eu-west-1"})
	require.ErrorContains(t, err, "set right what the AWS_* variables")
}

// The SDK takes what it is given, and its endpoint shows in messages.
func TestNew_LooksAtTheEndpointOfTheSettings(t *testing.T) {
	user := s3test.AccessKey + ":" + s3test.Secret
	for endpoint, want := range map[string]string{
		"http://" + user + "@127.0.0.1:1": "redentials do not belong in it",
		"http://" + user + "@[::1":        "want a URL like https://host:port",
		user + "@127.0.0.1":               "want a URL like https://host:port",
		"localhost:9000":                  "want a URL like https://host:port",
		"http://127.0.0.1:1/?x=y":         "without ? and #",
	} {
		for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
			t.Run(name, func(t *testing.T) {
				t.Setenv(name, endpoint)
				_, err := New(t.Context(), Options{Bucket: "lake"})
				require.ErrorAs(t, err, new(*sink.RefusedError), endpoint)
				require.ErrorContains(t, err, want)
				require.ErrorContains(t, err, "set right AWS_ENDPOINT_URL_S3")
				requireNoSecret(t, err)
				_, err = NewBucket(t.Context(), Options{Bucket: "lake"})
				require.ErrorAs(t, err, new(*sink.RefusedError))
				requireNoSecret(t, err)
				requireNoSecret(t, errors.New(Options{Bucket: "lake"}.Name()))
			})
		}
	}
}
