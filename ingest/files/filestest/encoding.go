package filestest

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Encodings stores one content in every way that a log file may be stored. Store splits the content at
// split where the encoding has members, frames or streams.
var Encodings = []struct {
	Name  string
	Store func(data []byte, split int) []byte
}{
	{"plain", func(data []byte, _ int) []byte { return data }},
	{"gzip", func(data []byte, _ int) []byte { return Gzip(data) }},
	{"gzip members", func(data []byte, split int) []byte {
		return append(Gzip(data[:split], nil, data[split:]), 0, 0, 0)
	}},
	{"zstd frames", func(data []byte, split int) []byte {
		return SkippedZstd(data[:split], nil, data[split:])
	}},
	{"bzip2 streams", func(data []byte, split int) []byte {
		return Bzip2(data[:split], nil, data[split:])
	}},
	{"zstd", func(data []byte, _ int) []byte { return Zstd(data) }},
}

// Gzip compresses each part as a gzip member of its own.
func Gzip(parts ...[]byte) []byte {
	return packed(parts, "", func(out io.Writer) (io.WriteCloser, error) {
		return gzip.NewWriter(out), nil
	})
}

// Zstd compresses each part as a zstd frame of its own.
func Zstd(parts ...[]byte) []byte { return packed(parts, "", newZstdWriter) }

// SkippableFrame is a zstd frame that holds no content.
const SkippableFrame = "\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"

// SkippedZstd is Zstd with a SkippableFrame before each part's frame.
func SkippedZstd(parts ...[]byte) []byte { return packed(parts, SkippableFrame, newZstdWriter) }

func newZstdWriter(out io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
}

// packed writes before and then the compressed bytes of each part. Memory takes all that is written, so
// an error is a fault of this package.
func packed(parts [][]byte, before string, open func(io.Writer) (io.WriteCloser, error)) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		out.WriteString(before)
		w, err := open(&out)
		if err == nil {
			_, err = w.Write(p)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			panic(fmt.Sprintf("filestest: compress %d bytes: %v", len(p), err))
		}
	}
	return slices.Clip(out.Bytes())
}
