package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// LastLineEnd is the offset after the last line end in the first most bytes of a plain file, 0 when
// there is none.
func (f *File) LastLineEnd(most int64) (int64, error) {
	if f.Compressed() {
		return 0, fmt.Errorf("find the last line end of %s: the file is compressed", f.path)
	}
	most = min(most, f.stat.Size)
	b := make([]byte, min(most, scanBuffer))
	for end := most; end > 0; end -= int64(len(b)) {
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
