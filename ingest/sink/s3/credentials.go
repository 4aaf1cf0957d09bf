package s3

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go"

	"logseal/ingest/sink"
)

// credentials gives what the SDK's chain finds and marks its failures, so that they can be told
// from those of the store. The chain keeps what it has read of the shared files, so it is made again
// when the store refuses what it gives, see renewed, or when it gives nothing.
type credentials struct {
	load func(context.Context) (aws.Config, error)
	now  func() time.Time

	turn   chan struct{} // is held while the configuration is loaded
	loaded time.Time     // when; who holds turn may touch it

	mu      sync.Mutex // guards what follows
	chain   aws.CredentialsProvider
	last    aws.Credentials // what was given last
	trouble error           // why the last load gave nothing
}

// newCredentials gives what chain finds, which load has just given.
func newCredentials(
	chain aws.CredentialsProvider, load func(context.Context) (aws.Config, error),
) *credentials {
	return &credentials{load: load, now: time.Now, turn: make(chan struct{}, 1),
		loaded: time.Now(), chain: chain}
}

func (c *credentials) source() aws.CredentialsProvider {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.chain
}

// given is what was given last.
func (c *credentials) given() aws.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// credentialsError is a failure to get credentials. It never holds any.
type credentialsError struct {
	err error
	had bool // there were some before, so their source is known to work
}

func (e *credentialsError) Error() string { return "get credentials: " + e.cause() }

func (e *credentialsError) Unwrap() error { return e.err }

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := c.source().Retrieve(ctx)
	if err != nil && c.reload(ctx) {
		v, err = c.source().Retrieve(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return v, &credentialsError{err, c.last.HasKeys()}
	}
	c.last = v
	return v, nil
}

// nowhere reports whether nothing names a source of credentials: then the chain's last resort is
// asked, the machine's own metadata, and there is none.
func (e *credentialsError) nowhere() bool {
	var call *smithy.OperationError
	return answered(e.err) == nil && errors.As(e.err, &call) && call.Service() == "ec2imds"
}

// cause is what the source of the credentials said, in short.
func (e *credentialsError) cause() string {
	if a := answered(e.err); a != nil {
		return a.Error()
	}
	var request *url.Error
	if errors.As(e.err, &request) {
		if u, err := url.Parse(request.URL); err == nil {
			return fmt.Sprintf("ask %s: %v", u.Host, request.Err)
		}
	}
	var process *processcreds.ProviderError
	if errors.As(e.err, &process) && !tellsNoOutput(process.Err) {
		return "credential_process printed something other than credentials"
	}
	// The cache that the SDK puts before all sources says nothing of its own.
	text := strings.TrimPrefix(e.err.Error(), "failed to refresh cached credentials, ")
	return oneLine(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// tellsNoOutput reports whether an error is known not to repeat what a process printed, as that of
// output that cannot be read does.
func tellsNoOutput(err error) bool {
	return errors.Unwrap(err) == nil || errors.As(err, new(*exec.ExitError)) ||
		errors.As(err, new(*exec.Error)) || errors.Is(err, context.DeadlineExceeded)
}

// credentialsFault tells a source of credentials that has none from one that cannot answer now.
func credentialsFault(e *credentialsError) error {
	a := answered(e.err)
	if a != nil && a.transient() || a == nil && e.had {
		return &sink.TransientError{Err: e}
	}
	if e.nowhere() {
		return &sink.RefusedError{Err: &shortError{"no credentials were found", e},
			Fix: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a " +
				"role gives them"}
	}
	return &sink.RefusedError{Err: &shortError{"no credentials were given: " + e.cause(), e},
		Fix: "fix the profile, role, token file, session or credential_process that should give " +
			"them, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
}
