package verify

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/files"
	"logseal/ingest/files/filestest"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

func TestRun_Sources_ProvedUnderAnyNameAndCompression(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	b.load("one.log", data, 0, 700)
	b.fsys.Write("one.log.1.gz", filestest.Gzip(data))
	b.fsys.Write("empty.log", nil)
	requireOnly(t, b.run(everything("one.log", "one.log.1.gz", "empty.log")), map[Kind][]string{})
}

func TestRun_Sources_TellsWhatIsNotProved(t *testing.T) {
	for name, c := range map[string]struct {
		kind  Kind
		write func(b *bucket, data []byte) []byte // what the file holds
		text  string
	}{
		"never loaded": {Missing, func(b *bucket, data []byte) []byte {
			return []byte("another log\n")
		}, "load it"},
		"begins alike": {Missing, func(b *bucket, data []byte) []byte {
			return append(bytes.Clone(data[:bytes.IndexByte(data, '\n')+1]), data...)
		}, "load it"},
		"changed in the middle": {Differing, func(b *bucket, data []byte) []byte {
			data = bytes.Clone(data)
			data[len(data)/2] ^= 1
			return data
		}, "something else before byte"},
		"cut off": {Differing, func(b *bucket, data []byte) []byte {
			return data[:len(data)-1]
		}, "give the whole file"},
		"cut-off gzip": {Differing, func(b *bucket, data []byte) []byte {
			z := filestest.Gzip(data)
			return z[:len(z)/2]
		}, "give the whole file"},
		"damaged gzip": {Missing, func(b *bucket, data []byte) []byte {
			return filestest.Gzip(data)[:5]
		}, "nothing of log can be proved"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			data := content("one", 100)
			b.load("one.log", data, 0, 700)
			b.fsys.Write("log", c.write(b, data))
			r := b.run(everything("one.log", "log"))
			requireOnly(t, r, map[Kind][]string{c.kind: {"log"}})
			require.ErrorContains(t, errText(r.Findings[0].Text), c.text)
		})
	}
}

type errText string

func (e errText) Error() string { return string(e) }

func TestRun_Sources_RestIsAGap(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	ms := b.load("log", data, 0, 700)
	last := ms[len(ms)-1]
	b.fsys.Append("log", []byte("more\n"))
	want := last.SourceKey().String() + " " + rangeString(last.End, last.End+5)
	requireOnly(t, b.run(everything("log")), map[Kind][]string{Gap: {want}})

}

// Each table that has of a file must have it whole. One that has nothing of it is fine as long as
// another has it.
func TestRun_Sources_ProvedInEachTable(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	last := lastOf(b.load("log", data, 0, 700))
	b.fsys.Append("log", []byte("more\n"))
	half := last.SourceKey().String() + " " + rangeString(last.End, last.End+5)

	v2 := *b.epoch
	v2.Version = 2
	b.epoch = &v2
	b.putEpoch()
	b.load("other.log", append(content("one", 3), "another log\n"...), 0, 0)
	requireOnly(t, b.run(everything("log", "other.log")), map[Kind][]string{Gap: {half}})

	b.seal("log", 1, source.Origin(), 0, 0)
	r := b.run(everything("log", "other.log"))
	requireOnly(t, r, map[Kind][]string{Gap: {half}})
	require.Contains(t, r.Findings[0].Text, "app/v1")
	requireOnly(t, b.run(Options{Stream: "app", Sources: []string{"log"}}),
		map[Kind][]string{Gap: {half}})

	// Two streams on one path.
	whole := newBucket(t)
	whole.load("log", data, 0, 700)
	other := *whole.epoch
	other.Stream = "web"
	whole.epoch = &other
	whole.putEpoch()
	whole.fsys.Write("log", data[:len(content("one", 60))])
	short := lastOf(whole.seal("log", 0, source.Origin(), 700, 0))
	whole.fsys.Write("log", data)
	requireOnly(t, whole.run(everything("log")), map[Kind][]string{
		Gap: {short.SourceKey().String() + " " + rangeString(short.End, int64(len(data)))}})
	requireOnly(t, whole.run(Options{Stream: "app", Sources: []string{"log"}}), map[Kind][]string{})
}

// A half line before a fault is no record: there is nothing to load.
func TestRun_Sources_HalfLineBeforeAFaultIsNoGap(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	z := filestest.Gzip(append(bytes.Clone(data), "half a line"...))
	b.load("log", z[:len(z)-8], 0, 0) // without the checksum
	requireOnly(t, b.run(everything("log")), map[Kind][]string{})
}

func TestRun_Sources_HalfLinesThatGoOn(t *testing.T) {
	b := newBucket(t)
	data := append(content("one", 40), "half a line"...)
	ms := b.load("log", data, 0, 700)
	last := ms[len(ms)-1]
	require.True(t, last.OpenEnd)
	b.fsys.Append("log", []byte(" and its end\n"+string(content("more", 20))))
	next := b.goOn("log", last)[0]
	requireOnly(t, b.run(everything("log")), map[Kind][]string{})

	b.edit(next, func(m *table.Manifest) { m.Carry = nil })
	requireOnly(t, b.run(Options{}), map[Kind][]string{Differing: {next.Key()}})
}

// goOn seals what follows a batch.
func (b *bucket) goOn(path string, last *table.Manifest) []*table.Manifest {
	f, err := files.Open(b.fsys, path)
	require.NoError(b.t, err)
	defer f.Close()
	marks, _, err := f.Marks(b.t.Context(), []int64{last.End})
	require.NoError(b.t, err)
	return b.seal(path, last.K, marks[last.End], 700, 0)
}

// Two sources that begin alike: each file is proved to be its own.
func TestRun_Sources_ThatBeginAlike(t *testing.T) {
	b := newBucket(t)
	one := content("one", 50)
	two := append(bytes.Clone(one[:bytes.IndexByte(one, '\n')+1]), content("two", 50)...)
	b.load("one.log", one, 0, 700)
	b.load("two.log", two, 1, 700)
	requireOnly(t, b.run(everything("one.log", "two.log")), map[Kind][]string{})

	first := table.ManifestKey(b.key("one.log", 0), 0)
	for _, key := range b.store.Keys() { // the first source goes, with all it has
		if strings.Contains(key, b.key("one.log", 0).ID.String()) {
			b.store.Plant(key, nil)
		}
	}
	requireOnly(t, b.run(Options{Deep: true}), map[Kind][]string{})
	requireOnly(t, b.run(everything("two.log")), map[Kind][]string{Missing: {first}})
}

// What only the file's bytes can tell.
func TestRun_Sources_DeriveEveryBatchAgain(t *testing.T) {
	for name, change := range map[string]func(m *table.Manifest){
		"skipped":        func(m *table.Manifest) { m.Skipped-- },
		"skipped bytes":  func(m *table.Manifest) { m.Skipped--; m.SkippedBytes--; m.RowBytes++ },
		"state of chain": func(m *table.Manifest) { m.ChainState[0]++ },
		"open end":       func(m *table.Manifest) { m.OpenEnd = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			ms := b.load("log", content("one", 100), 0, 3000)
			last := ms[len(ms)-1]
			require.Greater(t, last.Skipped, int64(1))
			b.edit(last, change)
			requireOnly(t, b.run(Options{Deep: true}), map[Kind][]string{})
			requireOnly(t, b.run(everything("log")), map[Kind][]string{Differing: {last.Key()}})
		})
	}
}

// A batch with other rows that is sound in itself: the rows of another file, say.
func TestRun_Sources_OtherRows(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	ms := b.load("log", data, 0, 700)
	forged := newBucket(t)
	forged.epoch = b.epoch
	other := forged.load("log", bytes.ReplaceAll(data, []byte("one-2\n"), []byte("two-2\n")), 0, 700)
	m := *ms[0]
	m.Objects = nil
	for i, o := range other[0].Objects {
		body := forged.store.Body(o.Key)
		b.store.Plant(ms[0].Objects[i].Key, body)
		m.Objects = append(m.Objects, table.Object{Key: ms[0].Objects[i].Key, Rows: o.Rows,
			Bytes: int64(len(body)), SHA256: source.DigestOf(body)})
	}
	b.store.Plant(m.Key(), m.JSON())
	requireOnly(t, b.run(Options{Deep: true}), map[Kind][]string{})
	r := b.run(everything("log"))
	require.Len(t, r.Differing, 1)
	require.Contains(t, r.Differing[0], "dt=2024-01-03")
}

// Objects of another encoder have other bytes: they are held against the file row by row.
func TestRun_Sources_AnotherEncoderVersion(t *testing.T) {
	b := newBucket(t)
	b.epoch.Encoder = table.EncoderVersion + 1
	b.putEpoch()
	ms := b.load("log", content("one", 100), 0, 700)
	for _, m := range ms { // the other encoder wrote a byte more
		edited := *m
		edited.Objects = nil
		for _, o := range m.Objects {
			body := b.store.Body(o.Key)
			body = b.reencode(body)
			b.store.Plant(o.Key, body)
			o.Bytes, o.SHA256 = int64(len(body)), source.DigestOf(body)
			edited.Objects = append(edited.Objects, o)
		}
		b.store.Plant(m.Key(), edited.JSON())
	}
	requireOnly(t, b.run(everything("log")), map[Kind][]string{})

	// and other rows are found
	data := bytes.ReplaceAll(content("one", 100), []byte("one-2\n"), []byte("two-2\n"))
	forged := newBucket(t)
	forged.epoch = b.epoch
	other := forged.load("log", data, 0, 700)
	i := indexOf(other[0], "dt=2024-01-03")
	body := forged.store.Body(other[0].Objects[i].Key)
	edited := *ms[0]
	edited.Objects = append([]table.Object(nil), ms[0].Objects...)
	for j := range edited.Objects {
		have := b.store.Body(edited.Objects[j].Key)
		if j == i {
			have = body
			b.store.Plant(edited.Objects[j].Key, body)
		}
		edited.Objects[j].Bytes = int64(len(have))
		edited.Objects[j].SHA256 = source.DigestOf(have)
	}
	b.store.Plant(edited.Key(), edited.JSON())
	r := b.run(everything("log"))
	requireOnly(t, r, map[Kind][]string{Differing: {edited.Objects[i].Key}})
	require.Contains(t, r.Findings[0].Text, "differs in column text")
}

func indexOf(m *table.Manifest, partition string) int {
	for i, o := range m.Objects {
		if strings.Contains(o.Key, partition) {
			return i
		}
	}
	return -1
}

// reencode gives a Parquet file of the same rows with other bytes: padding before the footer.
func (b *bucket) reencode(body []byte) []byte {
	n := len(body)
	footer := 8 + int(uint32(body[n-8])|uint32(body[n-7])<<8|uint32(body[n-6])<<16|
		uint32(body[n-5])<<24)
	return append(append(bytes.Clone(body[:n-footer]), 0), body[n-footer:]...)
}
