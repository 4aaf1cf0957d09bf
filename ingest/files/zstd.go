package files

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window that a zstd file may ask for: what the zstd command decodes
// without being told to, so also `zstd --ultra -22` and `zstd --long`. It bounds memory.
const zstdWindow = 128 << 20

// newZstd gives a decompressor of all frames of r, skippable ones passed over. It decodes in the
// goroutine that reads, so it leaves nothing running.
func newZstd(r io.Reader) (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, fmt.Errorf("new zstd decoder: %w", err)
	}
	return dec, nil
}
