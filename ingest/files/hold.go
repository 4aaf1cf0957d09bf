package files

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
)

const (
	// holdBlock is how many bytes are compressed as one, at most.
	holdBlock = PackMax
	// holdRaw is how many bytes wait uncompressed, at most: fewer compress badly.
	holdRaw = 32 << 10
)

// hold is a range of a file's bytes in memory: compressed blocks and, after them, what is not
// compressed yet. One goroutine changes it while others read.
type hold struct {
	mu      sync.Mutex // for all below; whoever changes it may look without
	blocks  []block
	rawFrom int64
	raw     []byte // bytes are added to it in place
}

// block is the bytes [start, end), compressed. Its data is never changed.
type block struct {
	start, end int64
	data       []byte
}

// blockSize is what a block costs beside its data.
const blockSize = 48

// reset makes h hold b, which begins at off, and nothing else.
func (h *hold) reset(off int64, b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blocks, h.rawFrom, h.raw = nil, off, bytes.Clone(b)
}

// add adds b at the end. It compresses without the lock: readers do not wait for it.
func (h *hold) add(b []byte) {
	if len(h.raw)+len(b) <= holdRaw {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.raw = append(h.raw, b...)
		return
	}
	if len(h.raw) > 0 {
		b = slices.Concat(h.raw, b)
	}
	blocks, off := h.blocks, h.rawFrom
	for len(b) > holdRaw {
		n := min(len(b), holdBlock)
		blocks = append(blocks, compressBlock(off, b[:n]))
		off, b = off+int64(n), b[n:]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blocks, h.rawFrom, h.raw = blocks, off, bytes.Clone(b)
}

// forget lets go of what ends at off or before it, as far as it can without compressing again.
func (h *hold) forget(off int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for n < len(h.blocks) && h.blocks[n].end <= off {
		n++
	}
	h.blocks = append([]block(nil), h.blocks[n:]...)
	if cut := off - h.rawFrom; len(h.blocks) == 0 && cut > 0 {
		h.rawFrom, h.raw = off, bytes.Clone(h.raw[cut:])
	}
}

// read copies bytes from off on into p when they are there uncompressed, or gives the block that
// the one at off is in. With neither, it is not held.
func (h *hold) read(p []byte, off int64) (n int, b block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if off >= h.rawFrom {
		if skip := off - h.rawFrom; skip < int64(len(h.raw)) {
			n = copy(p, h.raw[skip:])
		}
		return n, block{}
	}
	i, _ := slices.BinarySearchFunc(h.blocks, off, func(b block, off int64) int {
		if b.end <= off {
			return -1
		}
		return 1
	})
	if i < len(h.blocks) && h.blocks[i].start <= off {
		return 0, h.blocks[i]
	}
	return 0, block{}
}

// cost is how many bytes of memory h takes.
func (h *hold) cost() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := int64(cap(h.raw)) + blockSize*int64(cap(h.blocks))
	for _, b := range h.blocks {
		n += int64(cap(b.data))
	}
	return n
}

func compressBlock(off int64, b []byte) block {
	scratch := blocks.Get().(*[]byte)
	data := Pack((*scratch)[:0], b)
	kept := bytes.Clone(data)
	blocks.Put(scratch)
	return block{start: off, end: off + int64(len(b)), data: kept}
}

// decompress appends b's bytes to buf.
func (b block) decompress(buf []byte) ([]byte, error) {
	out, err := Unpack(buf, b.data)
	if err == nil && int64(len(out)-len(buf)) != b.end-b.start {
		err = fmt.Errorf("want %d bytes, have %d", b.end-b.start, len(out)-len(buf))
	}
	if err != nil {
		return nil, fmt.Errorf("decompress what is held of [%d, %d): %w", b.start, b.end, err)
	}
	return out, nil
}

// blocks lends buffers of holdBlock bytes.
var blocks = sync.Pool{New: func() any {
	b := make([]byte, holdBlock)
	return &b
}}
