package seal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/goldentest"
	"logseal/ingest/parquet"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func preset(name string) parse.Definition {
	d, ok := parse.Preset(name)
	if !ok {
		panic(name)
	}
	return d
}

// typedDefinition has a column of every type, required or optional.
func typedDefinition() parse.Definition {
	return parse.Definition{
		Pattern: `(?P<s>[^,]*),(?P<i>[^,]*),(?P<l>[^,]*),(?P<f>[^,]*),(?P<b>[^,]*),(?P<t>[^,]*),` +
			`(?P<d>[^,]*),(?P<a>[^,]*),(?P<u>[^,]*),(?P<o>[^,]*)`,
		Columns: []parse.Column{
			{Name: "s"},
			{Name: "i", Type: parse.Int32, Optional: true, NullValues: []string{"-"}},
			{Name: "l", Type: parse.Int64},
			{Name: "f", Type: parse.Float64, Optional: true, NullValues: []string{"-"}},
			{Name: "b", Type: parse.Bool, Optional: true, NullValues: []string{"-"}},
			{Name: "t", Type: parse.Timestamp, EventTime: true},
			{Name: "d", Type: parse.Date},
			{Name: "a", Type: parse.IP},
			{Name: "u", Type: parse.Duration},
			{Name: "o", Type: parse.Timestamp, Optional: true, NullValues: []string{"-"},
				Layout: "epoch_ms"},
		},
	}
}

const typedLines = `plain,1,10,1.5,true,2024-01-15T10:30:00.123456Z,2024-02-29,192.0.2.1,1h2m3.5s,1
,-,-9223372036854775808,-,-,2024-01-15T00:00:00Z,0001-01-01,2001:db8::1,-250ms,-
ünï,-2147483648,9223372036854775807,-0,false,1999-12-31T23:59:59.999999999+01:00,9999-12-31,::1,0,-1
nothing of ours

x,2147483647,0,1e308,false,2024-01-15T00:00:00Z,1969-12-31,10.0.0.1,1ns,1705276800123
`

func samples() []sample {
	combined := strings.Repeat(`192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] `+
		`"GET /a.gif HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08"`+"\n", 300)
	return []sample{
		{name: "app", def: preset("app"), partition: batch.Hour, maxPartitions: 2, maxRecord: 4096,
			data: genLines(1, 4000)},
		{name: "combined", def: preset("combined"), maxPartitions: 64, maxRecord: 4096,
			origin: "web-1", data: []byte(combined)},
		{name: "typed", def: typedDefinition(), maxPartitions: 64, maxRecord: 4096,
			data: []byte(typedLines)},
	}
}

// Golden digests: whoever changes them changes EncoderVersion too.
func TestSeal_Golden(t *testing.T) {
	var out strings.Builder
	for _, s := range samples() {
		got := s.sealAll(t, 1<<20)
		for _, b := range got.batches {
			fmt.Fprintf(&out, "%s", b.Manifest.JSON())
		}
	}
	goldentest.Require(t, "sealed.json", []byte(out.String()))
}

func TestSeal_SameBytes_HoweverChunkedAndScheduled(t *testing.T) {
	for _, s := range samples() {
		want := s.sealAll(t, 1<<20)
		check := func(name string, step int) {
			got := s.sealAll(t, step)
			require.Equal(t, manifests(want), manifests(got), name)
			require.Equal(t, want.objects, got.objects, name)
		}
		for _, step := range []int{1, 100, 4097, 60000} {
			check(fmt.Sprintf("%s in chunks of %d", s.name, step), step)
		}
		for _, procs := range []int{1, 2} {
			old := runtime.GOMAXPROCS(procs)
			for i := range 10 {
				check(fmt.Sprintf("%s, GOMAXPROCS %d, repeat %d", s.name, procs, i), 10000)
			}
			runtime.GOMAXPROCS(old)
		}
	}
}

func manifests(s sealed) (out []string) {
	for _, b := range s.batches {
		out = append(out, string(b.Manifest.JSON()))
	}
	return out
}

func TestSeal_Objects_HoldEveryRecordOnce(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			got := s.sealAll(t, 1<<16)
			raw := map[int64]string{}
			var rows int64
			for key, body := range got.objects {
				rows += s.checkObject(t, key, body, raw)
			}
			var m table.Manifest
			for i, b := range got.batches {
				m.Rows += b.Manifest.Rows
				m.Rejects += b.Manifest.Rejects
				m.SkippedBytes += b.Manifest.SkippedBytes
				require.Equal(t, b.Manifest.Range().Len(), b.Manifest.RowBytes+b.Manifest.RejectBytes+
					b.Manifest.SkippedBytes)
				require.Equal(t, i < len(got.batches)-1, b.Full)
				require.Equal(t, i == len(got.batches)-1 && s.data[len(s.data)-1] != '\n',
					b.Manifest.OpenEnd)
				total := int64(0)
				for _, n := range b.Reasons {
					total += n
				}
				require.Equal(t, b.Manifest.Rejects, total)
			}
			require.Equal(t, m.Rows, rows)
			require.Len(t, raw, int(m.Rejects))
			for at, body := range raw {
				require.Equal(t, string(s.data[at:at+int64(len(body))]), body)
			}
			require.EqualValues(t, len(s.data), got.batches[len(got.batches)-1].End.Offset)
		})
	}
}

// checkObject reads an object; it gives the rows, or adds the rejects to raw.
func (s sample) checkObject(t *testing.T, key string, body []byte, raw map[int64]string) int64 {
	k, err := table.ParseKey(key)
	require.NoError(t, err)
	p, err := parse.New(s.def)
	require.NoError(t, err)
	f, err := parquet.Open(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	last := int64(-1)
	for i := range f.Groups() {
		vs, err := f.Group(i)
		require.NoError(t, err)
		for row, off := range vs[1].Int64s {
			require.Greater(t, off, last)
			require.GreaterOrEqual(t, off, k.Batch.Range.Start)
			require.Less(t, off, k.Batch.Range.End)
			require.Equal(t, k.Batch.ID.String(), string(vs[0].Value(row)))
			last = off
			if k.Kind == table.QuarantineKind {
				body := string(vs[3].Value(row))
				require.Equal(t, vs[2].Int64s[row], int64(len(body)))
				raw[off] = body
				continue
			}
			s.checkRow(t, p, k, vs, row)
		}
	}
	if k.Kind == table.QuarantineKind {
		return 0
	}
	return f.Rows()
}

// checkRow parses a row's line on its own and compares.
func (s sample) checkRow(t *testing.T, p *parse.Parser, k table.ParsedKey, vs []parse.Vector, row int) {
	off := vs[1].Int64s[row]
	line, _ := firstLine(s.data[off:])
	var table parse.Table
	p.Parse(off, line, &table)
	require.Equal(t, []int64{off}, table.Offsets)
	require.Equal(t, s.origin == "", vs[2].IsNull(row))
	for c := range table.Columns {
		require.Equal(t, cell(&table.Columns[c], 0), cell(&vs[3+c], row))
	}
	want := batch.NoPartition()
	if e := p.EventTime(); !table.Columns[e].IsNull(0) {
		want = s.partition.PartitionOf(table.Columns[e].Int64s[0])
	}
	require.Equal(t, want, k.Partition)
}

// cell spells out a row of a vector, as a file stores its type.
func cell(v *parse.Vector, row int) string {
	switch {
	case v.IsNull(row):
		return "null"
	case v.Ends != nil:
		return string(v.Value(row)) + "."
	case v.Int32s != nil:
		return fmt.Sprint(v.Int32s[row])
	case v.Int64s != nil:
		return fmt.Sprint(v.Int64s[row])
	case v.Float64s != nil:
		return fmt.Sprint(v.Float64s[row])
	}
	return fmt.Sprint(v.Bools[row])
}

func TestSeal_HalfLine_IsContinuedAndCarried(t *testing.T) {
	s := samples()[2]
	half := strings.Index(typedLines, "ünï")
	s.data = []byte(typedLines[:half+5])
	first := s.sealAll(t, 100).batches
	require.Len(t, first, 1)
	require.True(t, first[0].Manifest.OpenEnd)
	require.Nil(t, first[0].Manifest.Carry)

	p, err := parse.New(s.def)
	require.NoError(t, err)
	in := Input{Key: first[0].Manifest.SourceKey(), Epoch: &table.Epoch{Stream: s.name, Parser: s.def},
		Parser: p, Start: first[0].End, MaxPartitions: 1}
	b, err := Seal(in, &memChunks{data: []byte(typedLines[:len(typedLines)-1]), start: in.Start,
		at: in.Start.Offset, step: 10, maxRecord: 4096}, newMemFiles())
	require.NoError(t, err)
	require.NoError(t, b.Manifest.Validate())
	require.Equal(t, &table.Carry{Line: int64(half)}, b.Manifest.Carry)
	require.EqualValues(t, 1, b.Reasons[parse.Continued])
	require.True(t, b.Manifest.OpenEnd)
	require.Equal(t, first[0].Manifest.ChainOut, b.Manifest.ChainIn)
}

func TestSeal_ErrorsEndIt(t *testing.T) {
	s := samples()[0]
	p, err := parse.New(s.def)
	require.NoError(t, err)
	in := Input{Key: source.Key{Table: source.Table{Stream: "app", Version: 1}},
		Epoch:  &table.Epoch{Stream: "app", Parser: s.def, Partition: batch.Hour},
		Parser: p, Start: source.Origin(), MaxPartitions: 64}
	chunks := func(err error) *memChunks {
		return &memChunks{data: s.data, start: in.Start, step: 1000, maxRecord: 4096, err: err}
	}

	t.Run("of the source", func(t *testing.T) {
		broken := errors.New("disk gone")
		files := newMemFiles()
		_, err := Seal(in, chunks(broken), files)
		require.ErrorIs(t, err, broken)
		for name, f := range files.files {
			require.Equal(t, 1, f.closed, name)
		}
	})
	t.Run("of the files", func(t *testing.T) {
		for _, name := range []string{"0", "1", "2"} {
			files := newMemFiles()
			files.fail = name
			_, err := Seal(in, chunks(nil), files)
			require.ErrorContains(t, err, "refused")
			for name, f := range files.files {
				require.Equal(t, 1, f.closed, name)
			}
		}
	})
	t.Run("empty range", func(t *testing.T) {
		files := newMemFiles()
		c := chunks(nil)
		c.data = nil
		_, err := Seal(in, c, files)
		require.EqualError(t, err, "EOF")
		require.Empty(t, files.files)
	})
}

func TestSeal_OnlyBlanks_HasNoObjects(t *testing.T) {
	s := samples()[0]
	s.data = []byte("\n\r\n\n")
	got := s.sealAll(t, 2)
	require.Len(t, got.batches, 1)
	m := got.batches[0].Manifest
	require.Empty(t, m.Objects)
	require.EqualValues(t, 3, m.Skipped)
	require.EqualValues(t, 4, m.SkippedBytes)
	require.Equal(t, m, func() *table.Manifest {
		back, err := table.ParseManifest(m.JSON())
		require.NoError(t, err)
		return back
	}())
}

func TestSeal_ObjectsAreSortedAndNamed(t *testing.T) {
	got := samples()[0].sealAll(t, 1<<20)
	require.Greater(t, len(got.batches), 1)
	for _, b := range got.batches {
		keys := []string{}
		for _, o := range b.Manifest.Objects {
			keys = append(keys, o.Key)
		}
		require.True(t, slices.IsSorted(keys))
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(b.Names))), len(keys))
	}
	require.NotEmpty(t, slices.Collect(maps.Keys(got.objects)))
}
