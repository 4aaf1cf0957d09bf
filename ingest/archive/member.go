package archive

import (
	"fmt"
	"io"

	"logseal/ingest/files"
)

// member is where an archive has the bytes of a file. What is given of it is head, length bytes of the
// archive from offset on, and tail.
type member struct {
	in             *kind
	offset, length int64
	head, tail     []byte
	trouble        *trouble // why it cannot be read; nil for no reason
}

// trouble is why a member cannot be read.
type trouble struct{ what, do string }

// cutOff is the trouble of a member that the archive has no longer or not yet.
var cutOff = &trouble{what: "a member that extends past the end of its archive"}

func (t *trouble) at(path string) error {
	return &files.UnsupportedError{Path: path, What: t.what, Do: t.do}
}

func (m *member) size() int64 { return int64(len(m.head)) + m.length + int64(len(m.tail)) }

// stat describes a member of an archive that is as of says. Its path is all the identity it has: it has no
// inode, and is another one when the archive is.
func (m *member) stat(of files.Stat) files.Stat {
	return files.Stat{Size: m.size(), MtimeNS: of.MtimeNS, CtimeNS: of.CtimeNS,
		Version: fmt.Sprintf("%x-%x-%x-%x", of.Dev, of.Inode, of.Size, m.offset)}
}

// handle is an open member.
type handle struct {
	archive files.Handle
	member  *member
}

var _ files.Member = (*handle)(nil)

func (h *handle) Stat() (files.Stat, error) {
	of, err := h.archive.Stat()
	return h.member.stat(of), err
}

func (h *handle) Close() error { return h.archive.Close() }

// Archive implements files.Member.
func (h *handle) Archive() (what, do string) { return h.member.in.what, h.member.in.do }

// ReadAt implements files.Handle.
func (h *handle) ReadAt(p []byte, off int64) (n int, err error) {
	m := h.member
	for at, part := int64(0), 0; part < 3 && n < len(p); part++ {
		size := []int64{int64(len(m.head)), m.length, int64(len(m.tail))}[part]
		from := off + int64(n) - at
		at += size
		if from >= size {
			continue
		}
		into := p[n:min(int64(len(p)), int64(n)+size-from)]
		switch part {
		case 0:
			n += copy(into, m.head[from:])
		case 1:
			read, err := h.archive.ReadAt(into, m.offset+from)
			n += read
			if read < len(into) {
				return n, err
			}
		case 2:
			n += copy(into, m.tail[from:])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
