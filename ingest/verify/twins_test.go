package verify

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/source"
	"logseal/ingest/table"
)

// heldTwice says how two sources of one origin that hold the same bytes are reported: of equal ones the
// later in the sink's order.
func heldTwice(end int64, keys ...source.Key) []string {
	names := keyNames(keys)
	return []string{names[len(names)-1] + " " + rangeString(0, end)}
}

// pair names two sources as the list of twins does.
func pair(keys ...source.Key) []string { return []string{strings.Join(keyNames(keys), " ")} }

func keyNames(keys []source.Key) []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.String())
	}
	slices.Sort(names)
	return names
}

// as seals what a file holds now for an origin.
func (b *bucket) as(origin, path string, k uint64, maxBytes int64) []*table.Manifest {
	of := *b
	of.origin = origin
	return of.seal(path, k, source.Origin(), maxBytes, 0)
}

// One file must be in a table once.
func TestRun_Sources_HeldWholeTwice(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	one := b.load("one.log", data, 0, 700)[0].SourceKey()
	two := b.seal("one.log", 1, source.Origin(), 1700, 0)[0].SourceKey()
	requireOnly(t, b.run(everything("one.log")), map[Kind][]string{
		Overlap: heldTwice(int64(len(data)), one, two)})
}

func TestRun_Sources_HeldWholeByTwoOrigins(t *testing.T) {
	b := newBucket(t)
	one := b.load("one.log", content("one", 100), 0, 700)[0].SourceKey()
	two := b.as("web-1", "one.log", 0, 1700)[0].SourceKey()
	r := b.run(everything("one.log"))
	requireOnly(t, r, map[Kind][]string{Twin: pair(one, two)})
	require.True(t, r.OK)
}

// The file tells what the sink alone does not: that a source is the beginning of another.
func TestRun_Sources_HeldTwiceAsItWasAndAsItIs(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	was := content("one", 40)
	require.True(t, bytes.HasPrefix(data, was))
	b.load("one.log", was, 1, 700)
	short := b.key("one.log", 1)
	b.load("one.log", data, 0, 0)
	requireOnly(t, b.run(Options{Deep: true}), map[Kind][]string{})
	requireOnly(t, b.run(everything("one.log")), map[Kind][]string{
		Overlap: {short.String() + " " + rangeString(0, int64(len(was)))}})
}

// What is declared lost or not wanted has no rows: a history that was loaded and a tail that began
// at its end have nothing twice.
func TestRun_Sources_OfWhichOneDidNotWantWhatTheOtherHas(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	b.declareLost(ms[0], false)
	for _, key := range keysOf(ms[0]) {
		b.store.Plant(key, nil)
	}
	b.fsys.Write("one.log", content("one", 100)[:ms[0].End])
	two := b.as("web-1", "one.log", 0, 0)
	require.Len(t, two, 1)
	b.fsys.Write("one.log", content("one", 100))
	requireOnly(t, b.run(everything("one.log")), map[Kind][]string{
		Lost: {rangeOf(ms[0])}})
}

// The same without the file: two sources that end alike hold the same.
func TestRun_TwoSourcesOfOneFile(t *testing.T) {
	for _, maxBytes := range []int64{0, 700, 1700} {
		b := newBucket(t)
		data := content("one", 100)
		one := b.load("one.log", data, 0, 700)[0].SourceKey()
		two := b.seal("one.log", 1, source.Origin(), maxBytes, 0)[0].SourceKey()
		requireOnly(t, b.run(Options{}), map[Kind][]string{
			Overlap: heldTwice(int64(len(data)), one, two)})
		r := b.run(everything("one.log"))
		require.Len(t, r.Findings, 1)

		b = newBucket(t)
		one = b.load("one.log", data, 0, 700)[0].SourceKey()
		two = b.as("web-1", "one.log", 0, maxBytes)[0].SourceKey()
		requireOnly(t, b.run(Options{}), map[Kind][]string{Twin: pair(one, two)})
		require.Len(t, b.run(everything("one.log")).Findings, 1)
	}
}

// A source is the beginning of another when its end is a batch end, or a mark, of that one, and
// nobody can tell when it is neither.
func TestRun_ASourceThatIsTheBeginningOfAnother(t *testing.T) {
	head := "2024-01-01T10:00:00Z 0 start\n"
	lines := func(n int) string { // of n bytes, a multiple of 32
		return head + "ab\n" + strings.Repeat("2024-01-01T10:00:01Z 1 line....\n", n/32-1)
	}
	for _, c := range []struct {
		short    int
		maxBytes int64 // of the long one's batches
		found    bool
	}{
		{64, 0, true}, {256, 0, true}, {1024, 0, true}, {96, 0, false}, {992, 0, false},
		{1056, 0, false}, {96, 96, true}, {192, 96, true}, {160, 96, false},
	} {
		b := newBucket(t)
		short, long := lines(c.short), lines(2048)
		require.Equal(t, []int{c.short, 2048}, []int{len(short), len(long)})
		require.True(t, strings.HasPrefix(long, short))
		b.load("short.log", []byte(short), 1, 0)
		b.load("long.log", []byte(long), 0, c.maxBytes)
		want := map[Kind][]string{}
		if c.found {
			want[Overlap] = []string{b.key("short.log", 1).String() + " " +
				rangeString(0, int64(len(short)))}
		}
		requireOnly(t, b.run(Options{}), want)
	}
}

// Logs of one program begin alike, some of them past a mark, and some are short.
func TestRun_LogsThatBeginAlike_AreNoTwins(t *testing.T) {
	banner := content("banner", 5)
	require.Greater(t, len(banner), 64)
	b := newBucket(t)
	for k, data := range [][]byte{append(bytes.Clone(banner), "one\n"...),
		append(bytes.Clone(banner), content("two", 20)...),
		append(bytes.Clone(banner), content("three", 90)...), banner[:len(banner)-1]} {
		b.load("log", data, uint64(k), 0)
		b.as("web-1", "log", uint64(k), 0)
	}
	r := b.run(Options{})
	require.Empty(t, r.Overlaps)
	require.Len(t, r.Twins, 4, "each file with itself: %v", r.Twins)
}

// Another table may hold the same file.
func TestRun_OneFileInTwoTables_IsNoTwin(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 700)
	for _, other := range []source.Table{{Stream: "app", Version: 2}, {Stream: "web", Version: 1}} {
		e := *b.epoch
		e.Stream, e.Version = other.Stream, other.Version
		b.epoch = &e
		b.putEpoch()
		b.seal("one.log", 0, source.Origin(), 0, 0)
	}
	requireOnly(t, b.run(everything("one.log")), map[Kind][]string{})
}

// What is lost to one and in the other is there once; what was found again is there twice.
func TestRun_TwoSourcesOfOneFile_OfWhichOneLost(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	ms := b.load("one.log", data, 0, 1000)
	b.as("web-1", "one.log", 0, 0)
	one, two := ms[0].SourceKey(), ms[0].SourceKey()
	two.Origin, two.ID = "web-1", source.NewID("web-1", "app", 0, data[:bytes.IndexByte(data, '\n')+1])
	lost := map[Kind][]string{}
	for _, m := range ms {
		b.declareLost(m, false)
		for _, key := range keysOf(m) {
			b.store.Plant(key, nil)
		}
		lost[Lost] = append(lost[Lost], rangeOf(m))
	}
	slices.Sort(lost[Lost])
	requireOnly(t, b.run(Options{}), lost)

	b = newBucket(t)
	ms = b.load("one.log", data, 0, 1000)
	b.as("web-1", "one.log", 0, 0)
	for _, m := range ms {
		b.declareLost(m, true)
	}
	requireOnly(t, b.run(Options{}), map[Kind][]string{Twin: pair(one, two)})
}

// Of many that say the same each is named, and not with all others.
func TestRun_ManyThatSayTheSame(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 20), 0, 0)
	for _, origin := range []string{"a", "b", "c"} {
		for k := range uint64(3) {
			b.as(origin, "one.log", k, 0)
		}
	}
	r := b.run(Options{})
	require.Len(t, r.Overlaps, 3*2)
	require.Len(t, r.Twins, 3*3)
}

// A file is refuted by a mark that no batch ends at.
func TestRun_Sources_RefutedByAMark(t *testing.T) {
	b := newBucket(t)
	data := content("one", 100)
	b.load("one.log", data, 0, 0)
	other := append(bytes.Clone(data[:100]), content("other", 20)...)
	b.fsys.Write("other.log", other)
	r := b.run(everything("one.log", "other.log"))
	requireOnly(t, r, map[Kind][]string{Differing: {"other.log"}})
	require.Contains(t, r.Findings[0].Text, "up to byte 64 and something else before byte 256")
}
