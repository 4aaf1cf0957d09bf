package follow_test

import (
	"errors"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
)

// tornFS is a file system on which things happen between the calls, and within reads.
type tornFS struct {
	*filestest.FS
	meddle func(within bool) error // asked before each call on a handle, and within each read
}

type tornHandle struct {
	files.Handle
	fsys *tornFS
}

func (f *tornFS) Open(path string) (files.Handle, error) {
	h, err := f.FS.Open(path)
	if err != nil {
		return nil, err
	}
	return tornHandle{h, f}, nil
}

func (f *tornFS) ask(within bool) error {
	if f.meddle == nil {
		return nil
	}
	return f.meddle(within)
}

func (h tornHandle) Stat() (files.Stat, error) {
	if err := h.fsys.ask(false); err != nil {
		return files.Stat{}, err
	}
	return h.Handle.Stat()
}

// ReadAt reads in two parts, upwards.
func (h tornHandle) ReadAt(p []byte, off int64) (int, error) {
	if err := h.fsys.ask(false); err != nil {
		return 0, err
	}
	half := len(p) / 2
	n, err := h.Handle.ReadAt(p[:half], off)
	if err != nil && n < half {
		return n, err
	}
	if err := h.fsys.ask(true); err != nil {
		return n, err
	}
	m, err := h.Handle.ReadAt(p[half:], off+int64(half))
	return n + m, err
}

var errBadDisk = errors.New("bad disk")
