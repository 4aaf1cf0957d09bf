package input

import (
	"errors"
	"io"
	"sync"

	"logseal/ingest/files"
	"logseal/ingest/sink"
	"logseal/ingest/sink/s3"
)

// startMax is how much of an object's start is kept. How it is compressed, and its head, are read
// from there over and over: so that is one request, and for a small object the only one.
const startMax = 64 << 10

// objectHandle is an open object: always the version that was opened.
type objectHandle struct {
	logs   *FS
	path   string
	entry  s3.Entry
	bucket *s3.Bucket
	reader *s3.Reader

	mu    sync.Mutex // guards start
	start []byte     // the first bytes, once something was read
}

var _ files.Handle = (*objectHandle)(nil)

// ReadAt implements io.ReaderAt.
func (h *objectHandle) ReadAt(p []byte, off int64) (n int, err error) {
	start, err := h.first()
	if err != nil {
		return 0, err
	}
	if off >= 0 && off < int64(len(start)) {
		n = copy(p, start[off:])
		if n == len(p) {
			return n, nil
		}
	}
	m, err := h.reader.ReadAt(p[n:], off+int64(n))
	return n + m, h.fault(err)
}

// first gives the object's first bytes.
func (h *objectHandle) first() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.start == nil {
		b := make([]byte, min(h.entry.Size, startMax))
		if n, err := h.reader.ReadAt(b, 0); n < len(b) {
			return nil, h.fault(err)
		}
		h.start = b
		if len(b) > 0 {
			h.logs.couldRead(h.path, h.entry)
		}
	}
	return h.start, nil
}

func (h *objectHandle) fault(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return h.logs.fault("read", h.path, err)
}

// Stat implements files.Handle. Once something was read it asks what the object is now, so that
// one that is put again and again counts as growing. One that is gone is as it was.
func (h *objectHandle) Stat() (files.Stat, error) {
	h.mu.Lock()
	begun := h.start != nil
	h.mu.Unlock()
	if !begun {
		return objectStat(h.entry), nil
	}
	now, err := h.bucket.Stat(h.logs.ctx, h.entry.Key)
	if errors.Is(err, sink.ErrNotFound) {
		return objectStat(h.entry), nil
	}
	if err != nil {
		return files.Stat{}, h.logs.fault("stat", h.path, err)
	}
	return objectStat(now), nil
}

// Close implements files.Handle.
func (h *objectHandle) Close() error { return h.reader.Close() }
