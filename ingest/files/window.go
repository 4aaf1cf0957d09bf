package files

// window is a part of a stream that is in memory. It grows no further than it is asked to.
type window struct {
	src *stream
	buf []byte
	lo  int   // buf[lo:hi] is the window
	hi  int   //
	err error // why the stream gives no more after the window
}

// windowFirst is the first size of a window: a small file needs no more.
const windowFirst = 64 << 10

// bytes gives the window; it is valid until the next fill.
func (w *window) bytes() []byte { return w.buf[w.lo:w.hi] }

// drop takes the first n bytes away.
func (w *window) drop(n int) { w.lo += n }

// fill reads until the window holds at least n bytes or the stream gives no more.
func (w *window) fill(n int) {
	for w.hi-w.lo < n && w.err == nil {
		if w.hi == len(w.buf) {
			w.makeRoom(n)
		}
		var m int
		m, w.err = w.src.Read(w.buf[w.hi:])
		w.hi += m
	}
}

// makeRoom makes room behind a window that is to hold n bytes and holds fewer.
func (w *window) makeRoom(n int) {
	old := w.bytes()
	if w.lo == 0 {
		w.buf = make([]byte, min(n, max(windowFirst, 4*len(w.buf))))
	}
	w.hi = copy(w.buf, old)
	w.lo = 0
}
