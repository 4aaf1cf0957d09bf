package source

import (
	"math"
	"slices"
)

// Mark is an offset of a source with the chain there.
type Mark struct {
	Offset int64
	Chain  Digest
}

// The standard mark offsets of every source: the powers of 4 from the first to the step, then every
// multiple of the step. Early in a source they are close, so that files which begin alike are told
// apart soon; further on they cost a hash in 64 MiB.
const (
	markFirst = BlockSize
	markStep  = 64 << 20
)

// NextMark is the least standard mark offset after off, math.MaxInt64 when there is none.
func NextMark(off int64) int64 {
	if off > math.MaxInt64-markStep {
		return math.MaxInt64
	}
	if off >= markStep {
		return (off/markStep + 1) * markStep
	}
	next := int64(markFirst)
	for next <= off {
		next *= 4
	}
	return next
}

// Marks gives those standard marks strictly between after and before that the chain has come past
// since it began or was resumed and that it was not let forget; nil for none.
func (c *Chain) Marks(after, before int64) []Mark {
	var some []Mark
	for _, m := range c.marks {
		if m.Offset > after && m.Offset < before {
			some = append(some, m)
		}
	}
	return some
}

// ForgetMarks lets the chain forget the marks up to off, so that a long source does not fill the
// memory with them.
func (c *Chain) ForgetMarks(off int64) {
	c.marks = slices.DeleteFunc(c.marks, func(m Mark) bool { return m.Offset <= off })
}

// hash adds p to the digest, and keeps each mark that it comes to.
func (c *Chain) hash(p []byte) {
	off := c.off
	for int64(len(p)) >= c.nextMark-off {
		n := c.nextMark - off
		c.h.Write(p[:n])
		off, p = c.nextMark, p[n:]
		c.marks = append(c.marks, Mark{off, c.Sum()})
		c.nextMark = NextMark(off)
	}
	c.h.Write(p)
}
