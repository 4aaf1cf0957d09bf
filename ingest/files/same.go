package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Agreement is how far two files say the same.
type Agreement struct {
	Differ bool
	// Until is where they differ, or up to where they were compared.
	Until int64
	// Longer says that the first one goes on after that.
	Longer bool
}

// Compare holds a against b, which is plain, from one offset up to another or to a's end. That b
// ends before is a *ShrunkError; a fault in a compressed a is its end.
func Compare(ctx context.Context, a, b *File, from, to int64) (Agreement, error) {
	s := a.open()
	defer s.Close()
	if _, err := s.skip(ctx, from); err != nil {
		return Agreement{}, err
	}
	x := make([]byte, min(scanBuffer, to-from+1))
	y := make([]byte, len(x))
	at := from
	for {
		if err := ctx.Err(); err != nil {
			return Agreement{}, err
		}
		n, err := io.ReadFull(s, x[:min(int64(len(x)), to-at+1)])
		both := min(int64(n), to-at)
		if err := b.readExactly(y[:both], at); err != nil {
			return Agreement{}, err
		}
		if !bytes.Equal(x[:both], y[:both]) {
			return Agreement{Differ: true, Until: at}, nil
		}
		at += both
		switch {
		case int64(n) > both:
			return Agreement{Until: at, Longer: true}, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
			errors.As(err, new(*CorruptError)):
			return Agreement{Until: at}, nil
		case err != nil:
			return Agreement{}, err
		}
	}
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
