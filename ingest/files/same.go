package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Same says whether two plain files hold the same bytes in [from, to). One that ends before to is a
// *ShrunkError.
func Same(ctx context.Context, a, b *File, from, to int64) (bool, error) {
	x := make([]byte, min(scanBuffer, max(0, to-from)))
	y := make([]byte, len(x))
	for from < to {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := min(int64(len(x)), to-from)
		if err := a.readExactly(x[:n], from); err != nil {
			return false, err
		}
		if err := b.readExactly(y[:n], from); err != nil {
			return false, err
		}
		if !bytes.Equal(x[:n], y[:n]) {
			return false, nil
		}
		from += n
	}
	return true, nil
}

// readExactly fills p with the stored bytes at off.
func (f *File) readExactly(p []byte, off int64) error {
	n, err := f.h.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case errors.Is(err, io.EOF):
		return &ShrunkError{Path: f.path, Want: off + int64(len(p)), Have: off + int64(n)}
	case err == nil:
		err = io.ErrNoProgress
	}
	return fmt.Errorf("read %s at %d: %w", f.path, off, err)
}
