package s3test

import (
	"os"
	"strings"
	"testing"
)

// Environ are the settings by which the SDK of a child process talks to a Server as its owner, and
// to nobody else: they go after os.Environ() in its environment.
func Environ() []string {
	env := []string{"AWS_ACCESS_KEY_ID=" + AccessKey, "AWS_SECRET_ACCESS_KEY=" + Secret,
		"AWS_REGION=" + Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	// The SDK takes a variable without a value for one that is not set.
	for _, name := range []string{"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION",
		"AWS_CA_BUNDLE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		env = append(env, name+"=")
	}
	return env
}

// Setenv sets what Environ gives, for one test.
func Setenv(tb testing.TB) {
	tb.Helper()
	for _, pair := range Environ() {
		name, value, _ := strings.Cut(pair, "=")
		tb.Setenv(name, value)
	}
}

// Setup sets what Environ gives, for all tests of a package: it is for TestMain.
func Setup() {
	for _, pair := range Environ() {
		name, value, _ := strings.Cut(pair, "=")
		os.Setenv(name, value)
	}
}
