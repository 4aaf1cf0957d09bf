package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/source"
)

// MarkerSize is how many bytes before an offset a marker covers.
const MarkerSize = 1 << 10

// File is an open log file: the bytes that it held when it was opened. Its methods may be called
// concurrently, but for Reader and Close, and a Reader is one goroutine's. Close it; its Reader
// ends with it.
type File struct {
	path     string
	h        Handle
	stat     Stat
	encoding Encoding
	reader   *Reader // the live one
	// growing says that more may be appended: then a line without its newline is no record yet,
	// and no head.
	growing bool
	whole   bool // see AssumeWhole
}

// Open opens the file at path and tells from its first bytes whether it is plain, gzip (with any
// number of members), bzip2 (with any number of streams) or zstd (with any number of frames, skippable
// ones too). One that holds no text is an *UnsupportedError.
func Open(fsys FS, path string) (*File, error) {
	h, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, h: h}
	if err := f.inspect(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := f.Supported(); err != nil {
		return nil, errors.Join(ofMember(h, err), h.Close())
	}
	return f, nil
}

// Of makes a File of the bytes that h gives. path is what messages call the file, st is what
// File.Stat gives, and e must be the encoding of those bytes. Closing the File closes h.
func Of(path string, h Handle, st Stat, e Encoding) *File {
	return &File{path: path, h: h, stat: st, encoding: e}
}

func (f *File) inspect() (err error) {
	if f.stat, err = f.h.Stat(); err != nil {
		return err
	}
	var b [SniffLen]byte
	n, err := io.ReadFull(&section{path: f.path, h: f.h, size: f.stat.Size}, b[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	f.encoding, _ = Sniff(b[:n])
	return nil
}

// Path is the path that the file was opened by.
func (f *File) Path() string { return f.path }

// Stat describes the file as it was when it was opened. Its size is that of the stored bytes.
func (f *File) Stat() Stat { return f.stat }

// Compressed says whether the file is gzip, bzip2 or zstd.
func (f *File) Compressed() bool { return f.encoding.Compressed() }

// AssumeWhole takes a compressed file for whole that goes on with something else after its last member,
// frame or stream: it ends there. It is to be called before anything is read.
func (f *File) AssumeWhole() { f.whole = true }

// SetGrowing says that more may be appended to the file. Then a line without its newline is no record
// yet, and no head. It is to be called before anything is read.
func (f *File) SetGrowing() { f.growing = true }

// Growing says whether more may be appended to what the File gives.
func (f *File) Growing() bool { return f.growing }

// Changed says whether the file's size or time of modification now differ from when it was
// opened. It speaks of the open file, also when that was renamed or removed.
func (f *File) Changed() (bool, error) {
	now, err := f.h.Stat()
	if err != nil {
		return false, err
	}
	return now.Size != f.stat.Size || now.MtimeNS != f.stat.MtimeNS, nil
}

// Close closes the file and ends its Reader.
func (f *File) Close() error {
	f.endReader()
	return f.h.Close()
}

func (f *File) endReader() {
	if f.reader != nil {
		f.reader.win.src.Close()
		f.reader = nil
	}
}

// Head finds the file's head as source.Head does; the bytes it gives are the caller's. It is false
// without an error for an empty file, and for one that is not finished and has no head yet. A file
// that may grow (see SetGrowing) is not finished, whatever finished says.
//
// A compressed file with a fault in its first source.HeadWindow bytes has the head that stands
// before the fault, or none and gives the *CorruptError: what is not whole cannot name a source,
// or a whole copy would be another one.
func (f *File) Head(finished bool) ([]byte, bool, error) {
	s := f.open()
	defer s.Close()
	first, err := readUpTo(s, source.HeadWindow)
	var corrupt *CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		return nil, false, err
	}
	head, ok := source.Head(first, finished && !f.growing && corrupt == nil)
	if !ok {
		return nil, false, err
	}
	return bytes.Clone(head), true, nil
}

// readUpTo reads n bytes, or fewer at the end of the stream, which is no error. Memory grows with
// what is there.
func readUpTo(s *stream, n int) ([]byte, error) {
	w := window{src: s}
	w.fill(n)
	b := w.bytes()
	if len(b) >= n {
		return b[:n], nil
	}
	if w.err == io.EOF {
		return b, nil
	}
	return b, w.err
}

// Marker is the SHA-256 of the last MarkerSize bytes before off, or of all of them when they are
// fewer, as the file is now. It is for plain files: a compressed file is not followed as it grows.
// A file that ends before off gives a *ShrunkError.
func (f *File) Marker(off int64) (source.Digest, error) {
	b, err := f.Tail(off)
	if err != nil {
		return source.Digest{}, err
	}
	return source.DigestOf(b), nil
}

// Tail gives the bytes that Marker is the digest of.
func (f *File) Tail(off int64) ([]byte, error) {
	if f.Compressed() {
		return nil, fmt.Errorf("take marker of %s: the file is compressed", f.path)
	}
	if off < 0 {
		return nil, fmt.Errorf("take marker of %s: negative offset %d", f.path, off)
	}
	b := make([]byte, min(off, MarkerSize))
	s := section{path: f.path, h: f.h, off: off - int64(len(b)), size: off}
	if _, err := io.ReadFull(&s, b); err != nil {
		return nil, err
	}
	return b, nil
}

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
