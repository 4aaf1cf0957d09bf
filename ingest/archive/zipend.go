package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// The records that end a zip archive, APPNOTE 4.3.14 to 4.3.16: how they begin, and their fixed sizes.
var (
	endMark       = []byte("PK\x05\x06")
	locatorMark   = []byte("PK\x06\x07")
	end64Mark     = []byte("PK\x06\x06")
	endSize       = int64(22)
	locatorSize   = int64(20)
	end64Size     = int64(56)
	commentMost   = int64(1<<16 - 1)
	directoryMost = int64(32 << 20)
)

var (
	errNoZipEnd   = errors.New("it has no end record")
	errUnlisted   = errors.New("its directory does not begin where its end record says: bytes before are listed nowhere")
	errTooManyZip = errors.New("its directory is larger than 32 MiB or has more than 250,000 members")
)

// checkEnd looks at how a zip archive says that it ends before its directory is read into memory. Of two
// archives that were put together the directory of the second one is found, and that of the first one nowhere.
func checkEnd(h io.ReaderAt, size int64) error {
	tail := make([]byte, min(size, endSize+commentMost))
	if _, err := h.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	at := bytes.LastIndex(tail, endMark)
	if at < 0 || int64(len(tail)-at) < endSize {
		return errNoZipEnd
	}
	record, end := tail[at:], size-int64(len(tail)-at)
	le := binary.LittleEndian
	count, length, offset := uint64(le.Uint16(record[10:])), uint64(le.Uint32(record[12:])), uint64(le.Uint32(record[16:]))
	if count == 1<<16-1 || length == 1<<32-1 || offset == 1<<32-1 {
		record, at, err := end64(h, end)
		if err != nil {
			return err
		}
		if record != nil {
			end, count, length, offset = at, le.Uint64(record[32:]), le.Uint64(record[40:]), le.Uint64(record[48:])
		}
	}
	switch {
	case length > uint64(directoryMost) || count > membersMost:
		return errTooManyZip
	case offset > uint64(end) || int64(offset)+int64(length) != end:
		return errUnlisted
	}
	return nil
}

// end64 gives the larger end record and where it stands; nil when there is none.
func end64(h io.ReaderAt, end int64) (record []byte, at int64, err error) {
	locator := make([]byte, locatorSize)
	if end < locatorSize {
		return nil, 0, nil
	}
	if _, err := h.ReadAt(locator, end-locatorSize); err != nil {
		return nil, 0, err
	}
	if !bytes.HasPrefix(locator, locatorMark) {
		return nil, 0, nil
	}
	offset := binary.LittleEndian.Uint64(locator[8:])
	if offset > uint64(end-locatorSize) || end-locatorSize-int64(offset) < end64Size {
		return nil, 0, errNoZipEnd
	}
	record = make([]byte, end64Size)
	if _, err := h.ReadAt(record, int64(offset)); err != nil {
		return nil, 0, err
	}
	if !bytes.HasPrefix(record, end64Mark) {
		return nil, 0, errNoZipEnd
	}
	return record, int64(offset), nil
}
