package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/table"
)

// declareLost puts a loss in a batch's place; found puts the batch beside it.
func (b *bucket) declareLost(m *table.Manifest, found bool) *table.Loss {
	l := &table.Loss{Format: table.Format, Stream: m.Stream, Version: m.Version, Origin: m.Origin,
		SID: m.SID, K: m.K, Kind: table.Lost, Start: m.Start, End: &m.End, Reason: table.Deleted,
		ChainIn: m.ChainIn, ChainOut: &m.ChainOut, ChainState: &m.ChainState, Marks: m.Marks}
	require.NoError(b.t, l.Validate())
	b.store.Plant(l.Key(), l.JSON())
	if found {
		b.store.Plant(table.FoundKey(m.SourceKey(), m.Start), m.JSON())
	}
	return l
}

func TestRun_Losses(t *testing.T) {
	for name, plant := range map[string]func(b *bucket, ms []*table.Manifest) map[Kind][]string{
		"lost, its objects never put": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.declareLost(ms[1], false)
			for _, key := range keysOf(ms[1]) {
				b.store.Plant(key, nil)
			}
			return map[Kind][]string{Lost: {rangeOf(ms[1])}}
		},
		"lost, but someone may find it": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.declareLost(ms[1], false)
			return map[Kind][]string{Lost: {rangeOf(ms[1])}, Unfinished: keysOf(ms[1])}
		},
		"found": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.declareLost(ms[1], true)
			return map[Kind][]string{}
		},
		"found, but no loss": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(ms[1].Key(), nil)
			key := table.FoundKey(ms[1].SourceKey(), ms[1].Start)
			b.store.Plant(key, ms[1].JSON())
			return map[Kind][]string{Differing: {key}}
		},
		"found another range": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			l := b.declareLost(ms[1], true)
			l.ChainOut, l.ChainIn[0] = &ms[0].ChainOut, l.ChainIn[0]+1
			b.store.Plant(l.Key(), l.JSON())
			return map[Kind][]string{Differing: {table.FoundKey(ms[1].SourceKey(), ms[1].Start)}}
		},
		"found, and a batch in the place": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.store.Plant(table.FoundKey(ms[1].SourceKey(), ms[1].Start), ms[1].JSON())
			return map[Kind][]string{Overlap: {rangeOf(ms[1])}}
		},
		"a loss that does not go on": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			l := b.declareLost(ms[1], false)
			l.ChainIn[0]++
			b.store.Plant(l.Key(), l.JSON())
			return map[Kind][]string{Lost: {rangeOf(ms[1])}, Unfinished: keysOf(ms[1]),
				Differing: {l.Key()}}
		},
		"a note after the end": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			last := ms[len(ms)-1]
			b.note(last.End, last.End+10, last)
			return map[Kind][]string{Lost: {last.SourceKey().String() + " " +
				rangeString(last.End, last.End+10)}}
		},
		"a note that is covered in part": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			last := ms[len(ms)-1]
			b.note(ms[1].Start, last.End+10, last)
			return map[Kind][]string{Lost: {last.SourceKey().String() + " " +
				rangeString(last.End, last.End+10)}}
		},
		"a note that is covered": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			b.note(ms[1].Start, ms[2].End, ms[1])
			return map[Kind][]string{}
		},
		"a note with a loss's body": func(b *bucket, ms []*table.Manifest) map[Kind][]string {
			key := table.NoteKey(ms[1].SourceKey(), ms[1].Start)
			b.store.Plant(key, ms[1].JSON())
			return map[Kind][]string{Differing: {key}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			ms := b.load("one.log", content("one", 100), 0, 1000)
			want := plant(b, ms)
			requireOnly(t, b.run(Options{Deep: true}), want)
		})
	}
}

// note puts a note whose end is not known but at least atLeast.
func (b *bucket) note(start, atLeast int64, m *table.Manifest) {
	l := &table.Loss{Format: table.Format, Stream: m.Stream, Version: m.Version, Origin: m.Origin,
		SID: m.SID, K: m.K, Kind: table.Note, Start: start, AtLeast: &atLeast,
		Reason: table.Truncated, ChainIn: m.ChainOut}
	require.NoError(b.t, l.Validate())
	b.store.Plant(l.Key(), l.JSON())
}
