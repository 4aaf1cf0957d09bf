package files

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// Live is a log file that is followed. It stays open through renames and removal, and keeps in
// memory, compressed, what was read of it and is not sealed: truncation cannot take that back.
//
// [0, Taken) is its own: those bytes were there in one incarnation of the file, in this order.
// What was read is taken only when a look at the file after the read still finds the bytes around
// it as they were. A file that is truncated and written anew, also past where it was, between
// any two system calls or within a read, never mixes its bytes with those before.
//
// One goroutine calls Begin, Read, Release and Forget; any may call the other methods meanwhile, but
// for Close, and use Views, as many as there are.
//
// A compressed file is not followed: of it there are only Views, whole, as it is.
type Live struct {
	h Handle

	mu          sync.Mutex // guards all below; never held while the file is read
	path        string
	stat        Stat // at the last look that was before a proof that the file is what it was
	encoding    Encoding
	witness     witness
	held        *hold // up to witness.at
	sealed      int64
	incarnation int             // how often Begin began another one
	lost        *TruncatedError // the file does not have this incarnation any more
}

// liveRead is how much is read at once: what a truncation right after a read can take back.
const liveRead = holdBlock

// OpenLive opens the file at path, whatever it holds, at its start.
func OpenLive(fsys FS, path string) (*Live, error) {
	h, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	l := &Live{h: h, path: path, witness: newWitness(0, nil, nil), held: &hold{}}
	if l.stat, err = l.Look(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return l, nil
}

// Path is what the file is called in messages.
func (l *Live) Path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.path
}

// SetPath says what the file is called after a rename.
func (l *Live) SetPath(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.path = path
}

// Compressed says whether the file is gzip, bzip2 or zstd, as far as the last look could tell: it is
// false for a file that was too short, and may become true.
func (l *Live) Compressed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.encoding.Compressed()
}

// Look describes the open file as it is now, whatever its name.
func (l *Live) Look() (Stat, error) {
	st, err := l.h.Stat()
	if err != nil || l.Taken() > 0 {
		return st, err
	}
	return st, l.tell()
}

// tell tells the format from the first bytes.
func (l *Live) tell() error {
	var b [SniffLen]byte
	n, err := l.h.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s at 0: %w", l.Path(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.encoding, _ = Sniff(b[:n])
	return nil
}

// Begin begins at the offset at: nothing before it is held, but [0, at) is taken as it is in the
// file now. So whoever has proof of those bytes from before compares it (a Marker, by a View)
// after Begin. A file that ends before is a *ShrunkError, and after any error the Live is as it
// was. When the incarnation was lost, another one begins; Views of the one before go on to serve
// what they hold.
func (l *Live) Begin(at int64) error {
	if at < 0 {
		return fmt.Errorf("follow %s: negative offset %d", l.Path(), at)
	}
	st, err := l.h.Stat()
	if err != nil {
		return err
	}
	n := min(at, MarkerSize)
	last, err := readExactly(l.h, at-n, n)
	if err != nil {
		return fmt.Errorf("read %s before %d: %w", l.Path(), at, err)
	}
	first, err := readExactly(l.h, 0, n)
	if err != nil {
		return fmt.Errorf("read %s at 0: %w", l.Path(), err)
	}
	if last == nil || first == nil || st.Size < at {
		return &ShrunkError{Path: l.Path(), Want: at, Have: st.Size}
	}
	if err := l.tell(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stat, l.witness, l.sealed = st, newWitness(at, first, last), at
	l.held = &hold{}
	l.rest()
	if l.lost != nil {
		l.lost = nil
		l.incarnation++
	}
	return nil
}

// rest makes l hold no more than a chain is resumed with.
func (l *Live) rest() {
	end := l.witness.end[:l.witness.endLen]
	l.held.reset(l.witness.at-int64(len(end)), end)
}

// Read takes into memory what the file has after Taken, at most limit bytes (but never fewer than
// tell whether the file is compressed), and says how many those are; 0 when there is nothing new.
// When the file was truncated, or its bytes are not those that were taken, the error is a
// *TruncatedError, now and from then on, until Begin. After any error what was taken stays.
//
// A file whose few bytes do not tell whether it is compressed is not taken yet; one that is
// compressed gives an error.
func (l *Live) Read(limit int64) (int64, error) {
	st, err := l.Look()
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	w, lost := l.witness, l.lost
	l.mu.Unlock()
	if lost != nil {
		return 0, lost
	}
	if st.Size < w.at {
		return 0, l.loseAt(st.Size)
	}
	if w.at == 0 && limit > 0 {
		limit = max(limit, SniffLen)
	}
	start, end := w.at, min(st.Size, w.at+max(0, limit))
	for {
		next, err := l.take(w, min(end-w.at, liveRead))
		if err != nil {
			return w.at - start, err
		}
		l.mu.Lock()
		l.stat = st
		l.mu.Unlock()
		if next.at == w.at {
			return w.at - start, nil
		}
		w = next
	}
}

// take takes n bytes after w, or looks whether w still holds when that is none, and gives the
// witness of what is taken then.
func (l *Live) take(w witness, n int64) (witness, error) {
	buf := blocks.Get().(*[]byte)
	defer blocks.Put(buf)
	b := (*buf)[:n]
	last, err := l.readOwn(w, b, w.at)
	encoding, sure := Sniff(b)
	switch {
	case err != nil:
		return w, fmt.Errorf("read %s at %d: %w", l.Path(), w.at, err)
	case last == nil:
		return w, l.lose()
	case w.at == 0 && !sure:
		return w, nil
	case w.at == 0 && encoding.Compressed():
		return w, fmt.Errorf("follow %s: the file is compressed", l.Path())
	case n == 0:
		return w, nil
	}
	l.mu.Lock()
	resting := l.sealed == w.at
	l.mu.Unlock()
	if resting { // what is before b is needed again
		l.held.reset(w.at-int64(len(last)), last)
	}
	l.held.add(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.witness = w.after(last, b)
	return l.witness, nil
}

// readOwn fills b with what the file has at off if that is of the incarnation that w is of, and
// gives the last bytes before w.at; they are nil if it is not.
//
// Whatever takes the place of the file's bytes before b is read is seen by the looks after that,
// for a truncation takes all of them. If it happens in the course of the read, b begins with old
// bytes and ends with new ones; then what is read there again begins with new ones.
func (l *Live) readOwn(w witness, b []byte, off int64) (last []byte, err error) {
	ok, err := readFull(l.h, b, off)
	if err != nil || !ok {
		return nil, err
	}
	if ok, err = hasBytes(l.h, b, off); err != nil || !ok {
		return nil, err
	}
	if last, err = w.tail(l.h); err != nil || last == nil {
		return nil, err
	}
	if ok, err = w.begins(l.h); err != nil || !ok {
		return nil, err
	}
	return last, nil
}

// lose notes that the file is not what it was.
func (l *Live) lose() error {
	st, err := l.h.Stat()
	if err != nil {
		return err
	}
	return l.loseAt(st.Size)
}

func (l *Live) loseAt(size int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == nil {
		l.lost = &TruncatedError{Path: l.path, Taken: l.witness.at, Size: size}
	}
	return l.lost
}

// Abandon says that the file does not have this incarnation any more, as a *TruncatedError does.
func (l *Live) Abandon() {
	l.mu.Lock()
	size := l.stat.Size
	l.mu.Unlock()
	_ = l.loseAt(size) // it always gives the loss
}

// Lost says whether the file was found not to have this incarnation any more, or was abandoned.
// Then Views serve what is held and give a *ShrunkError for all else.
func (l *Live) Lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost != nil
}

// Taken is the end of what is the file's own.
func (l *Live) Taken() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.witness.at
}

// Held is how many bytes of memory it costs to hold what was taken and not released.
func (l *Live) Held() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sealed == l.witness.at {
		return 0
	}
	return l.held.cost()
}

// Release forgets what is before upTo, which is sealed. What a Reader that goes on there needs
// stays: while there is more, MarkerSize bytes; else what a chain is resumed with.
func (l *Live) Release(upTo int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	upTo = min(upTo, l.witness.at)
	if upTo <= l.sealed {
		return
	}
	l.sealed = upTo
	if upTo == l.witness.at {
		l.rest()
		return
	}
	l.held.forget(max(0, upTo-MarkerSize))
}

// Forget goes back to what was released: what was taken after that is no longer held, and is read again.
// It does so only while the file has it; else the error is a *TruncatedError, as of Read. After any error
// what was taken stays.
func (l *Live) Forget() error {
	st, err := l.h.Stat()
	if err != nil {
		return err
	}
	l.mu.Lock()
	w, at, lost := l.witness, l.sealed, l.lost
	l.mu.Unlock()
	if lost != nil {
		return lost
	}
	if at == w.at {
		return nil
	}
	n := min(at, MarkerSize)
	last, err := readExactly(l.h, at-n, n)
	if err != nil {
		return fmt.Errorf("read %s before %d: %w", l.Path(), at, err)
	}
	first, err := readExactly(l.h, 0, n)
	if err != nil {
		return fmt.Errorf("read %s at 0: %w", l.Path(), err)
	}
	// If the file has all that was taken after this, then it had it when last and first were read.
	if last == nil || first == nil || st.Size < w.at {
		return l.lose()
	}
	if _, err := l.take(w, 0); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stat, l.witness, l.held = st, newWitness(at, first, last), &hold{}
	l.rest()
	return nil
}

// Close closes the file. Views then serve what is held; of a lost incarnation nothing else is left anyway.
func (l *Live) Close() error { return l.h.Close() }
