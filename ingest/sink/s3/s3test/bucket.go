package s3test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// Bucket makes a bucket and gives its name.
func (s *Server) Bucket(tb testing.TB) string {
	tb.Helper()
	s.mu.Lock()
	s.buckets++
	name := fmt.Sprintf("bucket-%d", s.buckets)
	s.mu.Unlock()
	api, done := s.api()
	defer done()
	_, err := api.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &name})
	require.NoError(tb, err)
	return name
}

// Plant puts an object as another tool would, whatever is at its key: with a checksum that is not
// SHA-256.
func (s *Server) Plant(tb testing.TB, bucket, key string, body []byte) {
	tb.Helper()
	api, done := s.api()
	defer done()
	_, err := api.PutObject(tb.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key,
		Body: bytes.NewReader(body)})
	require.NoError(tb, err)
}

// Metadata is what stands beside the object at key.
func (s *Server) Metadata(tb testing.TB, bucket, key string) map[string]string {
	tb.Helper()
	api, done := s.api()
	defer done()
	out, err := api.HeadObject(tb.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(tb, err)
	return out.Metadata
}

// Folder is where the default kind of server keeps the objects of a bucket, each under its key.
func (s *Server) Folder(bucket string) string { return filepath.Join(s.Data, bucket) }

// api is a client of the SDK, and what frees its connections.
func (s *Server) api() (*s3.Client, func()) {
	tr := s.transport()
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()), Region: Region, UsePathStyle: true,
		HTTPClient:                 &http.Client{Transport: tr},
		Credentials:                aws.CredentialsProviderFunc(s.credentials),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	}), tr.CloseIdleConnections
}

// credentials are those of the server's owner.
func (s *Server) credentials(context.Context) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner, nil
}
