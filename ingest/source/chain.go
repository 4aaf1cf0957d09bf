package source

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
)

// BlockSize is the SHA-256 block: a chain can be resumed from its state at a multiple of it.
const BlockSize = sha256.BlockSize

// ChainState is the state of a chain at the last block boundary: the eight FIPS 180-4 words, big
// endian. With the bytes after the boundary, which are read again from the source, it resumes the
// chain. Its text form is 64 hex digits.
type ChainState [32]byte

// ParseChainState reads the text form of a ChainState.
func ParseChainState(s string) (ChainState, error) {
	var c ChainState
	if err := parseHex(c[:], s); err != nil {
		return ChainState{}, fmt.Errorf("chain state %q: %w", s, err)
	}
	return c, nil
}

// String gives 64 lower-case hex digits.
func (c ChainState) String() string { return Digest(c).String() }

// MarshalText implements encoding.TextMarshaler.
func (c ChainState) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it is as strict as ParseChainState.
func (c *ChainState) UnmarshalText(b []byte) (err error) {
	*c, err = ParseChainState(string(b))
	return err
}

// Point is a place in a source with the proof of all bytes before it.
type Point struct {
	Offset int64      `json:"offset"`
	Chain  Digest     `json:"chain"`
	State  ChainState `json:"state"`
	// Line is where the line that Offset lies within begins, after padding: Offset itself at the start
	// of a line, less after a fragment or after a half line at the end of a file.
	Line int64 `json:"line"`
	// Carry is what else a format carries over. A Chain does not know it: only who read up to Offset
	// does.
	Carry Carry `json:"carry,omitzero"`
}

// Mark is the point's offset and chain.
func (p Point) Mark() Mark { return Mark{p.Offset, p.Chain} }

// Origin is the Point at offset 0.
func Origin() Point { return NewChain().Point() }

// Chain is the SHA-256 of all bytes of a source from 0 to Offset. It also follows where the
// current line began, which is all that our formats carry from before a range, and keeps the
// standard marks that it comes past.
type Chain struct {
	h    hash.Hash
	off  int64
	line int64
	bom  int // bytes of the line, if they are the beginning of a BOM and all there is of it; else 0

	marks    []Mark // come past, in order
	nextMark int64  // the next one
}

// NewChain starts a chain at offset 0.
func NewChain() *Chain { return &Chain{h: sha256.New(), nextMark: NextMark(0)} }

// sha256Magic opens the encoding of a SHA-256 state in crypto/sha256, which is stable: programs
// store it.
const sha256Magic = "sha\x03"

// Resume goes on at p. tail holds the bytes of the source from the last block boundary before
// p.Offset up to p.Offset, and those before that which may be the beginning of a BOM. It returns an error
// when they do not lead to p's chain. The chain has no marks yet.
func Resume(p Point, tail []byte) (*Chain, error) {
	base := p.Offset - p.Offset%BlockSize
	line := tail[max(0, int64(len(tail))-(p.Offset-p.Line)):]
	if more := int64(len(tail)) - (p.Offset - base); more > 0 {
		tail = tail[more:]
	}
	if int64(len(tail)) != p.Offset-base {
		return nil, fmt.Errorf("resume chain at %d: want %d bytes after the block boundary, have %d",
			p.Offset, p.Offset-base, len(tail))
	}
	b := make([]byte, 0, len(sha256Magic)+32+BlockSize+8)
	b = append(b, sha256Magic...)
	b = append(b, p.State[:]...)
	b = append(b, make([]byte, BlockSize)...)
	b = binary.BigEndian.AppendUint64(b, uint64(base))
	c := &Chain{h: sha256.New(), off: p.Offset, line: p.Line, nextMark: NextMark(p.Offset)}
	if int64(len(line)) == p.Offset-p.Line {
		c.bom = BOMStart(line)
	}
	if err := c.h.(encoding.BinaryUnmarshaler).UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("resume chain at %d: %w", p.Offset, err)
	}
	c.h.Write(tail)
	if got := c.Sum(); got != p.Chain {
		return nil, fmt.Errorf("resume chain at %d: the bytes before it have changed", p.Offset)
	}
	return c, nil
}

// Write adds p to the chain; it never fails.
func (c *Chain) Write(p []byte) (int, error) {
	c.hash(p)
	n := len(p)
	if i := bytes.LastIndexByte(p, '\n') + 1; i > 0 {
		c.line, c.bom, c.off, p = c.off+int64(i), 0, c.off+int64(i), p[i:]
	}
	c.skipPadding(p)
	c.off += int64(len(p))
	return n, nil
}

// skipPadding lets the line begin after padding. The chain stands before p, which has no line end.
func (c *Chain) skipPadding(p []byte) {
	if c.off != c.line+int64(c.bom) || len(p) == 0 {
		return // it has begun
	}
	if whole := PaddingLen(p, c.bom); whole > 0 {
		c.line, c.bom = c.off+int64(whole), BOMStart(p[whole:])
		return
	}
	if c.bom = c.bom + len(p); c.bom >= len(BOM) || string(p) != BOM[c.bom-len(p):c.bom] {
		c.bom = 0
	}
}

// Offset is the number of bytes in the chain.
func (c *Chain) Offset() int64 { return c.off }

// Sum is the SHA-256 of all bytes so far. The chain can go on.
func (c *Chain) Sum() Digest { return Digest(c.h.Sum(nil)) }

// Clone gives a chain that stands where c does and goes on apart from it.
func (c *Chain) Clone() *Chain {
	h, err := c.h.(hash.Cloner).Clone()
	if err != nil {
		panic(fmt.Sprintf("source: clone SHA-256 state at %d: %v", c.off, err))
	}
	d := *c
	d.h, d.marks = h, slices.Clone(c.marks)
	return &d
}

// Point is where the chain stands. The chain can go on.
func (c *Chain) Point() Point {
	p := Point{Offset: c.off, Chain: c.Sum(), Line: c.line}
	b, err := c.h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("source: marshal SHA-256 state at %d: %v", c.off, err))
	}
	copy(p.State[:], b[len(sha256Magic):])
	return p
}
