package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"logseal/ingest/sink"
)

// Stat implements sink.Store. A bucket that is not there looks to it as an object that is not.
func (s *Store) Stat(ctx context.Context, key string) (sink.Info, error) {
	if err := check(ctx, key); err != nil {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	info, err := s.stat(ctx, key)
	if err != nil {
		return sink.Info{}, fmt.Errorf("stat %s: %w", key, err)
	}
	return info, nil
}

func check(ctx context.Context, key string) error {
	if err := sink.CheckKey(key); err != nil {
		return err
	}
	return ctx.Err()
}

func (s *Store) stat(ctx context.Context, key string) (sink.Info, error) {
	out, err := s.head(ctx, s.object(key))
	if err != nil {
		return sink.Info{}, err
	}
	return sink.Info{Key: key, Size: *out.ContentLength,
		Modified: aws.ToTime(out.LastModified), SHA256: digest(out.ChecksumSHA256)}, nil
}

// head asks for an object by its full key. What it gives has a ContentLength.
func (c *client) head(ctx context.Context, object *string) (*awss3.HeadObjectOutput, error) {
	in := &awss3.HeadObjectInput{Bucket: &c.opts.Bucket, Key: object}
	if !c.md5.Load() {
		in.ChecksumMode = types.ChecksumModeEnabled
	}
	out, err := c.api.HeadObject(ctx, in)
	if err == nil && out.ContentLength == nil {
		// Taken for nothing, it would pass for an object without a byte.
		return nil, &sink.RefusedError{
			Err: errors.New("the store does not say how long the object is"),
			Fix: c.where("use a store that answers a HEAD with Content-Length")}
	}
	if err == nil {
		return out, nil
	}
	fault := c.fault(ctx, getObject, err)
	if !errors.As(fault, new(*sink.RefusedError)) || answered(err) == nil {
		return nil, fault
	}
	// The answer to a HEAD has no body that would say why. The same of a GET has; should it
	// succeed, or say less, the first word stands.
	get, err := c.api.GetObject(ctx, &awss3.GetObjectInput{Bucket: &c.opts.Bucket, Key: object,
		Range: aws.String("bytes=0-0")}, c.validated)
	if err == nil {
		get.Body.Close()
		return nil, fault
	}
	if a := answered(err); a != nil && a.status >= 300 && a.code != "" {
		return nil, c.fault(ctx, getObject, err)
	}
	return nil, fault
}

// digest is the SHA-256 in the words of S3; zero when there is none of the whole object, as that of
// a multipart upload is not.
func digest(text *string) (sum [32]byte) {
	b, err := base64.StdEncoding.DecodeString(aws.ToString(text))
	if err == nil && len(b) == len(sum) {
		copy(sum[:], b)
	}
	return sum
}

// compare returns nil when the store holds the object's bytes, a *sink.ConflictError when it holds
// others, and sink.ErrNotFound when there is nothing at its key.
func (s *Store) compare(ctx context.Context, o sink.Object) error {
	info, err := s.stat(ctx, o.Key)
	if err == nil && info.SHA256 == [32]byte{} {
		info.SHA256, err = s.hash(ctx, info)
	}
	if err == nil && info.SHA256 == o.SHA256 && info.Size != o.Size {
		err = s.contradiction(fmt.Sprintf("%d bytes, and the SHA-256 of %d", info.Size, o.Size))
	}
	if err != nil {
		return fmt.Errorf("compare %s: %w", o.Key, err)
	}
	if info.SHA256 != o.SHA256 {
		return &sink.ConflictError{Key: o.Key, Want: o.SHA256, Have: info.SHA256}
	}
	return nil
}

// hash reads the object that info is of for its digest.
func (s *Store) hash(ctx context.Context, info sink.Info) (sum [32]byte, err error) {
	r, err := s.open(ctx, info.Key)
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return sum, err
	}
	if n != info.Size {
		return sum, s.contradiction(fmt.Sprintf("%d bytes, and gave %d", info.Size, n))
	}
	return [32]byte(h.Sum(nil)), nil
}

// contradiction is the fault of a store that says two things of one object.
func (s *Store) contradiction(what string) error {
	return &sink.RefusedError{Err: errors.New("the store says that the object has " + what),
		Fix: s.where("see what changes answers between here and the store")}
}

// Get implements sink.Store. What it gives is a *Reader: an io.ReaderAt as well.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, sink.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, sink.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	r, err := s.open(ctx, key)
	if err != nil {
		return nil, sink.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return r, sink.Info{Key: key, Size: r.entry.Size, Modified: r.entry.Modified,
		SHA256: r.sum}, nil
}

// open asks for the whole object at key and gives its reader, before the first byte of it.
func (s *Store) open(ctx context.Context, key string) (*Reader, error) {
	r := newReader(ctx, s.client, Entry{Key: key}, s.object(key), storePatience(s.opts))
	if err := r.first(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// storePatienceMost is for how long a reader or a list of a Store goes on by itself: long enough
// for a broken connection. What uses a Store has its own patience with longer faults.
const storePatienceMost = 5 * time.Second

func storePatience(o Options) time.Duration { return min(o.Patience, storePatienceMost) }

// Delete implements sink.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	_, err := s.api.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.opts.Bucket,
		Key: s.object(key)})
	if err == nil {
		return nil
	}
	if err = s.fault(ctx, deleteObject, err); errors.Is(err, sink.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("delete %s: %w", key, err)
}
