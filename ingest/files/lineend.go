package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// LastLineEnd is the offset after the last line end of a plain file, 0 when it has none.
func (f *File) LastLineEnd() (int64, error) {
	if f.Compressed() {
		return 0, fmt.Errorf("find the last line end of %s: the file is compressed", f.path)
	}
	b := make([]byte, min(f.stat.Size, scanBuffer))
	for end := f.stat.Size; end > 0; end -= int64(len(b)) {
		b = b[:min(end, int64(len(b)))]
		from := end - int64(len(b))
		if err := f.readExactly(b, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
	}
	return 0, nil
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
