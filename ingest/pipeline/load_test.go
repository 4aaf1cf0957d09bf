package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/offsets"
	"logseal/ingest/parse"
	"logseal/ingest/sink"
	"logseal/ingest/sink/dir"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
	"logseal/ingest/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// yard is a folder with logs, a sink and a state, all real.
type yard struct {
	t         *testing.T
	root      string
	cfg       Config // what a test changes before a load
	maxRecord int64
	spoolMax  int64
	over      func(sink.Store) sink.Store // stands before the sink; nil for nothing
	through   func(Ledger) Ledger         // likewise
}

func newYard(t *testing.T) *yard {
	return &yard{t: t, root: t.TempDir(), cfg: Config{Streams: []Stream{{
		MaxBytes: 64 << 20, MaxPartitions: 64, Rejects: RejectLimit{MaxRatio: 1},
	}}}, maxRecord: 1 << 20}
}

func (b *yard) path(name string) string { return filepath.Join(b.root, "logs", name) }

// write makes a log anew, as another file of the same name would.
func (b *yard) write(name string, body []byte) {
	require.NoError(b.t, os.MkdirAll(filepath.Dir(b.path(name)), 0o777))
	_ = os.Remove(b.path(name))
	require.NoError(b.t, os.WriteFile(b.path(name), body, 0o666))
}

func (b *yard) append(name, more string) {
	f, err := os.OpenFile(b.path(name), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(b.t, err)
	_, err = f.WriteString(more)
	require.NoError(b.t, err)
	require.NoError(b.t, f.Close())
}

func (b *yard) forgetState() { require.NoError(b.t, os.RemoveAll(filepath.Join(b.root, "state"))) }

// load runs a load of the named logs to its end and verifies the sink against them.
func (b *yard) load(names ...string) *Report {
	r, err := b.try(names...)
	require.NoError(b.t, err)
	return r
}

// try is load without the demand that it comes to its end.
func (b *yard) try(names ...string) (*Report, error) {
	r, err := b.run(context.Background(), names...)
	if err == nil {
		b.verify()
	}
	return r, err
}

func (b *yard) run(ctx context.Context, names ...string) (*Report, error) {
	state, out := filepath.Join(b.root, "state"), filepath.Join(b.root, "out")
	ledger, err := offsets.Open(state, offsets.Meta{Sink: out})
	require.NoError(b.t, err)
	defer ledger.Close()
	disk, err := spool.Open(filepath.Join(state, "spool"), b.spoolMax)
	require.NoError(b.t, err)
	store, err := dir.New(out, ledger.Meta().WriterID, dir.DefaultMode)
	require.NoError(b.t, err)
	d, err := parse.FromPattern(`(?P<x>[a-z]\d+)`)
	require.NoError(b.t, err)
	cfg := b.cfg
	cfg.Ledger, cfg.Spool, cfg.Store, cfg.FS = ledger, DiskSpool{disk}, store, files.OS()
	if b.over != nil {
		cfg.Store = b.over(store)
	}
	if b.through != nil {
		cfg.Ledger = b.through(ledger)
	}
	st := &cfg.Streams[0]
	st.Epoch = table.NewEpoch(source.Table{Stream: "s", Version: 1}, d)
	st.Epoch.MaxRecordBytes = b.maxRecord
	st.Parser, err = parse.New(d)
	require.NoError(b.t, err)
	for _, n := range names {
		cfg.Inputs = append(cfg.Inputs, Input{Path: b.path(n)})
	}
	return Load(ctx, cfg)
}

func (b *yard) verify() {
	store, err := dir.NewReader(filepath.Join(b.root, "out"))
	require.NoError(b.t, err)
	r, err := verify.Run(context.Background(), verify.Options{Store: store, Deep: true})
	require.NoError(b.t, err)
	require.True(b.t, r.OK, "%+v", r)
}

func (b *yard) kinds(r *Report) (kinds []Kind) {
	for _, p := range r.Problems {
		kinds = append(kinds, p.Kind)
		require.NotEmpty(b.t, p.Message)
	}
	return kinds
}

func TestLoad_AgainSealsNothing(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	require.Equal(t, int64(3), b.load("f").Rows)
	again := b.load("f")
	require.Equal(t, Counts{}, again.Counts)
	require.Equal(t, int64(1), again.Sources)
	require.Zero(t, again.Duplicates)
}

func TestLoad_OneSourceThroughRenameCompressionAndLostState(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	require.Equal(t, int64(3), b.load("f").Rows)

	b.write("f.1", []byte(abc+"d4\n"))
	r := b.load("f.1")
	require.Equal(t, int64(1), r.Rows, "goes on where the other name ended")

	b.write("f.1.gz", filestest.Gzip([]byte(abc), []byte("d4\n"), []byte("e5\n")))
	r = b.load("f.1.gz")
	require.Equal(t, int64(1), r.Rows, "%+v", r)

	b.forgetState()
	b.write("f.1.zst", filestest.Zstd([]byte(abc+"d4\ne5\nf6\n")))
	r = b.load("f.1.zst")
	require.Equal(t, int64(1), r.Rows, "goes on where the bucket ends")
	require.Zero(t, r.Duplicates)

	b.write("copy", []byte(abc+"d4\ne5\nf6\n"))
	r = b.load("copy", "f.1.zst")
	require.Zero(t, r.Rows)
	require.Equal(t, int64(1), r.Duplicates)
	require.Equal(t, int64(2), r.Sources)
}

func TestLoad_OtherFileOfTheSameHeadIsAnotherSource(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte("h1\na2\n"))
	b.write("g", []byte("h1\nb2\n"))
	require.Equal(t, int64(4), b.load("f", "g").Rows)
	b.forgetState()
	b.write("i", []byte("h1\nc2\n"))
	r := b.load("f", "g", "i")
	require.Equal(t, int64(2), r.Rows)
	require.Equal(t, int64(2), r.Duplicates)
}

func TestLoad_HalfLineThatGoesOnIsContinued(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte("a1\nb2"))
	require.Equal(t, int64(2), b.load("f").Rows)
	b.append("f", "345\nc6\n")
	r := b.load("f")
	require.Equal(t, int64(1), r.Rows)
	require.Equal(t, map[parse.Reason]int64{parse.Continued: 1}, r.Reasons)

	b.forgetState()
	b.append("f", "d7\n")
	r = b.load("f")
	require.Equal(t, int64(1), r.Rows)
	require.Zero(t, r.Rejects)
}

func TestLoad_LongLinesAreFragmentsAlsoAcrossBatchesAndLostState(t *testing.T) {
	b := newYard(t)
	b.maxRecord = 8
	b.cfg.Streams[0].MaxBytes = 8
	b.write("f", []byte("a1\n"+strings.Repeat("x", 20)))
	r := b.load("f")
	require.Equal(t, int64(3), r.Reasons[parse.TooLong])
	b.forgetState()
	b.append("f", "yyyyyyyyyy\nb2\n")
	r = b.load("f")
	require.Equal(t, int64(1), r.Rows)
	require.Equal(t, int64(2), r.Reasons[parse.TooLong], "fragments end where they would have")
}

func TestLoad_CutOffGzipGoesOnWithTheWholeCopy(t *testing.T) {
	b := newYard(t)
	var lines strings.Builder
	for i := range 20000 {
		lines.WriteString("a" + strings.Repeat("1", i%7+1) + "\n")
	}
	whole := filestest.Gzip([]byte(lines.String()))
	b.write("f.gz", whole[:len(whole)/2])
	r := b.load("f.gz")
	require.Equal(t, []Kind{Corrupt}, b.kinds(r))
	require.Positive(t, r.Rows)
	require.Equal(t, []Kind{Corrupt}, b.kinds(b.load("f.gz")), "looked at in every run")

	b.write("f.gz", whole)
	rest := b.load("f.gz")
	require.Empty(t, rest.Problems)
	require.Equal(t, int64(20000), r.Rows+rest.Rows)
}

func TestLoad_ShorterFileIsUndecided(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	b.load("f")
	b.write("short", []byte("a1\n"))
	r := b.load("short")
	require.Equal(t, []Kind{Undecided}, b.kinds(r))
	require.Equal(t, int64(1), r.Undecided)
	require.Zero(t, r.Rows)

	b.cfg.Assume = AssumeCopy
	r = b.load("short")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(1), r.Duplicates)

	b.write("short2", []byte("a1\nb2\n"))
	b.cfg.Assume = AssumeNew
	require.Equal(t, int64(2), b.load("short2").Rows)
	b.cfg.Assume = AssumeNothing
	require.Empty(t, b.load("short2").Problems)
}

func TestLoad_OfFilesThatBeginAlikeTheLongestIsRead(t *testing.T) {
	b := newYard(t)
	b.write("a", []byte("a1\n"))
	b.write("b", []byte(abc))
	b.write("c", []byte(abc))
	r := b.load("a", "b", "c")
	require.Equal(t, []Kind{Undecided}, b.kinds(r))
	require.Equal(t, int64(3), r.Rows)
	require.Equal(t, int64(1), r.Duplicates)
	require.Equal(t, int64(3), r.Sources)
}

func TestLoad_LinksAreOneFile(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	require.NoError(t, os.Link(b.path("f"), b.path("g")))
	require.NoError(t, os.Symlink(b.path("f"), b.path("h")))
	r := b.load("f", "g", "h")
	require.Equal(t, int64(3), r.Rows)
	require.Equal(t, int64(1), r.Sources)
	require.Zero(t, r.Duplicates)
}

func TestLoad_HaltSealsNothingOfTheBatch(t *testing.T) {
	b := newYard(t)
	b.cfg.Streams[0].Rejects = RejectLimit{MaxRatio: 0.5, MinRecords: 2, Halt: true}
	b.write("bad", []byte("??\n??\na1\n"))
	b.write("good", []byte(abc))
	for range 2 {
		r := b.load("bad", "good")
		require.Equal(t, []Kind{Halted}, b.kinds(r))
		require.Zero(t, r.Rejects)
	}
	b.cfg.Streams[0].Rejects.Halt = false
	r := b.load("bad", "good")
	require.Equal(t, []Kind{TooManyRejects}, b.kinds(r))
	require.Equal(t, int64(2), r.Rejects)
	require.Empty(t, b.load("bad", "good").Problems)
}

func TestLoad_OtherBytesUnderAKeyStopThatSourceOnly(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	b.load("f")
	objects, err := filepath.Glob(filepath.Join(b.root, "out/data/s/v1/*/*.parquet"))
	require.NoError(t, err)
	require.Len(t, objects, 1)
	b.forgetState()
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "out/manifests")))
	require.NoError(t, os.WriteFile(objects[0], []byte("other"), 0o666))

	b.write("g", []byte("g1\n"))
	r, err := b.run(t.Context(), "f", "g")
	require.NoError(t, err)
	require.Equal(t, []Kind{Conflict}, b.kinds(r))
	require.Equal(t, int64(1), r.Shipped, "the other source went on")
}

func TestLoad_HigherKWaitsForTheLowerOne(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte("h1\na2\n"))
	b.load("f")
	objects, err := filepath.Glob(filepath.Join(b.root, "out/data/s/v1/*/*.parquet"))
	require.NoError(t, err)
	b.forgetState()
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "out/manifests")))
	body, err := os.ReadFile(objects[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(objects[0], []byte("other"), 0o666))

	b.write("g", []byte("h1\nb2\n"))
	r, err := b.run(t.Context(), "f", "g")
	require.NoError(t, err)
	require.Equal(t, []Kind{Conflict, Gone}, b.kinds(r), "g is k = 1, and 0 is not in the bucket yet")
	require.Zero(t, r.Shipped)

	require.NoError(t, os.WriteFile(objects[0], body, 0o666))
	r = b.load("f", "g")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(2), r.Shipped)
}

func TestLoad_SinkThatIsBehindIsRefused(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	b.load("f")
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "out")))
	_, err := b.try("f")
	require.ErrorIs(t, err, ErrBehind)
}

func TestLoad_ManifestsThatAreGoneAreRefused(t *testing.T) {
	b := newYard(t)
	b.write("f", []byte(abc))
	b.load("f")
	require.NoError(t, os.RemoveAll(filepath.Join(b.root, "out/manifests")))
	b.append("f", "d4\n")
	_, err := b.try("f")
	require.ErrorIs(t, err, ErrBehind)
}

func TestLoad_LeftoverObjectsGiveTheCut(t *testing.T) {
	b := newYard(t)
	b.cfg.Streams[0].MaxBytes = 6
	b.write("f", []byte(abc+"d4\n"))
	b.load("f")
	out := filepath.Join(b.root, "out")
	before, err := filepath.Glob(filepath.Join(out, "data/s/v1/*/*.parquet"))
	require.NoError(t, err)
	require.Len(t, before, 2)
	require.NoError(t, os.RemoveAll(filepath.Join(out, "manifests")))
	b.forgetState()

	b.cfg.Streams[0].MaxBytes = 9
	b.load("f")
	after, err := filepath.Glob(filepath.Join(out, "data/s/v1/*/*.parquet"))
	require.NoError(t, err)
	require.Equal(t, before, after, "cut where the leftovers end")
}

func TestLoad_EmptyAndBlankFiles(t *testing.T) {
	b := newYard(t)
	b.write("empty", nil)
	b.write("blank", []byte("\n\r\n\n"))
	b.write("bom", []byte(source.BOM))
	r := b.load("empty", "blank", "bom")
	require.Empty(t, r.Problems)
	require.Equal(t, int64(3), r.Sources)
	require.Equal(t, int64(3), r.Skipped)
	require.Equal(t, int64(7), r.SkippedBytes)
	require.Zero(t, b.load("empty", "blank", "bom").Bytes)
}
