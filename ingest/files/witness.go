package files

import (
	"bytes"
	"errors"
	"io"

	"logseal/ingest/source"
)

// witness is what is remembered of the bytes [0, at) of a file that may be truncated and written
// anew at any time: enough to tell that it was, and that is all. It is small: a file at rest has
// one.
type witness struct {
	at    int64
	first source.Digest // of the file's first MarkerSize bytes, or of all when they are fewer
	last  source.Digest // of the last MarkerSize bytes before at, or of all
	// end is the last source.BlockSize bytes before at, or all: what a chain is resumed with.
	end    [source.BlockSize]byte
	endLen int
}

// newWitness is that of [0, at): first and last are its first and last MarkerSize bytes.
func newWitness(at int64, first, last []byte) witness {
	w := witness{at: at, first: source.DigestOf(first), last: source.DigestOf(last)}
	w.endLen = copy(w.end[:], last[max(0, len(last)-len(w.end)):])
	return w
}

// after is the witness once b follows; last is what stands before it.
func (w witness) after(last, b []byte) witness {
	near := append(last[:len(last):len(last)], b[:min(len(b), MarkerSize)]...)
	first := near[:min(len(near), MarkerSize)]
	tail := b[max(0, len(b)-MarkerSize):]
	if len(tail) < MarkerSize {
		tail = near[max(0, len(near)-MarkerSize):]
	}
	next := newWitness(w.at+int64(len(b)), first, tail)
	if w.at >= MarkerSize {
		next.first = w.first
	}
	return next
}

// tail gives the last bytes before w.at, as many as w.last is of; nil when the file does not have
// them any more.
func (w witness) tail(h Handle) ([]byte, error) {
	n := min(w.at, MarkerSize)
	b, err := readExactly(h, w.at-n, n)
	if err != nil || b == nil || source.DigestOf(b) != w.last {
		return nil, err
	}
	return b, nil
}

// begins tells whether the file still has the first bytes that w knows.
func (w witness) begins(h Handle) (bool, error) {
	b, err := readExactly(h, 0, min(w.at, MarkerSize))
	return err == nil && b != nil && source.DigestOf(b) == w.first, err
}

// readExactly gives the n bytes at off, nil when the file ends before.
func readExactly(h Handle, off, n int64) ([]byte, error) {
	b := make([]byte, n)
	if ok, err := readFull(h, b, off); err != nil || !ok {
		return nil, err
	}
	return b, nil
}

// readFull fills b from off on; false when the file ends before.
func readFull(h Handle, b []byte, off int64) (bool, error) {
	if len(b) == 0 {
		return true, nil
	}
	n, err := h.ReadAt(b, off)
	switch {
	case n == len(b):
		return true, nil
	case err == nil:
		return false, io.ErrNoProgress
	case errors.Is(err, io.EOF):
		return false, nil
	}
	return false, err
}

// hasBytes tells whether the file has the bytes b at off.
func hasBytes(h Handle, b []byte, off int64) (bool, error) {
	buf := blocks.Get().(*[]byte)
	defer blocks.Put(buf)
	for len(b) > 0 {
		again := (*buf)[:min(len(b), len(*buf))]
		ok, err := readFull(h, again, off)
		if err != nil || !ok || !bytes.Equal(again, b[:len(again)]) {
			return false, err
		}
		b, off = b[len(again):], off+int64(len(again))
	}
	return true, nil
}
