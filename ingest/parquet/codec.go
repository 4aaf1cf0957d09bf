package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/parquet/compress"
)

// pageCodec is arrow's zstd, which would make an encoder for each page it compresses. It takes
// arrow's place for the whole program; only this package imports arrow.
type pageCodec struct{ compress.Codec }

func init() {
	zstd, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(fmt.Sprintf("seal: arrow has no zstd: %v", err))
	}
	compress.RegisterCodec(compress.Codecs.Zstd, pageCodec{zstd})
}

// EncodeLevel compresses src with encoders that are used again. The level is always the default:
// it is part of the encoder's version.
func (c pageCodec) EncodeLevel(dst, src []byte, _ int) []byte { return c.Encode(dst, src) }

// unsized is the size from which on our encoder says in a frame's header how much it holds.
const unsized = 256

// checkFrame returns an error unless the zstd frame src says that it holds size bytes, or is too
// small to say so.
func checkFrame(src []byte, size int) error {
	have, ok := frameSize(src)
	if ok && have != uint64(size) || !ok && size >= unsized {
		return fmt.Errorf("page of %d bytes: its zstd frame does not agree", size)
	}
	return nil
}

// frameSize reads how many bytes a zstd frame holds, from its header. It gives false for a frame
// that does not say it, or is none.
func frameSize(src []byte) (uint64, bool) {
	const magic, header = 0xfd2fb528, 5
	if len(src) < header || binary.LittleEndian.Uint32(src) != magic {
		return 0, false
	}
	descriptor, rest := src[header-1], src[header:]
	single, dict := descriptor&(1<<5) != 0, descriptor&3
	if dict != 0 || len(rest) == 0 {
		return 0, false
	}
	if !single {
		rest = rest[1:] // the window
	}
	switch sizeBytes := 1 << (descriptor >> 6); {
	case len(rest) < sizeBytes || sizeBytes == 1 && !single:
		return 0, false
	case sizeBytes == 1:
		return uint64(rest[0]), true
	case sizeBytes == 2:
		return uint64(binary.LittleEndian.Uint16(rest)) + 256, true
	case sizeBytes == 4:
		return uint64(binary.LittleEndian.Uint32(rest)), true
	default:
		return binary.LittleEndian.Uint64(rest), true
	}
}
