package follow

import (
	"bytes"
	"slices"
	"sync"
)

// rawMax is how many bytes wait uncompressed, at most: fewer compress badly.
const rawMax = 32 << 10

// buffer holds a range of a file's bytes in memory: compressed blocks and, after them, the bytes that are
// not compressed yet. One goroutine changes it while others read.
type buffer struct {
	mu      sync.Mutex // for all below; the goroutine that changes the buffer may look without
	blocks  []block
	rawFrom int64
	raw     []byte // bytes are added to it in place
}

// reset makes b hold p, which begins at off, and nothing else.
func (b *buffer) reset(off int64, p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocks, b.rawFrom, b.raw = nil, off, bytes.Clone(p)
}

// add adds p at the end. It compresses without the lock: readers do not wait for it.
func (b *buffer) add(p []byte) {
	if len(b.raw)+len(p) <= rawMax {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.raw = append(b.raw, p...)
		return
	}
	if len(b.raw) > 0 {
		p = slices.Concat(b.raw, p)
	}
	blocks, off := b.blocks, b.rawFrom
	for len(p) > rawMax {
		n := min(len(p), blockMax)
		blocks = append(blocks, compressBlock(off, p[:n]))
		off, p = off+int64(n), p[n:]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocks, b.rawFrom, b.raw = blocks, off, bytes.Clone(p)
}

// forget lets go of the bytes before off, as far as it can without compressing again.
func (b *buffer) forget(off int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.blocks) && b.blocks[n].end <= off {
		n++
	}
	b.blocks = append([]block(nil), b.blocks[n:]...)
	if cut := off - b.rawFrom; len(b.blocks) == 0 && cut > 0 {
		b.rawFrom, b.raw = off, bytes.Clone(b.raw[cut:])
	}
}

// read copies bytes from off on into p if b has them uncompressed; else it returns the block that has the
// byte at off. n = 0 and a block without data say that b does not hold the byte.
func (b *buffer) read(p []byte, off int64) (n int, in block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if off >= b.rawFrom {
		if skip := off - b.rawFrom; skip < int64(len(b.raw)) {
			n = copy(p, b.raw[skip:])
		}
		return n, block{}
	}
	i, _ := slices.BinarySearchFunc(b.blocks, off, func(in block, off int64) int {
		if in.end <= off {
			return -1
		}
		return 1
	})
	if i < len(b.blocks) && b.blocks[i].start <= off {
		return 0, b.blocks[i]
	}
	return 0, block{}
}

// cost is how many bytes of memory b takes.
func (b *buffer) cost() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := int64(cap(b.raw)) + blockSize*int64(cap(b.blocks))
	for _, in := range b.blocks {
		n += int64(cap(in.data))
	}
	return n
}
