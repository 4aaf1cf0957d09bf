package follow

import (
	"bytes"
	"errors"
	"io"

	"logseal/ingest/files"
)

// readExactly reads the n bytes at off; nil if the file ends before.
func readExactly(h files.Handle, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	if ok, err := readFull(h, b, off); err != nil || !ok {
		return nil, err
	}
	return b, nil
}

// readFull fills b from off on; false if the file ends before.
func readFull(h files.Handle, b []byte, off int64) (bool, error) {
	if len(b) == 0 {
		return true, nil
	}
	n, err := h.ReadAt(b, off)
	switch {
	case n == len(b):
		return true, nil
	case err == nil:
		return false, io.ErrNoProgress
	case errors.Is(err, io.EOF):
		return false, nil
	}
	return false, err
}

// hasBytes reports whether the file has the bytes b at off.
func hasBytes(h files.Handle, b []byte, off int64) (bool, error) {
	buf := borrowBuffer()
	defer buffers.Put(buf)
	for len(b) > 0 {
		again := (*buf)[:min(len(b), len(*buf))]
		ok, err := readFull(h, again, off)
		if err != nil || !ok || !bytes.Equal(again, b[:len(again)]) {
			return false, err
		}
		b, off = b[len(again):], off+int64(len(again))
	}
	return true, nil
}
