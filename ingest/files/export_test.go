package files

import (
	"io"
	"time"
)

// SetChunkMax makes chunks, and so the buffer, smaller than they are outside tests.
func (r *Reader) SetChunkMax(n int) { r.chunkMax = n }

// BufferSize is how many bytes of the file r can hold.
func (r *Reader) BufferSize() int { return len(r.win.buf) }

// ReadAt reads stored bytes of f.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.h.ReadAt(p, off) }

// GroupLines is how many lines a group may have.
const GroupLines = groupLines

// SetMost bounds how many entries a look goes through.
func (f *Finder) SetMost(n int) { f.most = n }

// ImpatientZstd has who does not read lose the right to a large window at once.
func ImpatientZstd(t interface{ Cleanup(func()) }) {
	before := large.patience
	large.patience = time.Microsecond
	t.Cleanup(func() { large.patience = before })
}

// LargeDecoders is how many files have a large window.
func LargeDecoders() int {
	large.mu.Lock()
	defer large.mu.Unlock()
	if large.owner == nil {
		return 0
	}
	return 1
}

// Raw gives the decompressed bytes of a file.
func (f *File) Raw() interface {
	io.Reader
	Close()
} {
	return f.open()
}
