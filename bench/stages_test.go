package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/source"
)

// benchBytes is how much input a benchmark works on: more than a core's cache, less than a row
// group.
const benchBytes = 8 << 20

// BenchmarkStage measures each stage of the path on one input. Sub-benchmarks are named as
// benchstat groups them: format=…/stage=….
func BenchmarkStage(b *testing.B) {
	for _, format := range []string{"combined", "app"} {
		data := generateCombined(benchBytes)
		if format == "app" {
			data = generateApp(benchBytes)
		}
		b.Run("format="+format, func(b *testing.B) {
			s := newSubject(b, format, data)
			for _, x := range []struct {
				stage string
				run   func(b *testing.B)
			}{
				{Read, s.read},
				{Decompress + "-gzip", func(b *testing.B) { s.decompress(b, gzipped(b, s.data)) }},
				{Decompress + "-zstd", func(b *testing.B) { s.decompress(b, zstandard(b, s.data)) }},
				{Split, s.split},
				{Chain, s.chain},
				{MatchConvert, s.match},
				{EncodeCompress, s.encode},
				{All, s.all},
			} {
				b.Run("stage="+x.stage, func(b *testing.B) {
					b.SetBytes(int64(len(s.data)))
					b.ReportAllocs()
					x.run(b)
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.records),
						"ns/record")
				})
			}
		})
	}
}

// subject is an input with what the stages need of it ready.
type subject struct {
	*run
	data    []byte
	fs      *filestest.FS
	window  window
	in      seal.Input
	end     source.Point
	records int64
}

func newSubject(b *testing.B, format string, data []byte) *subject {
	s := &subject{data: data, fs: filestest.New(), records: countLines(data)}
	s.fs.Write("/log", data)
	s.run = &run{Options: options(b, s.fs, preset(b, format), "/log")}
	f, err := files.Open(s.fs, "/log")
	require.NoError(b, err)
	defer f.Close()
	r, err := f.Reader(b.Context(), source.Origin(), s.maxRecord())
	require.NoError(b, err)
	r.Begin(0, 0)
	require.NoError(b, s.window.fill(b.Context(), r, 2*len(data)))
	s.end = r.Point()
	s.in, err = s.input(f)
	require.NoError(b, err)
	require.Equal(b, int64(len(data)), s.end.Offset)
	return s
}

// read reads a real file, which is in the page cache.
func (s *subject) read(b *testing.B) {
	path := filepath.Join(b.TempDir(), "log")
	require.NoError(b, os.WriteFile(path, s.data, 0o600))
	for b.Loop() {
		_, size, err := readStored(context.Background(), files.OS(), path, false)
		if err != nil || size != int64(len(s.data)) {
			b.Fatal(size, err)
		}
	}
}

func (s *subject) decompress(b *testing.B, stored []byte) {
	s.fs.Write("/stored", stored)
	f, err := files.Open(s.fs, "/stored")
	require.NoError(b, err)
	defer f.Close()
	for b.Loop() {
		if _, err := f.Reader(context.Background(), s.end, s.maxRecord()); err != nil {
			b.Fatal(err)
		}
	}
}

func (s *subject) split(b *testing.B) {
	for b.Loop() {
		var lines int64
		for _, c := range s.window.chunks {
			lines += countLines(c.Data)
		}
		if lines != s.records {
			b.Fatalf("want %d lines, have %d", s.records, lines)
		}
	}
}

func (s *subject) chain(b *testing.B) {
	for b.Loop() {
		chain := source.NewChain()
		for _, c := range s.window.chunks {
			chain.Write(c.Data)
		}
		if chain.Sum() != s.end.Chain {
			b.Fatal("another chain")
		}
	}
}

func (s *subject) match(b *testing.B) {
	var t parse.Table
	for b.Loop() {
		var records int64
		for _, c := range s.window.chunks {
			s.Parser.Parse(c.Offset, c.Data, &t)
			records += int64(t.Rows() + len(t.Rejects))
		}
		if records != s.records {
			b.Fatalf("want %d records, have %d", s.records, records)
		}
	}
}

// encode stops the timer while Seal parses and gathers; see encoder.
func (s *subject) encode(b *testing.B) {
	in := s.in
	var out int64
	for b.Loop() {
		b.StopTimer()
		drop, early := &discard{}, false
		t := newTape(s.window.chunks, func() {
			early = drop.created
			b.StartTimer()
		})
		batch, err := seal.Seal(in, t, drop)
		if err != nil || early || batch.Manifest.Records != s.records {
			b.Fatal("not all encoded at the end", err)
		}
		out = countsOf(batch).BytesOut
	}
	b.ReportMetric(float64(out), "bytes-out")
}

func (s *subject) all(b *testing.B) {
	var c Counts
	for b.Loop() {
		var err error
		if c, err = s.sealFile(context.Background(), "/log"); err != nil || c.Records != s.records {
			b.Fatal(c, err)
		}
	}
	b.ReportMetric(float64(c.BytesOut), "bytes-out")
}
