package s3

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Entry is an object of a Bucket as it was when it was asked for.
type Entry struct {
	Key      string
	Size     int64
	ETag     string // names the bytes, with its quotes
	Modified time.Time
}

// Bucket is objects to read that are not Logseal's own: logs. Its calls go on by themselves over
// what a store cannot do now, for Options.Patience without progress. Prefix is no part of it: keys
// are whole. It is made by NewBucket.
type Bucket struct{ *client }

// NewBucket gives the bucket that o means. Nothing is asked of it yet.
func NewBucket(ctx context.Context, o Options) (*Bucket, error) {
	o.Prefix = ""
	c, err := newClient(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Bucket{c}, nil
}

// List yields the objects whose keys begin with prefix, in the order of their keys, those aside
// that stand for folders. It stops at the first error, which it yields.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range b.pages(ctx, prefix, b.opts.Patience) {
			if err != nil {
				err = fmt.Errorf("list %s: %w", b.url(prefix), err)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Stat describes the object at key; the error is sink.ErrNotFound when there is none.
func (b *Bucket) Stat(ctx context.Context, key string) (Entry, error) {
	e := Entry{Key: key}
	err := b.patiently(ctx, "stat "+key, b.opts.Patience, func() error {
		out, err := b.head(ctx, &key)
		if err != nil {
			return err
		}
		e.Size, e.ETag = *out.ContentLength, aws.ToString(out.ETag)
		e.Modified = aws.ToTime(out.LastModified)
		return nil
	})
	if err != nil {
		return Entry{}, fmt.Errorf("stat %s: %w", b.url(key), err)
	}
	return e, nil
}

// Open gives a reader of e as it was; nothing is asked for before the first read. ctx ends all its
// reads.
func (b *Bucket) Open(ctx context.Context, e Entry) *Reader {
	key := e.Key
	return newReader(ctx, b.client, e, &key, b.opts.Patience)
}

func (b *Bucket) url(key string) string { return scheme + b.opts.Bucket + "/" + key }
