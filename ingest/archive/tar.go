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
		if end <= at {
			return fmt.Errorf("at %d: no header", at)
		}
		if at, err = afterZeros(h, end, size); err != nil {
			return err
		}
	}
	return nil
}

// errNoEnd says that the block of zeros is missing that ends an archive: members may have been cut off with it.
var errNoEnd = errors.New("it has no end")

// listOneTar lists up to the blocks of zeros that end an archive, and gives where they end.
func (d *directory) listOneTar(r *io.SectionReader, base int64) (end int64, err error) {
	t := tar.NewReader(r)
	for {
		header, err := t.Next()
		at, seekErr := r.Seek(0, io.SeekCurrent)
		switch {
		case err == io.EOF && seekErr == nil:
			return base + at, endsInZeros(r, at)
		case err != nil || seekErr != nil:
			return base + at, fmt.Errorf("at %d: %w", base+at, errors.Join(err, seekErr))
		}
		if m := tarred(header, base+at); m != nil {
			if err := d.add(header.Name, m); err != nil {
				return base + at, err
			}
		}
	}
}

// tarred is the member of a header whose bytes begin at an offset; nil for one that has none, as a folder or a
// link.
func tarred(h *tar.Header, offset int64) *member {
	m := &member{offset: offset, length: h.Size}
	switch {
	case isSparse(h):
		m.trouble = &trouble{"a sparse member of a tar archive", aTar.do}
	case h.Typeflag == tar.TypeReg, h.Typeflag == tar.TypeCont:
	case h.Size > 0:
		m.trouble = &trouble{fmt.Sprintf("a member of a tar archive of type %q", h.Typeflag), aTar.do}
	default:
		return nil
	}
	return m
}

// endsInZeros wants the block before an offset to be zeros.
func endsInZeros(r io.ReaderAt, at int64) error {
	block := make([]byte, blockSize)
	if at < blockSize {
		return errNoEnd
	}
	if _, err := r.ReadAt(block, at-blockSize); err != nil && err != io.EOF {
		return err
	}
	if len(bytes.Trim(block, "\x00")) > 0 {
		return errNoEnd
	}
	return nil
}

// isSparse reports whether a member is stored without its holes: what lies there is a map and pieces.
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
