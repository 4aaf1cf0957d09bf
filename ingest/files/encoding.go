package files

import (
	"compress/bzip2"
	"strings"
)

// Encoding is how a file's bytes are stored. The zero value is plain.
type Encoding uint8

const (
	plain Encoding = iota
	gzipped
	zstandard
	bzipped
)

// SniffLen is how many first bytes of a file Sniff needs.
const SniffLen = bzip2Len

// Sniff tells the encoding from a file's first bytes, up to SniffLen. A file that begins as a
// compressed one does is compressed, also when the rest of its header is broken: no text begins like
// that. sure is false when the file has no bytes but these and may, once it is longer, turn out to be
// compressed after all.
func Sniff(first []byte) (e Encoding, sure bool) {
	e = sniff(first)
	return e, e != plain || !mayBeCompressed(first)
}

// Compressed reports whether the file is gzip, bzip2 or zstd.
func (e Encoding) Compressed() bool { return e != plain }

func sniff(b []byte) Encoding {
	switch {
	case len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b:
		return gzipped
	case isBzip2(b):
		return bzipped
	case len(b) < 4:
		return plain
	case string(b[:4]) == "\x28\xb5\x2f\xfd":
		return zstandard
	case b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18": // a skippable frame
		return zstandard
	}
	return plain
}

// mayBeCompressed reports whether b is a proper part of the first bytes of a compressed file.
func mayBeCompressed(b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case b[0] == 0x1f:
		return len(b) < 2
	case mayBeBzip2(b):
		return !isBzip2(b)
	case len(b) >= 4:
		return false
	case b[0]&0xf0 == 0x50:
		return strings.HasPrefix("\x2a\x4d\x18", string(b[1:]))
	}
	return strings.HasPrefix("\x28\xb5\x2f\xfd", string(b))
}

// A bzip2 file is told by how it begins: the level, the mark of a block or of the end, the checksum, and
// that the block is no larger than the level allows, which no text has. Package compress/bzip2 reads all
// of its streams.
const (
	bzip2Block = "1AY&SY"
	bzip2End   = "\x17\x72\x45\x38\x50\x90"
	// bzip2Len is how many first bytes are looked at: the last one holds the upper bits of a place in
	// the block.
	bzip2Len = 15
)

// errBzip2Trailing is what package compress/bzip2 gives where no stream follows one.
var errBzip2Trailing error = bzip2.StructuralError("bad magic value in continuation file")

// mayBeBzip2 says whether b is the beginning of a bzip2 file as far as it goes.
func mayBeBzip2(b []byte) bool {
	if !strings.HasPrefix("BZh", string(b[:min(len(b), 3)])) || len(b) > 3 && (b[3] < '1' || b[3] > '9') {
		return false
	}
	if len(b) <= 4 {
		return true
	}
	mark := string(b[4:min(len(b), 10)])
	return strings.HasPrefix(bzip2End, mark) ||
		strings.HasPrefix(bzip2Block, mark) && (len(b) < bzip2Len || b[bzip2Len-1] < 8)
}

// isBzip2 says whether b is the beginning of a bzip2 file and of nothing else.
func isBzip2(b []byte) bool {
	return mayBeBzip2(b) && (len(b) >= bzip2Len || len(b) >= 10 && string(b[4:10]) == bzip2End)
}
