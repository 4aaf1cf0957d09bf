package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"logseal/ingest/sink"
)

// putMax is the largest object that S3 takes in one put; ours are far smaller.
const putMax = 5 << 30

// Put implements sink.Store.
//
//	HEAD  the object    when it may be there, or nothing else keeps it from being replaced
//	PUT   the object    If-None-Match: *, with its SHA-256
//	HEAD  the object    when the answer does not tell what was done
//	GET   the object    when a HEAD gave no SHA-256: another tool copied it there
//
// If we crash after the PUT was sent, the object is there or not, or comes later; it is whole, and
// the same Put is made again.
func (s *Store) Put(ctx context.Context, o sink.Object) error {
	if err := checkObject(o); err != nil {
		return err
	}
	if o.Maybe || s.opts.Unconditional {
		if err := s.compare(ctx, o); !errors.Is(err, sink.ErrNotFound) {
			return err
		}
	}
	err := s.send(ctx, o, !s.opts.Unconditional)
	if !mayBeThere(err) || ctx.Err() != nil {
		return err
	}
	// At this point the object may be there, from this call, an earlier one or another writer. A
	// 412 comes here, too: it may be our own object that was there first.
	return settled(err, s.compare(ctx, o))
}

func isTransient(err error) bool { return errors.As(err, new(*sink.TransientError)) }

func checkObject(o sink.Object) error {
	if err := sink.CheckKey(o.Key); err != nil {
		return err
	}
	if o.Size < 0 || o.Size > putMax {
		return fmt.Errorf("put %s: %d bytes, want at most %d", o.Key, o.Size, int64(putMax))
	}
	return nil
}

// Probe implements sink.Prober. A store that does not know If-None-Match answers 200 and has then
// put the same bytes once more.
func (s *Store) Probe(ctx context.Context, o sink.Object) error {
	if err := checkObject(o); err != nil {
		return err
	}
	if s.opts.Unconditional {
		return nil
	}
	err := s.send(ctx, o, true)
	switch a := answered(err); {
	case a != nil && a.kept():
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("probe %s: %w", o.Key, &sink.RefusedError{
		Err: errors.New("the store ignores If-None-Match: it replaced an object that was there"),
		Fix: s.where("use a store that honours it, or add conditional=off to the URL, for one " +
			"writer only")})
}

// send makes one PutObject. Its error is a *sink.TransientError when the object may be there, as
// after an answer that its key is taken.
func (s *Store) send(ctx context.Context, o sink.Object, conditional bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	b, err := openBody(o)
	if err != nil {
		return fmt.Errorf("put %s: %w", o.Key, err)
	}
	defer b.Close()
	if o.Size == 0 { // a body without a byte is not read by anyone else
		b.Read(make([]byte, 1))
	}
	in := s.putInput(o, b, conditional)
	if s.md5.Load() {
		if err := byMD5(in, o); err != nil {
			return fmt.Errorf("put %s: %w", o.Key, err)
		}
	}
	if b.failure() == nil {
		_, err = s.api.PutObject(ctx, in, signed(o.SHA256))
	}
	if failure := b.failure(); failure != nil {
		return fmt.Errorf("put %s: %w", o.Key, failure)
	}
	switch a := answered(err); {
	case err == nil:
		return nil
	case a != nil && a.taken():
		err = &sink.TransientError{Err: a}
	default:
		err = s.fault(ctx, putObject, err)
	}
	return fmt.Errorf("put %s: %w", o.Key, err)
}

func (s *Store) putInput(o sink.Object, b *body, conditional bool) *awss3.PutObjectInput {
	in := &awss3.PutObjectInput{
		Bucket: &s.opts.Bucket, Key: s.object(o.Key), Body: b, ContentLength: &o.Size,
		ChecksumSHA256:       aws.String(base64.StdEncoding.EncodeToString(o.SHA256[:])),
		Metadata:             metadata(o.Meta),
		StorageClass:         types.StorageClass(s.opts.StorageClass),
		ServerSideEncryption: types.ServerSideEncryption(s.opts.SSE),
	}
	if conditional {
		in.IfNoneMatch = aws.String("*")
	}
	if s.opts.KMSKeyID != "" {
		in.SSEKMSKeyId = &s.opts.KMSKeyID
	}
	if len(s.opts.Tags) > 0 {
		tags := url.Values{}
		for k, v := range s.opts.Tags {
			tags.Set(k, v)
		}
		in.Tagging = aws.String(tags.Encode())
	}
	return in
}

// byMD5 lets the store check the MD5 of the bytes in place of their SHA-256. It reads them for it,
// before they are sent; that the SHA-256 is part of the signature stays.
func byMD5(in *awss3.PutObjectInput, o sink.Object) error {
	b, err := openBody(o)
	if err != nil {
		return err
	}
	defer b.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, b); err != nil {
		return err
	}
	in.ChecksumSHA256 = nil
	in.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(sum.Sum(nil)))
	return nil
}

// signed signs the digest that is known in place of one that the SDK would read the body for; so
// the body is read once and need not be sought in.
func signed(sum [32]byte) func(*awss3.Options) {
	set := middleware.InitializeMiddlewareFunc("payload hash", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(v4.SetPayloadHash(ctx, hex.EncodeToString(sum[:])), in)
	})
	return func(o *awss3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(set, middleware.After)
		})
	}
}
