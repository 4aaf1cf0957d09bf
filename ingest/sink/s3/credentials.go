package s3

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// credentials gives what the SDK's chain finds and marks its failures, so that they can be told
// from those of the store.
type credentials struct {
	chain aws.CredentialsProvider
	had   atomic.Bool
}

// credentialsError is a failure to get credentials. It never holds any.
type credentialsError struct {
	err error
	had bool // there were some before, so their source is known to work
}

func (e *credentialsError) Error() string { return "get credentials: " + e.err.Error() }

func (e *credentialsError) Unwrap() error { return e.err }

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v, err := c.chain.Retrieve(ctx)
	if err != nil {
		return v, &credentialsError{err, c.had.Load()}
	}
	c.had.Store(true)
	return v, nil
}
