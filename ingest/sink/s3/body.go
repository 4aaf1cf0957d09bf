package s3

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"logseal/ingest/sink"
)

// body is an object's bytes on their way out. It gives the last of them only when all together
// are what the object says, so a file that has changed is never put whole, also by a store that
// checks no digest. The HTTP client may read it to the moment it is closed.
type body struct {
	o sink.Object

	mu   sync.Mutex // guards what follows: Close waits for the read that is under way
	r    io.ReadCloser
	n    int64
	hash hash.Hash
	err  error // why reading ended, other than by Close
}

// errClosed is what a body gives that is closed.
var errClosed = errors.New("the body is closed")

func openBody(o sink.Object) (*body, error) {
	r, err := o.Open()
	if err != nil {
		return nil, err
	}
	return &body{o: o, r: r, hash: sha256.New()}, nil
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return 0, errClosed
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.hash.Write(p[:n])
	b.n += int64(n)
	switch {
	case err != nil && err != io.EOF:
		b.err = fmt.Errorf("read its bytes: %w", err)
	case b.n > b.o.Size, err == io.EOF && b.n < b.o.Size:
		b.err = fmt.Errorf("its bytes have changed: %d or more, not %d", b.n, b.o.Size)
	case b.n == b.o.Size:
		b.err = b.finish(err == io.EOF)
	}
	if b.err != nil && b.err != io.EOF {
		return 0, b.err
	}
	return n, nil
}

// finish looks at the bytes as a whole; it gives io.EOF when they are the object's.
func (b *body) finish(ended bool) error {
	if got := [32]byte(b.hash.Sum(nil)); got != b.o.SHA256 {
		return fmt.Errorf("its bytes have changed: sha256 %x, not %x", got, b.o.SHA256)
	}
	if ended {
		return io.EOF
	}
	switch n, err := io.ReadFull(b.r, make([]byte, 1)); {
	case n > 0:
		return fmt.Errorf("its bytes have changed: more than %d", b.o.Size)
	case err != io.EOF:
		return fmt.Errorf("read its bytes: %w", err)
	}
	return io.EOF
}

// failure is the fault of the object's own bytes, if there was one.
func (b *body) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// Close implements io.Closer; the first call closes what was opened.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return nil
	}
	r := b.r
	b.r = nil
	return r.Close()
}
