package follow

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"logseal/ingest/files"
)

// File is a log file that grows. It stays open through renames and removal. Bytes that were read and
// are not sealed yet stay in memory, compressed: a truncation cannot take them back.
//
// The bytes [0, Taken) stood in one incarnation of the file, in this order. Read takes bytes only when
// the file, after they were read, still has the bytes around them. So bytes of two incarnations never
// mix, even if a writer truncates the file and fills it past its old end between two system calls or
// within one read.
//
// One goroutine calls Begin, Read, Release, Forget and Close. Any goroutine may call the other methods
// meanwhile, and may use Snapshots, as many as there are; none of them is called during Close.
//
// A compressed file is not read piece by piece: it has Snapshots only, of the whole file as it is.
type File struct {
	h files.Handle

	mu          sync.Mutex // guards all below; never held while the file is read
	path        string
	stat        files.Stat // the last one that was taken before the file was proved unchanged
	encoding    files.Encoding
	known       fingerprint     // of [0, Taken)
	held        *buffer         // up to known.at
	sealed      int64           // bytes before it are released
	incarnation int             // how often Begin began another one
	lost        *TruncatedError // the file no longer has this incarnation
}

// readMax is how much is read at once: what a truncation right after a read can take back.
const readMax = blockMax

// Open opens the file at path, whatever it holds, at its start.
func Open(fsys files.FS, path string) (*File, error) {
	h, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{h: h, path: path, known: newFingerprint(0, nil, nil), held: &buffer{}}
	if f.stat, err = f.Look(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return f, nil
}

// Close closes the file. Its Snapshots then give the bytes in memory. Of a lost incarnation there are no
// others anyway.
func (f *File) Close() error { return f.h.Close() }

// Path is what messages call the file.
func (f *File) Path() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path
}

// SetPath sets what messages call the file, after a rename.
func (f *File) SetPath(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = path
}

// Compressed reports whether the file is gzip, bzip2 or zstd, as far as the last look could tell. It is
// false for a file that is too short to tell, and may become true.
func (f *File) Compressed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.encoding.Compressed()
}

// Look describes the open file as it is now, whatever its name.
func (f *File) Look() (files.Stat, error) {
	st, err := f.h.Stat()
	if err != nil || f.Taken() > 0 {
		return st, err
	}
	return st, f.sniff()
}

// sniff tells the encoding from the first bytes.
func (f *File) sniff() error {
	var b [files.SniffLen]byte
	n, err := f.h.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s at 0: %w", f.Path(), err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.encoding, _ = files.Sniff(b[:n])
	return nil
}

// Begin begins at the offset at: no byte before it is in memory, and [0, at) is taken as the file has it
// now. A caller that has a proof of those bytes from earlier compares it (a Marker, by a Snapshot) after
// Begin. A file that ends before at is a *files.ShrunkError. After any error the File is unchanged. If
// the incarnation was lost, another one begins; Snapshots of the old one still give what they hold.
func (f *File) Begin(at int64) error {
	if at < 0 {
		return fmt.Errorf("follow %s: negative offset %d", f.Path(), at)
	}
	st, err := f.h.Stat()
	if err != nil {
		return err
	}
	known, ok, err := f.fingerprintAt(at)
	if err != nil {
		return err
	}
	if !ok || st.Size < at {
		return &files.ShrunkError{Path: f.Path(), Want: at, Have: st.Size}
	}
	if err := f.sniff(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stat, f.known, f.sealed = st, known, at
	f.held = &buffer{}
	f.holdTail()
	if f.lost != nil {
		f.lost = nil
		f.incarnation++
	}
	return nil
}

// fingerprintAt reads the fingerprint of [0, at); ok is false when the file is shorter.
func (f *File) fingerprintAt(at int64) (fp fingerprint, ok bool, err error) {
	n := min(at, files.MarkerSize)
	last, err := readExactly(f.h, at-n, n)
	if err != nil {
		return fp, false, fmt.Errorf("read %s before %d: %w", f.Path(), at, err)
	}
	first, err := readExactly(f.h, 0, n)
	if err != nil {
		return fp, false, fmt.Errorf("read %s at 0: %w", f.Path(), err)
	}
	if last == nil || first == nil {
		return fp, false, nil
	}
	return newFingerprint(at, first, last), true, nil
}

// Read takes into memory the bytes that the file has after Taken, at most limit (but never fewer than
// Sniff needs), and returns how many: 0 when there are no new ones. If the file was truncated, or has
// other bytes than those that were taken, the error is a *TruncatedError, now and from then on, until
// Begin. After any error the bytes that were taken stay.
//
// Read takes nothing while the file has too few bytes to tell whether it is compressed. A compressed
// file is an error.
func (f *File) Read(limit int64) (int64, error) {
	st, err := f.Look()
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	known, lost := f.known, f.lost
	f.mu.Unlock()
	if lost != nil {
		return 0, lost
	}
	if st.Size < known.at {
		return 0, f.loseAt(st.Size)
	}
	if known.at == 0 && limit > 0 {
		limit = max(limit, files.SniffLen)
	}
	start, end := known.at, min(st.Size, known.at+max(0, limit))
	for {
		next, err := f.take(known, min(end-known.at, readMax))
		if err != nil {
			return known.at - start, err
		}
		f.mu.Lock()
		f.stat = st
		f.mu.Unlock()
		if next.at == known.at {
			return known.at - start, nil
		}
		known = next
	}
}

// take takes n bytes after known and returns the fingerprint that includes them. With n = 0 it only
// proves that the file still has the bytes of known.
func (f *File) take(known fingerprint, n int64) (fingerprint, error) {
	buf := borrowBuffer()
	defer buffers.Put(buf)
	b := (*buf)[:n]
	last, err := f.readOwn(known, b, known.at)
	encoding, sure := files.Sniff(b)
	switch {
	case err != nil:
		return known, fmt.Errorf("read %s at %d: %w", f.Path(), known.at, err)
	case last == nil:
		return known, f.lose()
	case known.at == 0 && !sure:
		return known, nil
	case known.at == 0 && encoding.Compressed():
		return known, fmt.Errorf("follow %s: the file is compressed", f.Path())
	case n == 0:
		return known, nil
	}
	f.mu.Lock()
	atRest := f.sealed == known.at
	f.mu.Unlock()
	if atRest { // a Reader that goes on at known.at needs the bytes before b
		f.held.reset(known.at-int64(len(last)), last)
	}
	f.held.add(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = known.after(last, b)
	return f.known, nil
}

// readOwn fills b with the bytes at off if they are of the incarnation that known is of, and returns the
// last bytes before known.at. The bytes it returns are nil if b is of another incarnation.
//
// A truncation takes all bytes of the file. If a writer truncates and refills it before b is read, the
// checks after the read find the new bytes. If that happens during the read, b begins with old bytes and
// ends with new ones; the second read of the same place then begins with new ones, and differs from b.
func (f *File) readOwn(known fingerprint, b []byte, off int64) (last []byte, err error) {
	ok, err := readFull(f.h, b, off)
	if err != nil || !ok {
		return nil, err
	}
	if ok, err = hasBytes(f.h, b, off); err != nil || !ok {
		return nil, err
	}
	if last, err = known.tail(f.h); err != nil || last == nil {
		return nil, err
	}
	if ok, err = known.begins(f.h); err != nil || !ok {
		return nil, err
	}
	return last, nil
}
