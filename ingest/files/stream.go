package files

import (
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"logseal/ingest/source"
)

// section reads the stored bytes of a file in order, up to the size it had when it was opened.
type section struct {
	path string
	h    Handle
	off  int64
	size int64
	err  error // the first error but io.EOF; a decompressor may hide it or change it
}

func (s *section) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.off >= s.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.size-s.off)]
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.h.ReadAt(p, s.off)
	s.off += int64(n)
	switch {
	case n == len(p):
		return n, nil
	case errors.Is(err, io.EOF):
		s.err = &ShrunkError{Path: s.path, Want: s.size, Have: s.off}
	case err != nil:
		s.err = fmt.Errorf("read %s at %d: %w", s.path, s.off, err)
	case n == 0:
		s.err = fmt.Errorf("read %s at %d: %w", s.path, s.off, io.ErrNoProgress)
	}
	return n, s.err
}

// rawBuffer is how much of a compressed file is read at once.
const rawBuffer = 64 << 10

// stream gives the decompressed bytes of a file from the start. Its first error stays; it is
// io.EOF, a *CorruptError, or that of the file system.
type stream struct {
	sec *section
	dec io.Reader
	end func()
	// whole says that the file ends where its last member, frame or stream does.
	whole bool
	off   int64 // decompressed bytes given
	err   error
}

// open starts a stream of f's bytes. Close it.
func (f *File) open() *stream {
	s := &stream{sec: &section{path: f.path, h: f.h, size: f.stat.Size}, end: func() {}, whole: f.whole}
	switch f.encoding {
	case plain:
		s.dec = s.sec
	case gzipped:
		s.dec = &gzipReader{br: bufio.NewReaderSize(s.sec, rawBuffer)}
	case bzipped:
		s.dec = bzip2.NewReader(bufio.NewReaderSize(s.sec, rawBuffer))
	case zstandard:
		dec, err := newZstdReader(s.sec)
		if err != nil {
			s.err = fmt.Errorf("decompress %s: %w", f.path, err)
			return s
		}
		s.dec, s.end = dec, dec.Close
	}
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.dec.Read(p)
	s.off += int64(n)
	switch {
	case err == nil:
	case s.sec.err != nil:
		s.err = s.sec.err
	case err == io.EOF, s.whole && isTrailing(err):
		s.err = io.EOF
	default:
		s.err = &CorruptError{Path: s.sec.path, Offset: s.off, Trailing: isTrailing(err), Err: err}
	}
	return n, s.err
}

// isLarge says whether the decompressor takes so much memory that there is one at a time.
func (s *stream) isLarge() bool {
	z, ok := s.dec.(*zstdReader)
	return ok && z.large
}

// isTrailing says whether a decompressor's error means that what follows a whole member, frame or stream
// is none: the first one begins as it must, else the file would not be taken for a compressed one.
func isTrailing(err error) bool {
	return errors.Is(err, errTrailing) || errors.Is(err, zstd.ErrMagicMismatch) || err == errBzip2Trailing
}

// Close gives the decompressor's memory back. Reading then gives an error.
func (s *stream) Close() {
	if s.err == nil || s.err == io.EOF {
		s.err = errClosed
	}
	s.end()
	s.end = func() {}
}

// errClosed is given by a Reader whose File was closed or has a newer Reader.
var errClosed = errors.New("read of a closed file")

// skip moves a new stream to off and gives some of the bytes before it: at least those after the
// last block boundary, and one if there is one.
func (s *stream) skip(ctx context.Context, off int64) ([]byte, error) {
	n := off
	if s.dec == io.Reader(s.sec) { // plain: no need to read it all
		if off > s.sec.size {
			return nil, &ShrunkError{Path: s.sec.path, Want: off, Have: s.sec.size}
		}
		n = min(off, source.BlockSize)
		s.sec.off, s.off = off-n, off-n
	}
	buf := make([]byte, min(n, scanBuffer))
	have := 0 // buf[:have] are the bytes before s.off
	for s.off < off {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if have == len(buf) {
			have = copy(buf, buf[have-source.BlockSize:])
		}
		want := min(int64(len(buf)-have), off-s.off)
		m, err := s.Read(buf[have : have+int(want)])
		have += m
		if err == io.EOF && s.off < off {
			err = &ShrunkError{Path: s.sec.path, Want: off, Have: s.off}
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	return buf[:have], nil
}
