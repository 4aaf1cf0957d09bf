package bench

import (
	"context"
	"fmt"
	"runtime"

	"logseal/ingest/files"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Options says what to measure.
type Options struct {
	FS    files.FS
	Paths []string // plain, gzip or zstd
	Epoch *table.Epoch
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

func (r *run) maxRecord() int { return int(r.Epoch.MaxRecordBytes) }

// input is what f's ranges are sealed under; where they start is still to be set.
func (r *run) input(f *files.File) (seal.Input, error) {
	head, _, err := f.Head(true)
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
