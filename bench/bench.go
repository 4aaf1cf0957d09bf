package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// Options says what to measure.
type Options struct {
	FS    files.FS
	Paths []string // plain, gzip or zstd
	Epoch *seal.Epoch
	// Parser is Epoch's, compiled.
	Parser        *parse.Parser
	MaxBytes      int64 // of a batch, decompressed; 0 is no limit
	MaxPartitions int   // of a batch
	// Repeats is how often all is measured; less than 1 is 1.
	Repeats int
	// Progress is called before each part of a repeat with how many parts are done, of how many;
	// nil for none.
	Progress func(done, of int)
}

// Run measures the stages on the files. It has the process to itself: it sets GOMAXPROCS as it
// goes and takes what other goroutines do for its own. A file that cannot be read to its end is
// an error.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	o.Repeats = max(1, o.Repeats)
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	r := &run{Options: o, samples: make(map[string][]sample)}
	loads := []int{1}
	if cores > 1 {
		loads = append(loads, cores)
	}
	parts := 1 + len(loads)
	for i := range o.Repeats {
		o.Progress(i*parts, o.Repeats*parts)
		if err := r.stages(ctx); err != nil {
			return nil, err
		}
		for k, n := range loads {
			o.Progress(i*parts+1+k, o.Repeats*parts)
			if err := r.whole(ctx, n); err != nil {
				return nil, err
			}
		}
	}
	return r.report(loads), nil
}

// run is one Run.
type run struct {
	Options
	stored     int64 // bytes of the files
	compressed bool  // one of the files is
	counts     Counts
	// samples holds each repeat of each stage; those of All are under its name and cores.
	samples map[string][]sample
}

func allOn(cores int) string { return fmt.Sprintf("%s on %d", All, cores) }

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
		return fmt.Errorf("open %s: %w", path, err)
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
	reader, err := f.Reader(ctx, source.Origin(), r.maxRecord())
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
			cost, err := p.measure(r.Parser)
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
func (p *pass) measure(parser *parse.Parser) (group int64, err error) {
	for _, c := range p.window.chunks {
		p.split.start()
		lines := countLines(c.Data)
		p.split.stop()

		p.chain.start()
		p.chained.Write(c.Data)
		p.chain.stop()

		if c.Kind != source.Lines {
			group += int64(len(c.Data))
			if c.Kind != source.ByteOrderMark {
				p.records++
			}
			continue
		}
		p.match.start()
		parser.Parse(c.Offset, c.Data, &p.table)
		p.match.stop()

		records := int64(p.table.Rows() + len(p.table.Rejects))
		if have := records + p.table.SkippedLines; have != lines {
			return 0, fmt.Errorf("chunk at %d: %d lines, but %d parsed", c.Offset, lines, have)
		}
		p.records += records
		group += groupCost(&p.table)
	}
	return group, p.encode.encode(p.window.chunks)
}

func (r *run) maxRecord() int { return int(r.Epoch.MaxRecordBytes) }

// input is what f's ranges are sealed under; where they start is still to be set.
func (r *run) input(f *files.File) (seal.Input, error) {
	head, _, err := f.Head(true, nil)
	if err != nil {
		return seal.Input{}, fmt.Errorf("read head of %s: %w", f.Path(), err)
	}
	table := r.Epoch.Table()
	key := source.Key{Table: table, ID: source.NewID("", table.Stream, 0, head)}
	return seal.Input{Key: key, Epoch: r.Epoch, Parser: r.Parser, MaxPartitions: r.MaxPartitions}, nil
}

// report sums up.
func (r *run) report(loads []int) *Report {
	rep := &Report{Files: int64(len(r.Paths)), StoredBytes: r.stored, Counts: r.counts,
		Repeats: r.Repeats}
	if rep.Reasons == nil {
		rep.Reasons = map[parse.Reason]int64{}
	}
	for _, name := range []string{Read, Decompress, Split, Chain, MatchConvert, EncodeCompress} {
		if s := r.samples[name]; len(s) > 0 {
			rep.Stages = append(rep.Stages, newStage(name, 1, s))
		}
	}
	for _, n := range loads {
		rep.Stages = append(rep.Stages, newStage(All, n, r.samples[allOn(n)]))
	}
	return rep
}
