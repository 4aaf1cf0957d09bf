package files

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// PackMax is how many bytes Pack takes at most: enough to compress well, little enough to unpack for
// a look at any byte in them.
const PackMax = 256 << 10

// packer compresses and decompresses for the whole process: what it keeps in memory is bounded, and
// one goroutine at a time uses either half.
var packer = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	var err error
	c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(PackMax))
	if err == nil {
		c.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(PackMax))
	}
	if err != nil {
		panic(fmt.Sprintf("files: zstd refuses our settings: %v", err))
	}
	return c
})

// Pack appends b, compressed, to dst: bytes of a log that are kept in memory. It is fast rather than
// thorough.
func Pack(dst, b []byte) []byte { return packer().enc.EncodeAll(b, dst) }

// Unpack gives the bytes that Pack made packed of, in the memory of buf if they fit. More than PackMax bytes
// are an error.
func Unpack(buf, packed []byte) ([]byte, error) { return packer().dec.DecodeAll(packed, buf[:0]) }
