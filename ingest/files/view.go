package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// View gives the bytes [0, end) as a File: from memory where they are held, else from the file.
// finished says that the source ends there; else it may grow, and the File gives no half line and
// no head but a whole one. Its Stat is that of the last look, with end for the size, and it is
// never Changed.
//
// end may be after Taken: what is there then comes from the file. What is read from the file is
// held against what was taken as Read does it; bytes that are not of this incarnation, or gone,
// are a *ShrunkError, and the incarnation is lost.
//
// A View of a compressed file is the file as it is now; end says nothing.
func (l *Live) View(end int64, finished bool) (*File, error) {
	st, err := l.lookUpTo(end)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var h Handle = borrowed{l.h}
	if !l.encoding.Compressed() {
		st.Size = end
		h = &view{live: l, held: l.held, incarnation: l.incarnation, stat: st}
	}
	f := Of(l.path, h, st, l.encoding)
	if !finished {
		f.SetGrowing()
	}
	return f, nil
}

// lookUpTo looks at the file when it must to know that it has end bytes.
func (l *Live) lookUpTo(end int64) (Stat, error) {
	l.mu.Lock()
	st, lost, taken, encoding := l.stat, l.lost, l.witness.at, l.encoding
	l.mu.Unlock()
	switch {
	case encoding.Compressed():
		return l.Look()
	case end < 0:
		return st, fmt.Errorf("view %s: negative end %d", l.Path(), end)
	case end <= taken:
		return st, nil
	case lost != nil:
		return st, &ShrunkError{Path: lost.Path, Want: end, Have: taken}
	}
	st, err := l.Look()
	if err == nil && st.Size < end {
		err = &ShrunkError{Path: l.Path(), Want: end, Have: st.Size}
	}
	return st, err
}

// readAt reads from the file what is of the incarnation, all of p or nothing.
func (l *Live) readAt(p []byte, off int64, incarnation int) error {
	l.mu.Lock()
	w := l.witness
	lost := l.lost != nil || l.incarnation != incarnation
	l.mu.Unlock()
	if lost {
		return &ShrunkError{Path: l.Path(), Want: off + int64(len(p)), Have: off}
	}
	last, err := l.readOwn(w, p, off)
	if err != nil {
		return err
	}
	l.mu.Lock()
	gone := l.lost != nil || l.incarnation != incarnation
	l.mu.Unlock()
	if last != nil && !gone {
		return nil
	}
	if !gone {
		if err := l.lose(); !errors.As(err, new(*TruncatedError)) {
			return err
		}
	}
	return &ShrunkError{Path: l.Path(), Want: off + int64(len(p)), Have: off}
}

// view is a Handle of [0, stat.Size) of a Live.
type view struct {
	live        *Live
	held        *hold
	incarnation int
	stat        Stat

	mu     sync.Mutex // guards all below
	in     block      // what is in data
	data   []byte
	buf    *[]byte // lent, for data
	closed bool
}

var _ Handle = (*view)(nil)

func (v *view) Stat() (Stat, error) { return v.stat, nil }

func (v *view) ReadAt(p []byte, off int64) (n int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return 0, &fs.PathError{Op: "read", Path: v.live.Path(), Err: fs.ErrClosed}
	}
	end := v.stat.Size - off
	if int64(len(p)) > end {
		p, err = p[:max(0, end)], io.EOF
	}
	for n < len(p) {
		m, err := v.read(p[n:], off+int64(n))
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, err
}

// read reads some bytes, at least one or an error.
func (v *view) read(p []byte, off int64) (int, error) {
	if v.in.start <= off && off < v.in.end {
		return copy(p, v.data[off-v.in.start:]), nil
	}
	n, b := v.held.read(p, off)
	switch {
	case n > 0:
		return n, nil
	case b.data != nil:
		if err := v.unpack(b); err != nil {
			return 0, err
		}
		return v.read(p, off)
	}
	if err := v.live.readAt(p, off, v.incarnation); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (v *view) unpack(b block) error {
	if v.buf == nil {
		v.buf = blocks.Get().(*[]byte)
	}
	data, err := b.decompress((*v.buf)[:0])
	if err != nil {
		return err
	}
	v.in, v.data = block{start: b.start, end: b.end}, data
	return nil
}

// Close gives the buffer back; the Live stays open.
func (v *view) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return &fs.PathError{Op: "close", Path: v.live.Path(), Err: fs.ErrClosed}
	}
	v.closed, v.in, v.data = true, block{}, nil
	if v.buf != nil {
		blocks.Put(v.buf)
		v.buf = nil
	}
	return nil
}

// borrowed is a Handle that stays open.
type borrowed struct{ Handle }

func (borrowed) Close() error { return nil }
