package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options measures paths of fsys once, parsed as def says.
func options(t require.TestingT, fsys files.FS, def parse.Definition, paths ...string) Options {
	p, err := parse.New(def)
	require.NoError(t, err)
	return Options{FS: fsys, Paths: paths, Parser: p,
		Epoch:    table.NewEpoch(source.Table{Stream: "test", Version: 1}, def),
		MaxBytes: 256 << 20, MaxPartitions: 64, Repeats: 1}
}

func preset(t require.TestingT, name string) parse.Definition {
	def, ok := parse.Preset(name)
	require.True(t, ok, name)
	return def
}

func pattern(t require.TestingT, re string) parse.Definition {
	def, err := parse.FromPattern(re)
	require.NoError(t, err)
	return def
}

func gzipped(t require.TestingT, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstandard(t require.TestingT, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// stageNames lists a report's stages, with their cores.
func stageNames(r *Report) (names []string, cores []int) {
	for _, s := range r.Stages {
		names = append(names, s.Name)
		cores = append(cores, s.Cores)
	}
	return names, cores
}

func TestRun_CountsWhatIsInTheFiles(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for name, data := range map[string][]byte{
		"combined": generateCombined(1 << 20), "app": generateApp(1 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			fsys := filestest.New()
			fsys.Write("/log", data)
			r, err := Run(t.Context(), options(t, fsys, preset(t, name), "/log"))
			require.NoError(t, err)

			lines := int64(bytes.Count(data, []byte("\n")))
			garbage := int64(bytes.Count(data, []byte("    at frame")))
			require.Positive(t, garbage)
			require.Equal(t, int64(len(data)), r.Bytes)
			require.Equal(t, int64(len(data)), r.StoredBytes)
			require.Equal(t, lines, r.Records)
			require.Equal(t, lines-garbage, r.Rows)
			require.Equal(t, garbage, r.Rejects)
			require.Equal(t, garbage, sum(r.Reasons))
			require.Equal(t, int64(2), r.Objects)

			names, cores := stageNames(r)
			require.Equal(t,
				[]string{Read, Split, Chain, MatchConvert, EncodeCompress, All, All}, names)
			require.Equal(t, []int{1, 1, 1, 1, 1, 1, 2}, cores)
			for _, s := range r.Stages {
				require.Positive(t, s.Seconds, s.Name)
				require.InEpsilon(t, float64(lines), s.RecordsPerSecond*s.Seconds, 1e-6, s.Name)
				require.InEpsilon(t, float64(len(data))/1e6, s.MBPerSecond*s.Seconds, 1e-6, s.Name)
				require.InEpsilon(t, s.Seconds*1e9/float64(lines), s.NSPerRecord, 1e-6, s.Name)
				require.Equal(t, s.Name == All || s.Name == EncodeCompress, s.BytesOut != nil, s.Name)
			}
			require.Equal(t, r.BytesOut, *r.Stages[5].BytesOut)
			require.Less(t, r.Bytes/100, r.BytesOut)
			require.Zero(t, fsys.OpenHandles())
			require.Equal(t, 2, runtime.GOMAXPROCS(0))
		})
	}
}

func sum(reasons map[parse.Reason]int64) (n int64) {
	for _, k := range reasons {
		n += k
	}
	return n
}

func TestRun_CompressedFilesGiveTheSameObjects(t *testing.T) {
	data := generateApp(300 << 10)
	fsys := filestest.New()
	fsys.Write("/log", data)
	fsys.Write("/log.gz", gzipped(t, data))
	fsys.Write("/log.zst", zstandard(t, data))
	def := preset(t, "app")
	plain, err := Run(t.Context(), options(t, fsys, def, "/log"))
	require.NoError(t, err)
	for _, path := range []string{"/log.gz", "/log.zst"} {
		r, err := Run(t.Context(), options(t, fsys, def, path))
		require.NoError(t, err)
		require.Equal(t, plain.Counts, r.Counts, path)
		require.Equal(t, int64(len(fsys.Bytes(path))), r.StoredBytes, path)
		names, _ := stageNames(r)
		require.Equal(t, []string{Read, Decompress, Split}, names[:3], path)
		require.Positive(t, r.Stages[1].Seconds, path)
	}
	all, err := Run(t.Context(), options(t, fsys, def, "/log", "/log.gz", "/log.zst"))
	require.NoError(t, err)
	require.Equal(t, int64(3), all.Files)
	require.Equal(t, 3*plain.Bytes, all.Bytes)
	require.Equal(t, 3*plain.BytesOut, all.BytesOut)
	require.Zero(t, fsys.OpenHandles())
}

func TestRun_EveryStageHasTheSameBytesAndRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{source.BOM, "\n", "\r\n", "\r", "a", "key: 1",
			"key: 2\n", "a line that is longer than records may be", "\xff"})).Draw(t, "parts")
		var data []byte
		for _, p := range parts {
			data = append(data, p...)
		}
		fsys := filestest.New()
		fsys.Write("/log", data)
		o := options(t, fsys, pattern(t, `(?P<key>\w+): (?P<value>\d+)`), "/log")
		o.Epoch.MaxRecordBytes = rapid.Int64Range(1, 30).Draw(t, "longest")
		o.MaxBytes = rapid.Int64Range(0, 50).Draw(t, "batch")
		r := &run{Options: o, samples: map[string][]sample{}}
		require.NoError(t, r.stages(context.Background()))
		require.NoError(t, r.whole(context.Background(), 1))
		require.Equal(t, int64(len(data)), r.counts.Bytes)
		require.Len(t, r.samples, 6)
		for name, s := range r.samples {
			require.Equal(t, r.counts.Bytes, s[0].bytes, name)
			require.Equal(t, r.counts.Records, s[0].records, name)
		}
		require.Equal(t, r.counts.BytesOut > 0, r.samples[EncodeCompress][0].out > 0)
	})
}

func TestRun_Repeats(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	fsys := filestest.New()
	fsys.Write("/log", []byte("a: 1\n"))
	o := options(t, fsys, pattern(t, `(?P<key>\w+): (?P<value>\d+)`), "/log")
	o.Repeats = 2
	var parts [][2]int
	o.Progress = func(done, of int) { parts = append(parts, [2]int{done, of}) }
	r, err := Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 2, r.Repeats)
	require.Equal(t, int64(1), r.Records)
	require.Equal(t, [][2]int{{0, 6}, {1, 6}, {2, 6}, {3, 6}, {4, 6}, {5, 6}}, parts)
}

func TestRun_EmptyFile(t *testing.T) {
	fsys := filestest.New()
	fsys.Write("/log", nil)
	r, err := Run(t.Context(), options(t, fsys, preset(t, "app"), "/log"))
	require.NoError(t, err)
	require.Equal(t, Counts{Reasons: map[parse.Reason]int64{}}, r.Counts)
	_, err = json.Marshal(r)
	require.NoError(t, err) // no infinite rates
}

func TestRun_Faults(t *testing.T) {
	data := generateApp(300 << 10)
	fsys := filestest.New()
	fsys.Write("/log", data)
	fsys.Write("/cut.gz", gzipped(t, data)[:20000])
	def := preset(t, "app")

	_, err := Run(t.Context(), options(t, fsys, def, "/cut.gz"))
	corrupt, ok := errors.AsType[*files.CorruptError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "/cut.gz", corrupt.Path)

	_, err = Run(t.Context(), options(t, fsys, def, "/none"))
	require.ErrorIs(t, err, fs.ErrNotExist)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, options(t, fsys, def, "/log"))
	require.ErrorIs(t, err, context.Canceled)

	broken := errors.New("disk is broken")
	reads := 0
	count := func(op filestest.Op, _ string, _ int64) error {
		if op == filestest.OpRead {
			reads++
		}
		return nil
	}
	fsys.SetFault(count)
	_, err = Run(t.Context(), options(t, fsys, def, "/log"))
	require.NoError(t, err)
	for bad := range reads {
		left := bad
		fsys.SetFault(func(op filestest.Op, _ string, _ int64) error {
			if op != filestest.OpRead {
				return nil
			}
			if left--; left == -1 {
				return broken
			}
			return nil
		})
		_, err := Run(t.Context(), options(t, fsys, def, "/log"))
		require.ErrorIs(t, err, broken, "read %d", bad)
	}
	require.Zero(t, fsys.OpenHandles())
}
