package filestest

import (
	"bytes"
	"index/suffixarray"
	"math/bits"
)

// Bzip2 compresses each part as a bzip2 stream of its own: valid, and no smaller than it must be. The
// standard library only reads bzip2.
func Bzip2(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		w := &bitWriter{}
		w.add(uint64('B')<<24|uint64('Z')<<16|uint64('h')<<8|uint64('9'), 32)
		sum := uint32(0)
		for len(p) > 0 {
			n := min(len(p), bzip2BlockBytes)
			block := p[:n]
			p = p[n:]
			crc := bzip2CRC(block)
			sum = bits.RotateLeft32(sum, 1) ^ crc
			w.add(0x314159265359, 48)
			w.add(uint64(crc), 32)
			w.block(shortenRuns(block))
		}
		w.add(0x177245385090, 48)
		w.add(uint64(sum), 32)
		out = append(out, w.bytes()...)
	}
	return out
}

// bzip2BlockBytes is how much goes into a block, so that a test has several.
const bzip2BlockBytes = 256 << 10

// shortenRuns writes every run of four equal bytes and more as four and a count.
func shortenRuns(b []byte) (out []byte) {
	for len(b) > 0 {
		n := 1
		for n < len(b) && n < 255 && b[n] == b[0] {
			n++
		}
		out = append(out, b[:min(n, 4)]...)
		if n >= 4 {
			out = append(out, byte(n-4))
		}
		b = b[n:]
	}
	return out
}

// block writes a block after its checksum.
func (w *bitWriter) block(b []byte) {
	last, origin := lastColumn(b)
	var used [256]bool
	for _, c := range b {
		used[c] = true
	}
	w.add(0, 1)
	w.add(uint64(origin), 24)
	symbols := w.used(&used)
	codes := moveToFront(last, &used, symbols)
	// Codes of two lengths that leave none unused, in both of the tables that there must be.
	long := bits.Len(uint(symbols + 1))
	short := 1<<long - (symbols + 2)
	w.add(2, 3)
	selectors := (len(codes) + 49) / 50
	w.add(uint64(selectors), 15)
	for range selectors {
		w.add(0, 1)
	}
	for range 2 {
		length := long
		if short > 0 {
			length--
		}
		w.add(uint64(length), 5)
		for i := range symbols + 2 {
			if i == short && short > 0 {
				w.add(0b10, 2) // one more
			}
			w.add(0, 1)
		}
	}
	for _, c := range codes {
		if c < short {
			w.add(uint64(c), long-1)
		} else {
			w.add(uint64(c+short), long)
		}
	}
}

// used says which bytes there are, and gives their number.
func (w *bitWriter) used(used *[256]bool) (symbols int) {
	var groups, all uint64
	var members [16]uint64
	for c, ok := range used {
		if ok {
			symbols++
			members[c/16] |= 1 << (15 - c%16)
		}
	}
	for i, m := range members {
		if m != 0 {
			groups |= 1 << (15 - i)
			all++
		}
	}
	w.add(groups, 16)
	for _, m := range members {
		if m != 0 {
			w.add(m, 16)
		}
	}
	return symbols
}

// lastColumn is the Burrows-Wheeler transform of b.
func lastColumn(b []byte) (last []byte, origin int) {
	index := suffixarray.New(append(bytes.Clone(b), b...))
	for c := range 256 {
		for _, at := range index.Lookup([]byte{byte(c)}, -1) { // in the order of the suffixes
			if at >= len(b) {
				continue
			}
			if at == 0 {
				origin = len(last)
			}
			last = append(last, b[(at+len(b)-1)%len(b)])
		}
	}
	return last, origin
}

// moveToFront gives the symbols to code: runs of zeros in two symbols, places, and the end.
func moveToFront(b []byte, used *[256]bool, symbols int) (codes []int) {
	var list []byte
	for c, ok := range used {
		if ok {
			list = append(list, byte(c))
		}
	}
	zeros := 0
	flush := func() {
		for ; zeros > 0; zeros = (zeros - 1) / 2 {
			codes = append(codes, (zeros+1)%2)
		}
	}
	for _, c := range b {
		i := bytes.IndexByte(list, c)
		if i == 0 {
			zeros++
			continue
		}
		flush()
		copy(list[1:], list[:i])
		list[0] = c
		codes = append(codes, i+1)
	}
	flush()
	return append(codes, symbols+1)
}

// bzip2CRC is CRC-32 from the upper bit down.
func bzip2CRC(b []byte) uint32 {
	crc := ^uint32(0)
	for _, c := range b {
		crc ^= uint32(c) << 24
		for range 8 {
			if carry := crc>>31 == 1; carry {
				crc = crc<<1 ^ 0x04c11db7
			} else {
				crc <<= 1
			}
		}
	}
	return ^crc
}

// bitWriter writes bits from the upper one down.
type bitWriter struct {
	out  []byte
	last uint64
	n    int
}

func (w *bitWriter) add(b uint64, n int) {
	for n > 0 {
		m := min(n, 8-w.n)
		w.last = w.last<<m | b>>(n-m)&(1<<m-1)
		w.n, n = w.n+m, n-m
		if w.n == 8 {
			w.out, w.last, w.n = append(w.out, byte(w.last)), 0, 0
		}
	}
}

func (w *bitWriter) bytes() []byte {
	if w.n > 0 {
		w.add(0, 8-w.n)
	}
	return w.out
}
