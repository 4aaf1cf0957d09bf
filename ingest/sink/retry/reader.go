package retry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/sink"
)

// reader goes on reading an object where a read failed. Objects are immutable, so a second Get gives the same
// bytes.
type reader struct {
	r    *Store
	ctx  context.Context // of Get, which its reads belong to
	key  string
	info sink.Info
	body io.ReadCloser // nil after a fault
	off  int64         // of the next Read
	at   int64         // where body is
}

// Read implements io.Reader.
func (x *reader) Read(p []byte) (n int, err error) {
	err = x.attempt(func() error {
		if err := x.skip(); err != nil {
			return err
		}
		n, err = x.body.Read(p)
		x.at += int64(n)
		if n > 0 && err != io.EOF {
			return nil // a fault shows again at the next read
		}
		return err
	})
	x.off += int64(n)
	return n, err
}

// attempt calls read with an open body, until read returns no transient error.
func (x *reader) attempt(read func() error) error {
	return x.r.do(x.ctx, "read", x.key, func() error {
		err := x.reopen()
		if err == nil {
			err = read()
		}
		if x.body != nil && errors.As(err, new(*sink.TransientError)) {
			x.body.Close()
			x.body = nil
		}
		return err
	})
}

// reopen gets the object again after a fault.
func (x *reader) reopen() error {
	if x.body != nil {
		return nil
	}
	body, info, err := x.r.Store.Get(x.ctx, x.key)
	if err != nil {
		return err
	}
	if info.Size != x.info.Size {
		body.Close()
		return fmt.Errorf("get %s: %w", x.key, &sink.DamagedError{
			Err: fmt.Errorf("it had %d bytes and now has %d", x.info.Size, info.Size)})
	}
	x.body, x.at = body, 0
	return nil
}

// skip reads the body up to the offset of the next Read.
func (x *reader) skip() error {
	n, err := io.CopyN(io.Discard, x.body, x.off-x.at)
	x.at += n
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close implements io.Closer.
func (x *reader) Close() error {
	if x.body == nil {
		return nil
	}
	return x.body.Close()
}

// readerAt is a reader whose body can be read at an offset, too.
type readerAt struct{ *reader }

// ReadAt implements io.ReaderAt, for one goroutine only.
func (x *readerAt) ReadAt(p []byte, off int64) (n int, err error) {
	err = x.attempt(func() error {
		n, err = x.body.(io.ReaderAt).ReadAt(p, off)
		return err
	})
	return n, err
}
