package follow

import (
	"bytes"
	"fmt"
	"sync"

	"logseal/ingest/files"
)

// block is the bytes [start, end) of a file, compressed. Its data is never changed.
type block struct {
	start, end int64
	data       []byte
}

const (
	// blockMax is how many bytes a block has, at most.
	blockMax = files.PackMax
	// blockSize is how many bytes of memory a block takes beside its data.
	blockSize = 48
)

func compressBlock(off int64, p []byte) block {
	scratch := borrowBuffer()
	defer buffers.Put(scratch)
	data := files.Pack((*scratch)[:0], p)
	return block{start: off, end: off + int64(len(p)), data: bytes.Clone(data)}
}

// decompress gives b's bytes, in the memory of buf if they fit.
func (b block) decompress(buf []byte) ([]byte, error) {
	out, err := files.Unpack(buf, b.data)
	if err == nil && int64(len(out)) != b.end-b.start {
		err = fmt.Errorf("want %d bytes, have %d", b.end-b.start, len(out))
	}
	if err != nil {
		return nil, fmt.Errorf("decompress what is held of [%d, %d): %w", b.start, b.end, err)
	}
	return out, nil
}

// buffers lends slices of blockMax bytes. A borrower puts the pointer back that it got.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, blockMax)
	return &b
}}

func borrowBuffer() *[]byte { return buffers.Get().(*[]byte) }
