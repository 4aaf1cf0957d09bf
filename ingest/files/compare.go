package files

import (
	"bytes"
	"context"
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
		n, xEnds, err := readBlock(x, p)
		if err != nil {
			return Agreement{}, err
		}
		m, yEnds, err := readBlock(y, q)
		if err != nil {
			return Agreement{}, err
		}
		both := min(n, m)
		if same := commonPrefix(p[:both], q[:both]); same < both {
			return Agreement{Differ: true, Until: at + int64(same)}, nil
		}
		at += int64(both)
		if xEnds || yEnds {
			return Agreement{Until: at, Longer: n > both, Behind: m > both}, nil
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
