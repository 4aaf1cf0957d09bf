package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"sort"
)

// Agreement is how far two files say the same.
type Agreement struct {
	Differ bool
	Until  int64 // where they differ, or where the first of them ends
	Longer bool  // the first one goes on after Until
	Behind bool  // the second one does
}

// Compare holds the decompressed bytes of two files against each other from an offset on, up to the
// end of the shorter one. A fault in a compressed file is its end.
func Compare(ctx context.Context, a, b *File, from int64) (Agreement, error) {
	x, err := openAt(ctx, a, from)
	if err != nil {
		return Agreement{}, err
	}
	defer x.Close()
	y, err := openAt(ctx, b, from)
	if err != nil {
		return Agreement{}, err
	}
	defer y.Close()
	p, q := make([]byte, scanBuffer), make([]byte, scanBuffer)
	for at := from; ; {
		if err := ctx.Err(); err != nil {
			return Agreement{}, err
		}
		if x.isLarge() && y.isLarge() {
			x.Close()
			y.Close()
			return compareInTurn(ctx, a, b, at)
		}
		n, xEnds, err := readBlock(x, p)
		if err != nil {
			return Agreement{}, err
		}
		m, yEnds, err := readBlock(y, q)
		if err != nil {
			return Agreement{}, err
		}
		if found := compareBlocks(p[:n], q[:m], at); found.Differ || xEnds || yEnds {
			return found, nil
		}
		at += int64(n)
	}
}

// compareBlocks compares what two files have from an offset on.
func compareBlocks(p, q []byte, at int64) Agreement {
	both := min(len(p), len(q))
	if same := commonPrefix(p[:both], q[:both]); same < both {
		return Agreement{Differ: true, Until: at + int64(same)}
	}
	return Agreement{Until: at + int64(both), Longer: len(p) > both, Behind: len(q) > both}
}

// compareInTurn is Compare for two files of which only one can be decompressed at a time: of the first one
// the digests of its blocks are kept.
func compareInTurn(ctx context.Context, a, b *File, from int64) (Agreement, error) {
	var sums [][sha256.Size]byte
	block := make([]byte, scanBuffer)
	err := eachBlock(ctx, a, from, block, func(p []byte) bool {
		sums = append(sums, sha256.Sum256(p))
		return true
	})
	if err != nil {
		return Agreement{}, err
	}
	at, i := from, 0
	var other []byte // the first block of b that is not as a's; nil when all are
	err = eachBlock(ctx, b, from, block, func(q []byte) bool {
		if i == len(sums) || sums[i] != sha256.Sum256(q) {
			other = bytes.Clone(q)
			return false
		}
		at, i = at+int64(len(q)), i+1
		return true
	})
	if err != nil {
		return Agreement{}, err
	}
	var its []byte
	err = eachBlock(ctx, a, at, block, func(p []byte) bool {
		its = p
		return false
	})
	return compareBlocks(its, other, at), err
}

// eachBlock gives a file's bytes from an offset on in blocks, all of one size but the last, until do says no.
func eachBlock(ctx context.Context, f *File, from int64, block []byte, do func([]byte) bool) error {
	s, err := openAt(ctx, f, from)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, ends, err := readBlock(s, block)
		if err != nil {
			return err
		}
		if n > 0 && !do(block[:n]) || ends {
			return nil
		}
	}
}

// commonPrefix is how many first bytes of a and b, which are as long, are the same.
func commonPrefix(a, b []byte) int {
	if bytes.Equal(a, b) {
		return len(a)
	}
	return sort.Search(len(a), func(n int) bool { return !bytes.Equal(a[:n+1], b[:n+1]) })
}

func openAt(ctx context.Context, f *File, from int64) (*stream, error) {
	s := f.open()
	if _, err := s.skip(ctx, from); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// readBlock fills p, or reads up to the end.
func readBlock(s *stream, p []byte) (n int, ends bool, err error) {
	n, err = io.ReadFull(s, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, new(*CorruptError)) {
		return n, true, nil
	}
	return n, false, err
}
