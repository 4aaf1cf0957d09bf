package archive

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// The methods of APPNOTE 4.4.5 that give what is read, besides zip.Store and zip.Deflate.
const (
	methodBzip2 = 12
	methodZstd  = 93
)

// encryptedFlag is bit 0 of the flags of APPNOTE 4.4.4.
const encryptedFlag = 1

func (d *directory) listZip(h io.ReaderAt, size int64) error {
	if err := checkEnd(h, size); err != nil {
		return err
	}
	r, err := zip.NewReader(h, size)
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if m := zipped(f); m != nil {
			if err := d.add(f.Name, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// zipped is a member; nil for a folder and for a link.
func zipped(f *zip.File) *member {
	switch {
	case f.Mode().IsRegular():
	case f.Mode().IsDir() && f.UncompressedSize64 > 0:
		return &member{trouble: &trouble{"a folder with bytes of its own in a zip archive", aZip.do}}
	default:
		return nil
	}
	if f.Flags&encryptedFlag != 0 {
		return &member{trouble: &trouble{"an encrypted member of a zip archive", aZip.do}}
	}
	offset, err := f.DataOffset()
	if err != nil || f.CompressedSize64 > math.MaxInt64/2 {
		return &member{trouble: cutOff}
	}
	m := &member{offset: offset, length: int64(f.CompressedSize64)}
	switch f.Method {
	case zip.Store, methodBzip2, methodZstd:
	case zip.Deflate:
		m.head, m.tail = gzipHead, gzipTail(f)
	default:
		m.trouble = &trouble{fmt.Sprintf("a member of a zip archive in method %d", f.Method), "7z x ARCHIVE"}
	}
	return m
}

// gzipHead begins a member of gzip (RFC 1952, 2.3) without a name or a time: what follows is deflated, as in
// zip.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// gzipTail ends one: the checksum and the length modulo 2^32 of what it gives.
func gzipTail(f *zip.File) []byte {
	b := binary.LittleEndian.AppendUint32(nil, f.CRC32)
	return binary.LittleEndian.AppendUint32(b, uint32(f.UncompressedSize64))
}
