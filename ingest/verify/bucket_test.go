package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/parse"
	"logseal/ingest/seal"
	"logseal/ingest/sink/sinktest"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// bucket is a sink filled by hand, and the log files it was filled from.
type bucket struct {
	t          testing.TB
	store      *sinktest.Memory
	fsys       *filestest.FS
	epoch      *table.Epoch
	partitions int               // at most, of a batch
	origin     string            // of what is sealed
	one        []*table.Manifest // of one.log, where a test says so
}

func newBucket(t testing.TB) *bucket {
	b := &bucket{t: t, store: sinktest.NewMemory(t), fsys: filestest.New(),
		partitions: math.MaxInt}
	def := parse.Definition{
		Pattern: `(?P<ts>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<n>\d+) (?P<text>.*)`,
		Columns: []parse.Column{
			{Name: "ts", Type: parse.Timestamp, EventTime: true},
			{Name: "n", Type: parse.Int64},
			{Name: "text", Type: parse.String, Optional: true, NullValues: []string{"-"}},
		},
	}
	b.epoch = table.NewEpoch(source.Table{Stream: "app", Version: 1}, def)
	b.epoch.MaxRecordBytes = 100
	require.NoError(t, b.epoch.Validate())
	b.store.Plant(table.RootKey, table.RootJSON())
	b.putEpoch()
	return b
}

func (b *bucket) putEpoch() { b.store.Plant(b.epoch.Key(), b.epoch.JSON()) }

// content is a log of some lines over a few days, with rejects, blank lines and a long line.
func content(name string, lines int) []byte {
	var w bytes.Buffer
	for i := range lines {
		switch i % 11 {
		case 3:
			w.WriteString("\n")
		case 5:
			fmt.Fprintf(&w, "rubbish %s %d\r\n", name, i)
		case 7:
			w.WriteString(strings.Repeat("long ", 50) + "\n")
		default:
			fmt.Fprintf(&w, "2024-01-%02dT10:%02d:00Z %d %s-%d\n", 1+i%3, i%60, i, name, i)
		}
	}
	return w.Bytes()
}

// memFiles takes the objects of one batch.
type memFiles map[string]*bytes.Buffer

func (f memFiles) Create(name string) (io.WriteCloser, error) {
	f[name] = &bytes.Buffer{}
	return nopCloser{f[name]}, nil
}

// key is the k-th source that a file of the bucket can be.
func (b *bucket) key(path string, k uint64) source.Key {
	f, err := files.Open(b.fsys, path)
	require.NoError(b.t, err)
	defer f.Close()
	head, ok, err := f.Head(true)
	require.NoError(b.t, err)
	require.True(b.t, ok)
	t := b.epoch.Table()
	return source.Key{Table: t, Origin: b.origin, ID: source.NewID(b.origin, t.Stream, k, head)}
}

// load writes a file and seals it into batches of about maxBytes each.
func (b *bucket) load(path string, data []byte, k uint64, maxBytes int64) []*table.Manifest {
	b.fsys.Write(path, data)
	return b.seal(path, k, source.Origin(), maxBytes, 0)
}

// seal seals a file from a point on and puts all but the manifests that keep is false for.
func (b *bucket) seal(path string, k uint64, at source.Point, maxBytes,
	barrier int64) (all []*table.Manifest) {
	f, err := files.Open(b.fsys, path)
	require.NoError(b.t, err)
	defer f.Close()
	p, err := parse.New(b.epoch.Parser)
	require.NoError(b.t, err)
	r, err := f.ReaderOf(context.Background(), at, int(b.epoch.MaxRecordBytes), p.Parts())
	require.NoError(b.t, err)
	for {
		r.Begin(maxBytes, barrier)
		staged := memFiles{}
		sealed, err := seal.Seal(seal.Input{Key: b.key(path, k), K: k, Epoch: b.epoch, Parser: p,
			Start: at, MaxPartitions: b.partitions}, r, staged)
		if errors.Is(err, io.EOF) || errors.As(err, new(*files.CorruptError)) {
			return all
		}
		require.NoError(b.t, err)
		for i, o := range sealed.Manifest.Objects {
			b.store.Plant(o.Key, staged[sealed.Names[i]].Bytes())
		}
		b.store.Plant(sealed.Manifest.Key(), sealed.Manifest.JSON())
		all = append(all, sealed.Manifest)
		at = sealed.End
	}
}

func (b *bucket) run(o Options) *Report {
	b.t.Helper()
	r, err := b.tryRun(o)
	require.NoError(b.t, err)
	return r
}

func (b *bucket) tryRun(o Options) (*Report, error) {
	o.Store, o.FS = b.store, b.fsys
	return Run(context.Background(), o)
}

// requireOnly holds the report's lists against want, by kind.
func requireOnly(t testing.TB, r *Report, want map[Kind][]string) {
	t.Helper()
	ok := true
	for _, l := range r.lists() {
		if want[l.kind] == nil {
			want[l.kind] = []string{}
		}
		require.Equal(t, want[l.kind], *l.list, "%s: %v", l.kind, r.Findings)
		ok = ok && (!l.kind.Fails() || len(*l.list) == 0)
	}
	require.Equal(t, ok, r.OK)
	for _, f := range r.Findings {
		require.NotContains(t, f.Text, "\n")
		require.NotContains(t, f.Text, "%!")
	}
}

// everything is what the most thorough run looks at.
func everything(paths ...string) Options { return Options{Deep: true, Sources: paths} }

// rangeOf is how reports name a range.
func rangeOf(m *table.Manifest) string { return m.SourceKey().String() + " " + m.Range().String() }

// edit changes a manifest and plants it where it stands.
func (b *bucket) edit(m *table.Manifest, change func(m *table.Manifest)) {
	edited := *m
	edited.Objects = append([]table.Object(nil), m.Objects...)
	change(&edited)
	b.store.Plant(m.Key(), edited.JSON())
}

// objectOf gives the first object of a kind, and its partition's rows.
func objectOf(t testing.TB, m *table.Manifest, kind table.KeyKind) table.Object {
	for _, o := range m.Objects {
		if k, err := table.ParseKey(o.Key); err == nil && k.Kind == kind {
			return o
		}
	}
	require.Fail(t, "no such object")
	return table.Object{}
}

// keysOf gives the objects of batches, sorted.
func keysOf(ms ...*table.Manifest) []string {
	var keys []string
	for _, m := range ms {
		for _, o := range m.Objects {
			keys = append(keys, o.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

func rangeString(start, end int64) string { return source.Range{Start: start, End: end}.String() }

func lastOf(ms []*table.Manifest) *table.Manifest { return ms[len(ms)-1] }
