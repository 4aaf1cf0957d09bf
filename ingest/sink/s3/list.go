package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"logseal/ingest/sink"
)

// List implements sink.Store. It yields every object in the folders of sink.Roots, also one whose
// name could not be a key: someone else put it there, and verify wants to know. It asks for 1,000
// at a time, and repeats a page that it did not get: a caller can only start the whole list over.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		// A prefix that no key can have has nothing below it.
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			if sink.CheckKey(prefix[:i]+"/x") == nil {
				s.list(ctx, prefix, yield)
			}
			return
		}
		names := append(sink.Roots(), sink.RootObject())
		slices.Sort(names)
		for _, name := range names {
			folder := name + "/"
			if name == sink.RootObject() {
				folder = name
			}
			if strings.HasPrefix(name, prefix) && !s.list(ctx, folder, yield) {
				return
			}
		}
	}
}

// list yields the objects whose keys begin with prefix; it reports whether to go on.
func (s *Store) list(
	ctx context.Context, prefix string, yield func(sink.Info, error) bool,
) bool {
	skip := len(*s.object(""))
	for o, err := range s.pages(ctx, *s.object(prefix), storePatience(s.opts)) {
		if err != nil {
			yield(sink.Info{}, fmt.Errorf("list %s: %w", prefix, err))
			return false
		}
		key := o.Key[skip:]
		if prefix == sink.RootObject() && key != prefix {
			continue
		}
		if !yield(sink.Info{Key: key, Size: o.Size, Modified: o.Modified}, nil) {
			return false
		}
	}
	return true
}

// pages yields the objects of the bucket whose keys begin with prefix, in the order of their keys,
// those aside that stand for folders. Each page is asked for as long as its patience lasts.
func (c *client) pages(
	ctx context.Context, prefix string, patience time.Duration,
) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var token *string
		for {
			var out *awss3.ListObjectsV2Output
			err := c.patiently(ctx, "list "+prefix, patience, func() (err error) {
				out, err = c.page(ctx, prefix, token)
				return err
			})
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, o := range out.Contents {
				e, err := entry(o, out.EncodingType)
				if err == nil && strings.HasSuffix(e.Key, "/") {
					continue // what consoles and gateways make where a folder is shown
				}
				if !yield(e, err) || err != nil {
					return
				}
			}
			if !aws.ToBool(out.IsTruncated) {
				return
			}
			token = out.NextContinuationToken
		}
	}
}

// page fetches up to 1,000 keys. They are asked for in the encoding of URLs, because XML cannot say
// every character that a key may have.
func (c *client) page(
	ctx context.Context, prefix string, token *string,
) (*awss3.ListObjectsV2Output, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out, err := c.api.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: &c.opts.Bucket,
		Prefix: &prefix, ContinuationToken: token, EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return nil, c.fault(ctx, listBucket, err)
	}
	// An end here would pass for that of the list, and all behind it for objects that are gone.
	next := aws.ToString(out.NextContinuationToken)
	if aws.ToBool(out.IsTruncated) && (next == "" || next == aws.ToString(token)) {
		return nil, &sink.RefusedError{
			Err: errors.New("the store cut a list short and does not say how to continue it"),
			Fix: c.where("use a store that gives long lists page by page, each with a new " +
				"NextContinuationToken")}
	}
	return out, nil
}

func entry(o types.Object, encoding types.EncodingType) (Entry, error) {
	key := aws.ToString(o.Key)
	if encoding == types.EncodingTypeUrl {
		plain, err := url.QueryUnescape(key)
		if err != nil {
			return Entry{}, fmt.Errorf("decode key %s: %w", key, err)
		}
		key = plain
	}
	return Entry{Key: key, Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag),
		Modified: aws.ToTime(o.LastModified)}, nil
}
