package files

import (
	"bytes"
	"io"

	"logseal/ingest/source"
)

// nextInRange finds the next chunk of the range; n is 0 when the range ends.
func (r *Reader) nextInRange() (piece, error) {
	if r.pos >= r.current.barrier || r.current.some && r.pos >= r.current.limit { // full: no need to look ahead
		return piece{}, nil
	}
	if p, full, err := r.padding(); p.n > 0 || full || err != nil {
		return p, err
	}
	if p := r.lines(); p.n > 0 {
		return p, nil
	}
	p, err := r.nextRecord()
	if err != nil || p.n == 0 {
		return piece{}, err
	}
	if r.current.some && r.pos+int64(p.n) > r.current.limit {
		return piece{}, nil
	}
	return p, nil
}

// lines gives the whole lines, none of them long, that are next, up to the limits of the chunk and
// of the range. It is empty also when the next record may be one but that is not yet certain.
func (r *Reader) lines() piece {
	r.win.fill(r.chunkMax)
	if r.place.inLine > 0 || r.bom() > 0 {
		return piece{}
	}
	b := r.win.bytes()
	n := min(int64(len(b)), int64(r.chunkMax), r.current.limit-r.pos, r.current.barrier-r.pos)
	b = beforePadding(b[:max(n, 0)])
	if r.part != nil {
		n, carry := wholeGroups(b, r.pos, newJoiner(r.part, r.carry), r.maxRecord)
		return piece{n: n, kind: source.Lines, carry: carry}
	}
	return piece{n: wholeLines(b, r.maxRecord), kind: source.Lines}
}

// nextRecord finds the next record, or the BOM, whatever the range's limit; n is 0 when there is
// none before the end of the file or its fault.
func (r *Reader) nextRecord() (piece, error) {
	r.win.fill(len(source.BOM))
	n := r.bom()
	if n == 0 {
		return r.recordAfter(0, r.place)
	}
	// A range does not end after a BOM while a record follows: so the BOM is not given before it is
	// known that one does, or that the file, or the range of whoever was here before, ends there.
	bom := piece{n: n, kind: source.ByteOrderMark, carry: r.carry}
	switch past := r.current.barrier - int64(len(source.BOM)); {
	case past == 0:
		return bom, nil
	case past < 0:
		return r.piece(0, int(r.current.barrier-r.pos), r.place, true), nil
	}
	next, err := r.recordAfter(n, place{})
	if err != nil {
		return piece{}, err
	}
	if next.n > 0 {
		return bom, nil
	}
	if len(r.win.bytes()) > n || r.win.err != io.EOF {
		return piece{}, nil
	}
	if ok, err := r.mayTakeHalf(); err != nil || !ok {
		return piece{}, err
	}
	return bom, nil
}

// bom gives how many bytes of a BOM at the start of the file are next.
func (r *Reader) bom() int {
	if int64(r.place.bom) != r.pos || !r.place.begins() {
		return 0
	}
	rest := source.BOM[r.pos:]
	if b := r.win.bytes(); len(b) < len(rest) || string(b[:len(rest)]) != rest {
		return 0
	}
	return len(rest)
}

// recordAfter finds the record that begins skip bytes into the window.
func (r *Reader) recordAfter(skip int, at place) (piece, error) {
	for {
		b := r.win.bytes()[skip:]
		if room := r.current.barrier - r.pos - int64(skip); r.current.again && int64(len(b)) >= room {
			return r.piece(skip, int(room), at, true), nil
		}
		if p := r.piece(skip, len(b), at, false); p.n > 0 {
			return r.upToBarrier(p, skip, at), nil
		}
		if r.win.err != nil {
			break
		}
		r.win.fill(skip + min(max(2*len(b), r.chunkMax), r.reach()))
	}
	switch {
	case r.fault() != nil:
		return piece{}, nil
	case r.win.err != io.EOF:
		return piece{}, r.win.err
	}
	b := r.win.bytes()[skip:]
	if len(b) == 0 {
		return piece{}, nil
	}
	if ok, err := r.mayTakeHalf(); err != nil || !ok {
		if n := bytes.LastIndexByte(b, '\n') + 1; n > 0 {
			r.current.leftEnd = r.pos + int64(skip+n)
		}
		return piece{}, err
	}
	return r.upToBarrier(r.piece(skip, len(b), at, true), skip, at), nil
}

// reach is how many bytes from its start tell where a record ends.
func (r *Reader) reach() int {
	if r.part != nil {
		return r.maxRecord + 3
	}
	return r.maxRecord + 2
}

// piece finds the record that begins skip bytes into the window, looking at n bytes from there on;
// ended says that the file ends with them.
func (r *Reader) piece(skip, n int, at place, ended bool) piece {
	b := r.win.bytes()[skip : skip+n]
	if r.part != nil && at.inLine == 0 {
		return nextGroup(b, r.pos+int64(skip), newJoiner(r.part, r.carry), r.maxRecord, ended)
	}
	p := nextPiece(b, at, r.maxRecord, ended)
	p.carry = r.carry
	return p
}

// upToBarrier gives the record p, or as much of it as is before the barrier: what it was when the
// file ended there, which is when whoever put the barrier read it.
func (r *Reader) upToBarrier(p piece, skip int, at place) piece {
	room := r.current.barrier - r.pos - int64(skip)
	if int64(p.n) <= room {
		return p
	}
	return r.piece(skip, int(room), at, true)
}

// mayTakeHalf says whether a half line at the end of the file, or a record that lacks its last
// part, is a record: not when the file may grow or has changed, for then it may go on.
func (r *Reader) mayTakeHalf() (bool, error) {
	if r.file.growing {
		r.current.left = true
		return false, nil
	}
	if r.current.sure {
		return true, nil
	}
	changed, err := r.file.Changed()
	if err != nil {
		return false, err
	}
	r.current.left = changed
	return !changed, nil
}
