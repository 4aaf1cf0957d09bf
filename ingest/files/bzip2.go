package files

import (
	"compress/bzip2"
	"strings"
)

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
