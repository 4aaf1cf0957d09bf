package files

import (
	"context"
	"io"
	"slices"

	"logseal/ingest/source"
)

// scanBuffer is how much is hashed between two looks at the context.
const scanBuffer = 256 << 10

// Marks reads the whole file once and gives the Point at each of the offsets that the file
// reaches, and at its end. With a *CorruptError both are given too, as far as the file goes.
func (f *File) Marks(ctx context.Context, offsets []int64) (
	marks map[int64]source.Point, end source.Point, err error) {
	marks, chain, err := f.scan(ctx, offsets, false)
	return marks, chain.Point(), err
}

// MarksTo is Marks, but reads no further than the greatest of the offsets; reached is how far it
// came. A fault after that is not seen.
func (f *File) MarksTo(ctx context.Context, offsets []int64) (
	marks map[int64]source.Point, reached int64, err error) {
	marks, chain, err := f.scan(ctx, offsets, true)
	return marks, chain.Offset(), err
}

// ChainTo reads the file up to off, or to its end where that is less, and gives the chain there with
// its marks.
func (f *File) ChainTo(ctx context.Context, off int64) (*source.Chain, error) {
	_, chain, err := f.scan(ctx, []int64{off}, true)
	return chain, err
}

func (f *File) scan(ctx context.Context, offsets []int64, stop bool) (
	map[int64]source.Point, *source.Chain, error) {
	marks := make(map[int64]source.Point, len(offsets))
	chain := source.NewChain()
	rest := slices.Sorted(slices.Values(offsets))
	for len(rest) > 0 && rest[0] < 0 {
		rest = rest[1:]
	}
	s := f.open()
	defer s.Close()
	buf := make([]byte, min(scanBuffer, max(f.stat.Size, 4<<10)))
	var err error
	for {
		for len(rest) > 0 && rest[0] == chain.Offset() {
			marks[rest[0]] = chain.Point()
			rest = rest[1:]
		}
		if err == io.EOF || stop && len(rest) == 0 {
			return marks, chain, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return marks, chain, err
		}
		b := buf
		if len(rest) > 0 {
			b = buf[:min(int64(len(buf)), rest[0]-chain.Offset())]
		}
		var n int
		n, err = s.Read(b)
		chain.Write(b[:n])
	}
}

// PointFrom gives the Point at off, and reads only what is between it and from, which is a Point of the
// file at or before off. It returns a *ChangedError when from is none.
func (f *File) PointFrom(ctx context.Context, from source.Point, off int64) (source.Point, error) {
	s := f.open()
	defer s.Close()
	tail, err := s.skip(ctx, from.Offset)
	if err != nil {
		return source.Point{}, err
	}
	chain, err := source.Resume(from, tail)
	if err != nil {
		return source.Point{}, &ChangedError{Path: f.path, Offset: from.Offset, Err: err}
	}
	buf := make([]byte, min(scanBuffer, max(0, off-from.Offset)))
	for chain.Offset() < off {
		if err := ctx.Err(); err != nil {
			return source.Point{}, err
		}
		n, err := s.Read(buf[:min(int64(len(buf)), off-chain.Offset())])
		chain.Write(buf[:n])
		if err == io.EOF && chain.Offset() < off {
			err = &ShrunkError{Path: f.path, Want: off, Have: chain.Offset()}
		}
		if err != nil && err != io.EOF {
			return source.Point{}, err
		}
	}
	return chain.Point(), nil
}
