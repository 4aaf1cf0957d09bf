package follow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"logseal/ingest/files"
)

// Snapshot gives the bytes [0, end) as a files.File: from memory where they are held, else from the file.
// finished says that the source ends there. If it does not, it may grow: the files.File then gives neither
// a half line nor a head that is half a line. Its Stat is that of the last look, with end for the size; it
// is never Changed.
//
// end may be after Taken: the bytes behind Taken then come from the file. Bytes from the file are compared
// with those that were taken, as Read does. If they are of another incarnation, or gone, the read is a
// *files.ShrunkError, and the incarnation is lost.
//
// The Snapshot of a compressed file is the file as it is now, whatever end is.
func (f *File) Snapshot(end int64, finished bool) (*files.File, error) {
	st, err := f.lookUpTo(end)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var h files.Handle = borrowed{f.h}
	if !f.encoding.Compressed() {
		st.Size = end
		h = f.handleOf(st)
	}
	file := files.Of(f.path, h, st, f.encoding)
	if !finished {
		file.SetGrowing()
	}
	return file, nil
}

// handleOf gives the bytes [0, st.Size). f.mu is held.
func (f *File) handleOf(st files.Stat) *snapshot {
	return &snapshot{file: f, held: f.held, incarnation: f.incarnation, stat: st}
}

// lookUpTo gives a Stat of the file that proves it had end bytes; it looks if the last Stat does not.
func (f *File) lookUpTo(end int64) (files.Stat, error) {
	f.mu.Lock()
	st, lost, taken, encoding := f.stat, f.lost, f.known.at, f.encoding
	f.mu.Unlock()
	switch {
	case encoding.Compressed():
		return f.Look()
	case end < 0:
		return st, fmt.Errorf("view %s: negative end %d", f.Path(), end)
	case end <= taken:
		return st, nil
	case lost != nil:
		return st, &files.ShrunkError{Path: lost.Path, Want: end, Have: taken}
	}
	st, err := f.Look()
	if err == nil && st.Size < end {
		err = &files.ShrunkError{Path: f.Path(), Want: end, Have: st.Size}
	}
	return st, err
}

// readAt fills p from the file if the bytes are of the incarnation; else it gives an error.
func (f *File) readAt(p []byte, off int64, incarnation int) error {
	f.mu.Lock()
	known := f.known
	lost := f.lost != nil || f.incarnation != incarnation
	f.mu.Unlock()
	if lost {
		return &files.ShrunkError{Path: f.Path(), Want: off + int64(len(p)), Have: off}
	}
	last, err := f.readOwn(known, p, off)
	if err != nil {
		return err
	}
	f.mu.Lock()
	gone := f.lost != nil || f.incarnation != incarnation
	f.mu.Unlock()
	if last != nil && !gone {
		return nil
	}
	if !gone {
		if err := f.lose(); !errors.As(err, new(*TruncatedError)) {
			return err
		}
	}
	return &files.ShrunkError{Path: f.Path(), Want: off + int64(len(p)), Have: off}
}

// snapshot is a files.Handle of the bytes [0, stat.Size) of a File.
type snapshot struct {
	file        *File
	held        *buffer
	incarnation int
	stat        files.Stat

	mu     sync.Mutex // guards all below
	in     block      // what is in data
	data   []byte
	buf    *[]byte // lent, for data
	closed bool
}

var _ files.Handle = (*snapshot)(nil)

func (s *snapshot) Stat() (files.Stat, error) { return s.stat, nil }

func (s *snapshot) ReadAt(p []byte, off int64) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, &fs.PathError{Op: "read", Path: s.file.Path(), Err: fs.ErrClosed}
	}
	end := s.stat.Size - off
	if int64(len(p)) > end {
		p, err = p[:max(0, end)], io.EOF
	}
	for n < len(p) {
		m, err := s.read(p[n:], off+int64(n))
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, err
}

// read reads at least one byte, or gives an error.
func (s *snapshot) read(p []byte, off int64) (int, error) {
	if s.in.start <= off && off < s.in.end {
		return copy(p, s.data[off-s.in.start:]), nil
	}
	n, b := s.held.read(p, off)
	switch {
	case n > 0:
		return n, nil
	case b.data != nil:
		if err := s.unpack(b); err != nil {
			return 0, err
		}
		return s.read(p, off)
	}
	if err := s.file.readAt(p, off, s.incarnation); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *snapshot) unpack(b block) error {
	if s.buf == nil {
		s.buf = borrowBuffer()
	}
	data, err := b.decompress(*s.buf)
	if err != nil {
		return err
	}
	s.in, s.data = block{start: b.start, end: b.end}, data
	return nil
}

// Close gives the lent buffer back; the File stays open.
func (s *snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &fs.PathError{Op: "close", Path: s.file.Path(), Err: fs.ErrClosed}
	}
	s.closed, s.in, s.data = true, block{}, nil
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf = nil
	}
	return nil
}

// borrowed is a handle that Close leaves open.
type borrowed struct{ files.Handle }

func (borrowed) Close() error { return nil }
