package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/files"
	"logseal/ingest/source"
)

// How much is read at once, as package files does it: a plain file into its window, a compressed
// one into the buffer before its decompressor.
const (
	readPlain      = 1 << 20
	readCompressed = 64 << 10
)

// readStored measures reading a file's stored bytes.
func readStored(ctx context.Context, fsys files.FS, path string, compressed bool) (
	m meter, size int64, err error) {
	h, err := fsys.Open(path)
	if err != nil {
		return m, 0, err
	}
	defer h.Close()
	buf := make([]byte, readPlain)
	if compressed {
		buf = buf[:readCompressed]
	}
	m.start()
	defer m.stop()
	for {
		n, err := h.ReadAt(buf, size)
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return m, size, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return m, size, fmt.Errorf("read %s at %d: %w", path, size, err)
		}
	}
}

// decompress measures decompressing f up to end and dropping it, as a Reader does that is to go
// on there. Reading the stored bytes is not in it: f was opened with stored.
func decompress(ctx context.Context, f *files.File, stored *meteredFS, end source.Point,
	maxRecord int) (cost, error) {
	stored.meter.cost = cost{}
	var m meter
	m.start()
	_, err := f.Reader(ctx, end, maxRecord)
	m.stop()
	if err != nil {
		return cost{}, fmt.Errorf("decompress %s: %w", f.Path(), err)
	}
	m.subTime(stored.meter.cost)
	return m.cost, nil
}

// meteredFS measures the time that reading takes below package files.
type meteredFS struct {
	files.FS
	meter stopwatch
}

// Open opens a file whose reads are measured.
func (m *meteredFS) Open(path string) (files.Handle, error) {
	h, err := m.FS.Open(path)
	if err != nil {
		return nil, err
	}
	return &meteredHandle{h, &m.meter}, nil
}

type meteredHandle struct {
	files.Handle
	meter *stopwatch
}

// ReadAt reads, and adds the time it took.
func (h *meteredHandle) ReadAt(p []byte, off int64) (int, error) {
	h.meter.start()
	defer h.meter.stop()
	return h.Handle.ReadAt(p, off)
}
