package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"logseal/ingest/files"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// whole measures the whole path: as many files at once as there are cores, each range after range,
// as `load` does.
func (r *run) whole(ctx context.Context, cores int) error {
	runtime.GOMAXPROCS(cores)
	runtime.GC()
	var total Counts
	var mu sync.Mutex // guards total
	var m meter
	m.start()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cores)
	for _, path := range r.Paths {
		g.Go(func() error {
			c, err := r.sealFile(ctx, path)
			mu.Lock()
			defer mu.Unlock()
			total.add(c)
			return err
		})
	}
	err := g.Wait()
	m.stop()
	if err != nil {
		return err
	}
	r.counts = total
	name := allOn(cores)
	r.samples[name] = append(r.samples[name], sample{m.cost, total.Bytes, total.Records,
		total.BytesOut})
	return nil
}

// sealFile turns a file into objects that nobody keeps.
func (r *run) sealFile(ctx context.Context, path string) (Counts, error) {
	f, err := files.Open(r.FS, path)
	if err != nil {
		return Counts{}, err
	}
	defer f.Close()
	c, err := r.sealRanges(ctx, f)
	if err != nil {
		return c, fmt.Errorf("seal %s: %w", path, err)
	}
	return c, nil
}

func (r *run) sealRanges(ctx context.Context, f *files.File) (c Counts, err error) {
	in, err := r.input(f)
	if err != nil {
		return c, err
	}
	in.Start = source.Origin()
	reader, err := f.ReaderOf(ctx, in.Start, r.maxRecord(), r.Parser.Parts())
	if err != nil {
		return c, err
	}
	for !reader.AtEnd() {
		reader.Begin(r.MaxBytes, 0)
		b, err := seal.Seal(in, &until{reader, ctx.Err}, &discard{})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, fmt.Errorf("from %d: %w", in.Start.Offset, err)
		}
		in.Start = b.End
		c.add(countsOf(b))
	}
	return c, nil
}

func countsOf(b *seal.Batch) Counts {
	m := b.Manifest
	c := Counts{Bytes: m.End - m.Start, Records: m.Records, Rows: m.Rows, Rejects: m.Rejects,
		Skipped: m.Skipped, SkippedBytes: m.SkippedBytes, Objects: int64(len(m.Objects)),
		Reasons: b.Reasons}
	for _, o := range m.Objects {
		c.BytesOut += o.Bytes
	}
	return c
}

// until ends a range with the error that stop gives.
type until struct {
	*files.Reader
	stop func() error
}

func (u *until) Next() (source.Chunk, error) {
	if err := u.stop(); err != nil {
		return source.Chunk{}, err
	}
	return u.Reader.Next()
}
