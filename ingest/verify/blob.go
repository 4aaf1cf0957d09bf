package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"logseal/ingest/sink"
	"logseal/ingest/source"
)

const (
	// tailBytes is read at once from an object's end. Footers of ours have some 20 KiB, so most
	// need one read; and an object that is no larger is read whole for the same price.
	tailBytes = 64 << 10

	// bufferMax is up to which size Deep keeps an object in memory, so that it is read once and not
	// a second time for its rows. A batch of the default size rarely gives larger ones.
	bufferMax = 64 << 20

	// hashBytes is how much is hashed between two looks at the context.
	hashBytes = 256 << 10
)

// blob is an open object that can be read at any offset. It is used by one goroutine.
type blob struct {
	at    io.ReaderAt
	size  int64
	close func() error
	tail  []byte // the last bytes, once one of them was read
	// err is the first error of reading, end of file apart: what the bytes seem to say after it
	// is nothing they say.
	err error
}

// openBlob opens an object. From a store that cannot read at an offset it is read into memory.
func openBlob(ctx context.Context, store sink.Store, key string) (*blob, error) {
	r, info, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if at, ok := r.(io.ReaderAt); ok {
		return &blob{at: at, size: info.Size, close: r.Close}, nil
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return memoryBlob(body), nil
}

// openHashed opens an object and hashes all of it. Up to keep bytes stay in memory. The error is a
// *sink.DamagedError when the store gave bytes twice that it did not take: once may be the network.
func openHashed(ctx context.Context, store sink.Store, key string,
	keep int64) (b *blob, sum source.Digest, err error) {
	b, sum, err = openHashedOnce(ctx, store, key, keep)
	if errors.As(err, new(*sink.DamagedError)) {
		return openHashedOnce(ctx, store, key, keep)
	}
	return b, sum, err
}

func openHashedOnce(ctx context.Context, store sink.Store, key string,
	keep int64) (b *blob, sum source.Digest, err error) {
	r, info, err := store.Get(ctx, key)
	if err != nil {
		return nil, sum, err
	}
	at, ok := r.(io.ReaderAt)
	if !ok || info.Size <= keep {
		defer r.Close()
		var body bytes.Buffer
		body.Grow(int(info.Size) + bytes.MinRead)
		_, err = body.ReadFrom(r)
		return memoryBlob(body.Bytes()), sha256.Sum256(body.Bytes()), err
	}
	if sum, err = digest(ctx, r); err != nil {
		r.Close()
		return nil, sum, err
	}
	return &blob{at: at, size: info.Size, close: r.Close}, sum, nil
}

func memoryBlob(body []byte) *blob {
	return &blob{at: bytes.NewReader(body), size: int64(len(body)), tail: body,
		close: func() error { return nil }}
}

// Close gives the object back.
func (b *blob) Close() error { return b.close() }

// ReadAt implements io.ReaderAt. Reads near the end are served from one read of all of it.
func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	start := max(0, b.size-tailBytes)
	if off < start || off >= b.size {
		return b.readAt(p, off)
	}
	if b.tail == nil {
		tail := make([]byte, b.size-start)
		if n, err := b.readAt(tail, start); n < len(tail) {
			return 0, err
		}
		b.tail = tail
	}
	n := copy(p, b.tail[off-(b.size-int64(len(b.tail))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (b *blob) readAt(p []byte, off int64) (int, error) {
	n, err := b.at.ReadAt(p, off)
	if err != nil && err != io.EOF && b.err == nil {
		b.err = err
	}
	return n, err
}

// digest hashes all that r gives.
func digest(ctx context.Context, r io.Reader) (source.Digest, error) {
	h := sha256.New()
	for buf := make([]byte, hashBytes); ; {
		if err := ctx.Err(); err != nil {
			return source.Digest{}, err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return source.Digest(h.Sum(nil)), nil
		}
		if err != nil {
			return source.Digest{}, err
		}
	}
}
