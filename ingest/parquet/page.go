package parquet

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/parquet/compress"
)

// pageKind is what a page holds, by the numbers that Parquet has for it.
type pageKind int32

const (
	dataPage       pageKind = 0
	dictionaryPage pageKind = 2
)

// pageHeader is what we need of the header of a page. Headers are Thrift, in its compact protocol.
type pageHeader struct {
	kind     pageKind
	size     int32 // uncompressed
	packed   int32 // compressed, as it follows the header
	values   int32 // nulls included
	encoding int32
	levels   int32 // the encoding of the definition levels
}

// page is a page with its values as they were before compression.
type page struct {
	pageHeader
	data []byte
}

// takePage reads the page at the front of a column chunk. Nothing that a damaged header claims is
// believed: what follows must be that long, and zstd must agree on what it holds. (Arrow's reader
// of pages takes up to 4 GiB on a claim.) It panics when zstd finds damage.
func takePage(chunk []byte) (p page, rest []byte, err error) {
	r := thriftReader{b: chunk}
	h := r.pageHeader()
	if r.err != nil {
		return p, nil, fmt.Errorf("page header: %w", r.err)
	}
	if h.size < 0 || h.packed < 0 || h.values < 0 || int64(h.packed) > int64(len(r.b)) {
		return p, nil, fmt.Errorf("page of %d bytes, packed in %d, with %d values, where %d are left",
			h.size, h.packed, h.values, len(r.b))
	}
	packed, rest := r.b[:h.packed], r.b[h.packed:]
	if err := checkFrame(packed, int(h.size)); err != nil {
		return p, nil, err
	}
	zstd, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		return p, nil, err
	}
	data := zstd.Decode(make([]byte, h.size), packed)
	if len(data) != int(h.size) {
		return p, nil, fmt.Errorf("page of %d bytes: it holds %d", h.size, len(data))
	}
	return page{h, data}, rest, nil
}

// pageHeader reads the fields that we need and skips the others, statistics for one.
func (r *thriftReader) pageHeader() (h pageHeader) {
	r.structure(func(id int16, typ byte) bool {
		switch {
		case id == 1 && typ == thriftI32:
			h.kind = pageKind(r.i32())
		case id == 2 && typ == thriftI32:
			h.size = r.i32()
		case id == 3 && typ == thriftI32:
			h.packed = r.i32()
		case (id == 5 || id == 7) && typ == thriftStruct: // of a data or dictionary page
			r.structure(func(id int16, typ byte) bool {
				switch {
				case id == 1 && typ == thriftI32:
					h.values = r.i32()
				case id == 2 && typ == thriftI32:
					h.encoding = r.i32()
				case id == 3 && typ == thriftI32:
					h.levels = r.i32()
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	return h
}

// The types of Thrift's compact protocol that are told apart here.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftStruct = 12
)

// thriftReader reads from the front of b. It keeps the first error.
type thriftReader struct {
	b   []byte
	err error
}

var errThrift = errors.New("damaged Thrift")

func (r *thriftReader) fail() {
	if r.err == nil {
		r.err = errThrift
	}
	r.b = nil
}

// bytes takes n bytes; nil when there are too few.
func (r *thriftReader) bytes(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *thriftReader) varint() int64 {
	v, rest, err := takeVarint(r.b)
	if err != nil {
		r.fail()
		return 0
	}
	r.b = rest
	return v
}

func (r *thriftReader) i32() int32 {
	v := r.varint()
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail()
	}
	return int32(v)
}

// structure reads a struct: take reads a field, or returns false to have it skipped.
func (r *thriftReader) structure(take func(id int16, typ byte) bool) {
	for id := int16(0); r.err == nil; {
		head := r.bytes(1)
		if head == nil || head[0] == 0 {
			return
		}
		if delta := head[0] >> 4; delta != 0 {
			id += int16(delta)
		} else {
			id = int16(r.varint())
		}
		if typ := head[0] & 0xf; !take(id, typ) {
			r.skip(typ)
		}
	}
}

// skip passes over a value. Lists and maps are in no header of ours.
func (r *thriftReader) skip(typ byte) {
	switch typ {
	case thriftTrue, thriftFalse: // the type is the value
	case thriftByte:
		r.bytes(1)
	case thriftI16, thriftI32, thriftI64:
		r.varint()
	case thriftDouble:
		r.bytes(8)
	case thriftBinary:
		n, rest, err := takeUvarint(r.b)
		if err != nil {
			r.fail()
			return
		}
		r.b = rest
		r.bytes(n)
	case thriftStruct:
		r.structure(func(_ int16, typ byte) bool {
			if typ == thriftStruct {
				r.fail() // none of ours is this deep; deeper ones could exhaust the stack
			}
			return false
		})
	default:
		r.fail()
	}
}
