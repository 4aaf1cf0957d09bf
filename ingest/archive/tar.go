package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// blockSize is what everything in a tar archive is a multiple of.
const blockSize = 512

// listTar lists a tar archive, and those that were appended behind its end.
func (d *directory) listTar(h io.ReaderAt, size int64) error {
	for at := int64(0); at < size; {
		end, err := d.listOneTar(io.NewSectionReader(h, at, size-at), at)
		if err != nil {
			return err
		}
		if at, err = afterZeros(h, end, size); err != nil {
			return err
		}
	}
	return nil
}

// errNoEnd says that the block of zeros is missing that ends an archive: members may have been cut off with it.
var errNoEnd = errors.New("it has no end")

// listOneTar lists up to the block of zeros that ends an archive, and gives where that is.
func (d *directory) listOneTar(r *io.SectionReader, base int64) (end int64, err error) {
	t := tar.NewReader(r)
	for {
		header, err := t.Next()
		if err == io.EOF {
			if end >= base+r.Size() {
				return end, errNoEnd
			}
			return end, nil
		}
		at, seekErr := r.Seek(0, io.SeekCurrent)
		if err = errors.Join(err, seekErr); err != nil {
			return end, fmt.Errorf("at %d: %w", base+at, err)
		}
		end = base + at + (header.Size+blockSize-1)/blockSize*blockSize
		if header.Typeflag != tar.TypeReg && header.Typeflag != tar.TypeCont &&
			header.Typeflag != tar.TypeGNUSparse {
			continue
		}
		m := &member{offset: base + at, length: header.Size}
		if isSparse(header) {
			m.trouble = &trouble{"a sparse member of a tar archive", aTar.do}
		}
		if err := d.add(header.Name, m); err != nil {
			return end, err
		}
	}
}

// isSparse tells whether a member is stored without its holes: what lies there is a map and pieces.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// afterZeros gives where the first block is from at on that is not all zeros, or size.
func afterZeros(h io.ReaderAt, at, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for at < size {
		b := buf[:min(int64(len(buf)), size-at)]
		if _, err := h.ReadAt(b, at); err != nil && err != io.EOF {
			return at, err
		}
		if i := bytes.IndexFunc(b, func(r rune) bool { return r != 0 }); i >= 0 {
			return at + int64(i)/blockSize*blockSize, nil
		}
		at += int64(len(b))
	}
	return size, nil
}
