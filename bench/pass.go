package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"logseal/ingest/batch"
	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// pass is one repeat of the stages one by one, over all files.
type pass struct {
	read, split, chain, match meter
	decompress                cost
	encode                    encoder
	bytes, records            int64
	table                     parse.Table
	window                    window
	chained                   *source.Chain
}

// stages measures all stages but All, on one core.
func (r *run) stages(ctx context.Context) error {
	runtime.GOMAXPROCS(1)
	runtime.GC()
	p := &pass{}
	r.stored = 0
	for _, path := range r.Paths {
		if err := r.stagesOf(ctx, p, path); err != nil {
			return err
		}
	}
	add := func(name string, c cost, out int64) {
		r.samples[name] = append(r.samples[name], sample{c, p.bytes, p.records, out})
	}
	add(Read, p.read.cost, 0)
	if r.compressed {
		add(Decompress, p.decompress, 0)
	}
	add(Split, p.split.cost, 0)
	add(Chain, p.chain.cost, 0)
	add(MatchConvert, p.match.cost, 0)
	add(EncodeCompress, p.encode.cost, p.encode.out)
	return nil
}

// stagesOf adds one file to the pass.
func (r *run) stagesOf(ctx context.Context, p *pass, path string) error {
	stored := &meteredFS{FS: r.FS}
	f, err := files.Open(stored, path)
	if err != nil {
		return err
	}
	defer f.Close()
	read, size, err := readStored(ctx, r.FS, path, f.Compressed())
	if err != nil {
		return err
	}
	p.read.add(read.cost)
	r.stored += size
	if p.encode.input, err = r.input(f); err != nil {
		return err
	}
	end, err := r.windows(ctx, p, f)
	if err != nil {
		return err
	}
	if !f.Compressed() {
		return nil
	}
	r.compressed = true
	c, err := decompress(ctx, f, stored, end, r.maxRecord())
	p.decompress.add(c)
	return err
}

// windows measures the stages that work on bytes in memory, window by window, and gives the
// file's end.
func (r *run) windows(ctx context.Context, p *pass, f *files.File) (source.Point, error) {
	reader, err := f.ReaderOf(ctx, source.Origin(), r.maxRecord(), r.Parser.Parts())
	if err != nil {
		return source.Point{}, err
	}
	p.chained = source.NewChain()
	size := windowFirst
	for !reader.AtEnd() {
		reader.Begin(0, 0)
		for {
			err := p.window.fill(ctx, reader, size)
			if errors.Is(err, io.EOF) {
				break // a fault in the file is what the next range begins with
			}
			if err != nil {
				return source.Point{}, err
			}
			cost, err := p.measure(r.Parser, r.Epoch.Partition)
			if err != nil {
				return source.Point{}, fmt.Errorf("measure %s: %w", f.Path(), err)
			}
			n := int64(len(p.window.buf))
			p.bytes += n
			size = nextSize(n, cost)
		}
	}
	return reader.Point(), nil
}

// measure runs each stage on the window. It gives what the window costs in a row group's count.
func (p *pass) measure(parser *parse.Parser, g batch.Granularity) (group int64, err error) {
	for _, c := range p.window.chunks {
		p.split.start()
		lines := countLines(c.Data)
		p.split.stop()

		p.chain.start()
		p.chained.Write(c.Data)
		p.chain.stop()

		if c.Kind != source.Lines {
			group += int64(len(c.Data))
			if c.Kind != source.ByteOrderMark && c.Kind != source.Padding {
				p.records++
			}
			continue
		}
		p.match.start()
		batch.Parse(parser, g, c, &p.table)
		p.match.stop()

		records := int64(p.table.Rows() + len(p.table.Rejects))
		if have := records + p.table.SkippedLines; have != lines && !parser.Joins() {
			return 0, fmt.Errorf("chunk at %d: %d lines, but %d parsed", c.Offset, lines, have)
		}
		p.records += records
		group += groupCost(&p.table)
	}
	return group, p.encode.encode(p.window.chunks)
}
