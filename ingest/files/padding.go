package files

import (
	"bytes"
	"io"

	"logseal/ingest/source"
)

// padding gives the padding that is next, up to the limits of the chunk and of the range: a hole of any
// length is many chunks, and ranges end in it as they end at lines. full says that the range ends before
// a BOM that does not fit into it.
//
// Of a file that may grow padding is taken once something follows it, or once there is more of it than a
// record may have: a writer may have made room in the file, and fill it later.
func (r *Reader) padding() (p piece, full bool, err error) {
	if !r.place.begins() {
		return piece{}, false, nil
	}
	most := max(r.chunkMax, len(source.BOM))
	r.win.fill(most)
	if r.bom() > 0 {
		return piece{}, false, nil
	}
	b := r.win.bytes()
	b = b[:min(len(b), most)]
	n := source.PaddingLen(b, r.place.bom)
	if n == 0 {
		return piece{}, false, nil
	}
	certain := n < len(b) || n > r.maxRecord || n >= most
	if room := r.current.barrier - r.pos; int64(n) >= room {
		if n, certain = source.PaddingLen(b[:room], r.place.bom), true; n == 0 {
			return r.cutBOM(int(room))
		}
	}
	if room := r.current.limit - r.pos; int64(n) > room {
		n, certain = r.paddingWithin(b, room), true
		if n == 0 {
			return piece{}, true, nil
		}
	}
	if ok, err := r.mayTakePadding(certain); err != nil || !ok {
		return piece{}, false, err
	}
	return piece{n: n, kind: source.Padding, carry: r.carry}, false, nil
}

// cutBOM gives what is before the barrier of a BOM that it cuts: a line, if the file ended there.
func (r *Reader) cutBOM(room int) (p piece, full bool, err error) {
	if p = r.piece(0, room, r.place, true); r.current.some && r.pos+int64(p.n) > r.current.limit {
		return piece{}, true, nil
	}
	return p, false, nil
}

// paddingWithin is how much of the padding that begins b fits into room: the first of it does in any
// case if the range holds nothing yet.
func (r *Reader) paddingWithin(b []byte, room int64) int {
	n := source.PaddingLen(b[:max(room, 0)], r.place.bom)
	switch {
	case n > 0 || r.current.some:
		return n
	case b[0] == 0:
		return 1
	}
	return len(source.BOM) - r.place.bom
}

// mayTakePadding says whether padding that ends where the window does, unless it is certain, is all there
// is.
func (r *Reader) mayTakePadding(certain bool) (bool, error) {
	switch {
	case certain:
		return true, nil
	case r.fault() != nil:
		return false, nil
	case r.win.err != io.EOF:
		return false, r.win.err
	}
	return r.mayTakeHalf()
}

// beforePadding gives the lines of b up to the first that begins with padding. b itself does not.
func beforePadding(b []byte) []byte {
	if bytes.IndexByte(b, 0) >= 0 {
		if i := bytes.Index(b, []byte("\n\x00")); i >= 0 {
			b = b[:i+1]
		}
	}
	if bytes.IndexByte(b, source.BOM[2]) >= 0 {
		if i := bytes.Index(b, []byte("\n"+source.BOM)); i >= 0 {
			b = b[:i+1]
		}
	}
	return b
}
