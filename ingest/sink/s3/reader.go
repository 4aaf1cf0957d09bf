package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"logseal/ingest/sink"
)

const (
	// smallRead is the most that is fetched on the side, by a request of its own.
	smallRead = 64 << 10
	// skipMost is the gap that a stream reads over rather than start again: what a request costs
	// in time, on a fast line.
	skipMost = 256 << 10
	// turnAfter is after how many small reads in a row elsewhere the stream goes there.
	turnAfter = 4
)

// Reader reads an object as it was when it was asked for. Reads that go on where the last one
// ended come from one streaming GET; a small read elsewhere is a request of its own and leaves the
// stream alone, a larger one starts the stream again. A broken connection is taken up again at the
// byte where it broke, for as long as its patience lasts without a byte. When the object is written
// over, reads give a *ChangedError; no read ever mixes two objects.
//
// ReadAt may be called concurrently; Read and Close as usual for a file.
type Reader struct {
	// ctx ends all reads; io.ReaderAt has no place for one.
	ctx      context.Context
	cancel   context.CancelFunc
	c        *client
	object   *string // the whole key
	patience time.Duration

	entry Entry    // Size and ETag are known before the first byte is given
	sum   [32]byte // the digest that the store checked, if open was told

	isPacked atomic.Bool // the store unpacks it unless it is told not to

	pos int64 // of the next Read

	mu   sync.Mutex    // guards the stream and what decides about it
	body io.ReadCloser // nil: there is none
	at   int64         // where body is
	next int64         // where the last small read elsewhere ended
	run  int           // how many of them went on where the one before ended
}

var (
	_ io.ReaderAt   = (*Reader)(nil)
	_ io.ReadCloser = (*Reader)(nil)
)

func newReader(
	ctx context.Context, c *client, e Entry, object *string, patience time.Duration,
) *Reader {
	r := &Reader{c: c, entry: e, object: object, patience: patience, next: -1}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// Entry is what is read.
func (r *Reader) Entry() Entry { return r.entry }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	want, err := r.within(p, r.pos)
	if len(want) == 0 {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.stream(want, r.pos)
	r.pos += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	want, end := r.within(p, off)
	if len(want) == 0 {
		return 0, end
	}
	r.mu.Lock()
	if !r.aside(off, len(want)) {
		defer r.mu.Unlock()
		n, err := r.stream(want, off)
		if err == nil {
			err = end
		}
		return n, err
	}
	r.mu.Unlock()
	n, err := r.fetch(want, off)
	if err == nil {
		err = end
	}
	return n, err
}

// Close ends the reads that are under way and frees the connection.
func (r *Reader) Close() error {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop()
	return nil
}

// within cuts p to what there is at off, and gives io.EOF when that is less than p.
func (r *Reader) within(p []byte, off int64) ([]byte, error) {
	if off < 0 {
		return nil, fmt.Errorf("read %s: offset %d", r.entry.Key, off)
	}
	if off >= r.entry.Size {
		return nil, io.EOF
	}
	if left := r.entry.Size - off; int64(len(p)) > left {
		return p[:left], io.EOF
	}
	return p, nil
}

// aside reports whether n bytes at off are a request of their own. The caller holds mu.
func (r *Reader) aside(off int64, n int) bool {
	if n > smallRead || r.body != nil && off == r.at {
		r.run = 0
		return false
	}
	goesOn := off == r.next
	r.next = off + int64(n)
	if !goesOn {
		r.run = 0
		return true
	}
	r.run++
	if r.body != nil && r.run < turnAfter {
		return true
	}
	r.run = 0
	return false
}

// drop ends the stream. The caller holds mu.
func (r *Reader) drop() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}

// first starts the stream of an object of which nothing is known yet.
func (r *Reader) first() error {
	out, err := r.get(0, -1)
	if err != nil {
		return err
	}
	r.body = out.Body
	r.entry.ETag, r.entry.Modified = aws.ToString(out.ETag), aws.ToTime(out.LastModified)
	r.sum = digest(out.ChecksumSHA256)
	if r.entry.Size, err = r.size(out); err == nil && r.entry.Size == 0 {
		err = r.finish() // no read would come to it
	}
	return err
}

// size is how long the object is that out is of. An answer in chunks does not say so.
func (r *Reader) size(out *awss3.GetObjectOutput) (int64, error) {
	if out.ContentLength != nil {
		return *out.ContentLength, nil
	}
	head, err := r.c.head(r.ctx, r.object)
	if err != nil {
		return 0, err
	}
	if have := aws.ToString(head.ETag); have != r.entry.ETag {
		return 0, &ChangedError{Key: r.entry.Key, Want: r.entry.ETag, Have: have}
	}
	return *head.ContentLength, nil
}

// stream fills p, which lies within the object, from the stream at off. The caller holds mu.
func (r *Reader) stream(p []byte, off int64) (int, error) {
	if gap := off - r.at; gap < 0 || gap > skipMost {
		r.drop()
	}
	return r.goOn(p, off, r.more)
}

// goOn fills p, which lies at off, by attempts that each begin at the byte where the last one
// broke.
func (r *Reader) goOn(
	p []byte, off int64, attempt func(p []byte, off int64) (int, error),
) (n int, err error) {
	tries := newPatience(r.c, "read "+r.entry.Key, r.patience)
	for {
		m, err := attempt(p[n:], off+int64(n))
		if n += m; m > 0 {
			tries.progress()
		}
		if err == nil {
			return n, nil
		}
		if !isTransient(err) || r.ctx.Err() != nil {
			return n, r.failure(err)
		}
		if err := tries.wait(r.ctx, err); err != nil {
			return n, r.failure(err)
		}
	}
}

// more is one attempt of stream, which ends with its first error.
func (r *Reader) more(p []byte, off int64) (n int, err error) {
	defer func() {
		if err != nil {
			r.drop()
		}
	}()
	if r.body == nil {
		out, err := r.get(off, -1)
		if err != nil {
			return 0, err
		}
		r.body, r.at = out.Body, off
	}
	if gap := off - r.at; gap > 0 {
		skipped, err := io.CopyN(io.Discard, r.body, gap)
		if r.at += skipped; err != nil {
			return 0, broken(err)
		}
	}
	n, err = io.ReadFull(r.body, p)
	r.at += int64(n)
	if err != nil {
		return n, broken(err)
	}
	if r.at < r.entry.Size {
		return n, nil
	}
	if err := r.finish(); err != nil {
		return 0, err
	}
	return n, nil
}

// finish ends the stream after the last byte of the object. Only a body read to its end is compared
// with its checksum and frees its connection for the next request. If they differ it is unknown
// which bytes are wrong, and some may have been given to the caller: this cannot be fixed by
// reading on. The caller holds mu.
func (r *Reader) finish() error {
	over, err := io.Copy(io.Discard, r.body)
	if err == nil && over > 0 {
		// Something on the way unpacks it, say. To stop here would be to lose the rest.
		err = fmt.Errorf("the store gives %d bytes more than the %d that it says", over,
			r.entry.Size)
	}
	if err != nil {
		return &sink.DamagedError{Err: err}
	}
	r.drop()
	return nil
}

// broken is the fault of a body that ended early.
func broken(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &sink.TransientError{Err: err}
}

// fetch fills p, which lies within the object, by requests of its own.
func (r *Reader) fetch(p []byte, off int64) (int, error) { return r.goOn(p, off, r.piece) }

// piece is one attempt of fetch.
func (r *Reader) piece(p []byte, off int64) (int, error) {
	out, err := r.get(off, off+int64(len(p)))
	if err != nil {
		return 0, err
	}
	defer out.Body.Close()
	n, err := io.ReadFull(out.Body, p)
	if err != nil {
		return n, broken(err)
	}
	io.Copy(io.Discard, out.Body) // to its end, so that the connection can be used again
	return n, nil
}

// get asks for the bytes [off, end) of the object as it was; an end of -1 is its own.
func (r *Reader) get(off, end int64) (*awss3.GetObjectOutput, error) {
	in := &awss3.GetObjectInput{Bucket: &r.c.opts.Bucket, Key: r.object}
	switch {
	case end >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, end-1))
	case off > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	if r.entry.ETag != "" {
		in.IfMatch = &r.entry.ETag
	}
	out, err := r.ask(in)
	if errors.Is(err, ErrUnpacked) {
		return nil, err
	}
	if err != nil {
		if a := answered(err); a != nil && (a.status == http.StatusPreconditionFailed ||
			a.status == http.StatusRequestedRangeNotSatisfiable) {
			return nil, &ChangedError{Key: r.entry.Key, Want: r.entry.ETag}
		}
		return nil, r.c.fault(r.ctx, getObject, err)
	}
	if err := r.isPart(in, out, off); err != nil {
		out.Body.Close()
		return nil, err
	}
	return out, nil
}

// ask sends one request. Google Cloud Storage unpacks an object that is stored with Content-Encoding: gzip
// unless it may answer in that encoding; then it gives what is stored.
func (r *Reader) ask(in *awss3.GetObjectInput) (*awss3.GetObjectOutput, error) {
	ctx := r.ctx
	if r.isPacked.Load() {
		ctx = context.WithValue(ctx, packed{}, true)
	}
	out, err := r.c.api.GetObject(ctx, in, r.c.validated)
	if err != nil || !wasUnpacked(out) {
		return out, err
	}
	out.Body.Close()
	if r.isPacked.Swap(true) {
		return nil, &sink.RefusedError{Err: ErrUnpacked, Fix: r.c.where("store it without the metadata " +
			"Content-Encoding")}
	}
	return r.ask(in)
}

// ErrUnpacked says that a store gives other bytes of an object than it has.
var ErrUnpacked = errors.New("the store unpacks the object on the way, since it has Content-Encoding: gzip")

// wasUnpacked reports whether what an answer has is not what the store has.
func wasUnpacked(out *awss3.GetObjectOutput) bool {
	raw, ok := middleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		return false
	}
	stored := raw.Header.Get("X-Goog-Stored-Content-Encoding")
	return stored != "" && stored != "identity" && aws.ToString(out.ContentEncoding) == ""
}

// isPart returns an error unless out is what in asked for, from off on.
func (r *Reader) isPart(in *awss3.GetObjectInput, out *awss3.GetObjectOutput, off int64) error {
	have := aws.ToString(out.ETag)
	if r.entry.ETag != "" && have != r.entry.ETag {
		return &ChangedError{Key: r.entry.Key, Want: r.entry.ETag, Have: have}
	}
	if in.Range != nil &&
		!strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", off)) {
		return &sink.RefusedError{Err: ErrNoRange,
			Fix: r.c.where("use a store that can give parts of an object")}
	}
	return nil
}

// ErrNoRange says that a store gives all of an object where a part was asked for.
var ErrNoRange = errors.New("the store ignores Range")

// failure wraps why a read ended.
func (r *Reader) failure(err error) error { return fmt.Errorf("read %s: %w", r.entry.Key, err) }
