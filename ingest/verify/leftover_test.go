package verify

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/spool"
	"logseal/ingest/table"
)

// leftover seals a file with other cuts into a clone of the bucket and plants, into the bucket, the
// objects alone.
func (b *bucket) leftover(path string, at source.Point, maxBytes int64) []*table.Manifest {
	other := *b
	other.store = b.store.Clone()
	ms := other.seal(path, 0, at, maxBytes, 0)
	for _, m := range ms {
		for _, o := range m.Objects {
			b.store.Plant(o.Key, other.store.Body(o.Key))
		}
	}
	return ms
}

// rival plants the objects of the same batches under another seal: the place of each is taken.
func (b *bucket) rival(path string, maxBytes int64) []*table.Manifest {
	epoch, other := *b.epoch, *b
	epoch.Encoder++
	other.epoch = &epoch
	return other.leftover(path, source.Origin(), maxBytes)
}

func TestRun_Superseded_IsCleaned(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 1000)
	clean := b.store.Snapshot()
	ms := b.rival("one.log", 1000)
	require.Greater(t, len(ms), 1)
	for _, deep := range []bool{false, true} {
		requireOnly(t, b.run(Options{Deep: deep}), map[Kind][]string{Superseded: keysOf(ms...)})
	}
	before := b.store.Snapshot()
	requireOnly(t, b.run(Options{Stream: "other", Clean: true}), map[Kind][]string{})
	require.Equal(t, before, b.store.Snapshot())

	r := b.run(Options{Clean: true})
	requireOnly(t, r, map[Kind][]string{})
	require.Equal(t, keysOf(ms...), r.Cleaned)
	require.Equal(t, clean, b.store.Snapshot())
}

// Only what stands at the start of a batch tells that it can never be committed: a manifest from before that
// spans it may be forged or copied, and its writer under way.
func TestRun_Clean_SparesWhatAManifestOnlySpans(t *testing.T) {
	b := newBucket(t)
	all := b.load("one.log", content("one", 100), 0, 1000)
	ms := b.leftover("one.log", source.Origin(), 1700)
	var taken, free []*table.Manifest
	for _, m := range ms {
		if slices.ContainsFunc(all, func(x *table.Manifest) bool { return x.Start == m.Start }) {
			taken = append(taken, m)
		} else {
			free = append(free, m)
		}
	}
	require.NotEmpty(t, taken)
	require.NotEmpty(t, free)
	r := b.run(Options{Clean: true})
	requireOnly(t, r, map[Kind][]string{Unfinished: keysOf(free...)})
	require.Equal(t, keysOf(taken...), r.Cleaned)
}

// A batch is under way: its objects are there, its manifest is not yet. Somebody puts a manifest of another
// range in its place, a copy of one that was edited, say. The source has a fault then, and nothing of it is
// deleted.
func TestRun_Clean_SparesSourcesWithFaults(t *testing.T) {
	b := newBucket(t)
	all := b.load("one.log", content("one", 100), 0, 1000)
	b.load("two.log", content("two", 100), 0, 1000)
	b.rival("one.log", 1000)
	rivals := b.rival("two.log", 1000)
	last, forged := all[len(all)-1], *all[len(all)-2]
	forged.Start, forged.End = last.Start, last.Start+forged.End-forged.Start
	b.store.Plant(last.Key(), forged.JSON())
	r := b.run(Options{Clean: true})
	require.False(t, r.OK)
	require.Equal(t, keysOf(rivals...), r.Cleaned, "of the source without a fault")
	for _, key := range keysOf(last) {
		require.NotEmpty(t, b.store.Body(key), key)
	}
}

// A fault that shows after the leftovers counts as well.
func TestRun_Clean_SparesSourcesWhoseFaultShowsLate(t *testing.T) {
	b := newBucket(t)
	all := b.load("one.log", content("one", 100), 0, 1000)
	rivals := b.rival("one.log", 1000)
	last := all[len(all)-1]
	junk := table.BatchName{ID: last.SID, Range: last.Range(), Seal: last.Seal}
	junk.Range.Start, junk.Range.End = last.End, last.End+100
	key := strings.Replace(last.Objects[0].Key, last.BatchName().String(), junk.String(), 1)
	b.store.Plant(key, []byte("junk"))
	r := b.run(Options{Clean: true, Deep: true})
	require.Equal(t, []string{key}, r.Differing)
	require.Empty(t, r.Cleaned)
	require.Equal(t, keysOf(rivals...), r.Superseded)
}

// A batch that lost its place and waits in the spool is its writer's to settle.
func TestRun_Clean_SparesWhatIsInTheSpool(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 1000)
	ms := b.rival("one.log", 1000)
	r := b.run(Options{Clean: true, Spool: spoolOf(ms[1])})
	require.Equal(t, keysOf(ms[1]), r.Pending)
	require.NotEmpty(t, r.Cleaned)
	for _, key := range keysOf(ms[1]) {
		require.NotContains(t, r.Cleaned, key)
	}
}

// What stands after the last batch may still be finished: it is never deleted.
func TestRun_Unfinished_IsNotCleaned(t *testing.T) {
	b := newBucket(t)
	all := b.load("one.log", content("one", 100), 0, 1000)
	last := all[len(all)-1]
	b.store.Plant(last.Key(), nil)
	before := b.store.Snapshot()
	for _, deep := range []bool{false, true} {
		r := b.run(Options{Clean: true, Deep: deep})
		requireOnly(t, r, map[Kind][]string{Unfinished: keysOf(last)})
		require.True(t, r.OK)
	}
	require.Equal(t, before, b.store.Snapshot())

	r := b.run(Options{Clean: true, Spool: spoolOf(last)})
	requireOnly(t, r, map[Kind][]string{Pending: keysOf(last)})
	require.True(t, r.OK)
}

// A sink that lost every manifest of a source is not settled, and says how much that is.
func TestRun_Unfinished_IsCounted(t *testing.T) {
	b := newBucket(t)
	whole := b.load("one.log", content("one", 100), 0, 1000)
	require.True(t, b.run(Options{}).Settled())
	var size int64
	for _, m := range whole {
		b.store.Plant(m.Key(), nil)
		for _, o := range m.Objects {
			size += o.Bytes
		}
	}
	r := b.run(Options{Deep: true})
	requireOnly(t, r, map[Kind][]string{Unfinished: keysOf(whole...)})
	require.Equal(t, size, r.UnfinishedBytes)
	require.True(t, r.OK)
	require.False(t, r.Settled())

	r = b.run(Options{Spool: spoolOf(whole...)})
	requireOnly(t, r, map[Kind][]string{Pending: keysOf(whole...)})
	require.Zero(t, r.UnfinishedBytes)
	require.True(t, r.Settled())
}

func spoolOf(ms ...*table.Manifest) func() ([]spool.Entry, error) {
	return func() ([]spool.Entry, error) {
		entries := []spool.Entry{{Name: "rubbish", Manifest: []byte("rubbish")}}
		for _, m := range ms {
			entries = append(entries, spool.Entry{Name: m.BatchName().String(), Manifest: m.JSON()})
		}
		return entries, nil
	}
}

// A manifest that cannot be read may name what stands at its start, so that is not deleted, even
// if another one spans it.
func TestRun_Clean_SparesWhatAnUnreadableManifestMayName(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	b.store.Plant(ms[1].Key(), []byte("rubbish"))
	b.edit(ms[0], func(m *table.Manifest) { // spans it, and names objects that are not there
		m.End, m.SkippedBytes = m.End+1, m.SkippedBytes+1
		for i := range m.Objects {
			m.Objects[i].Key = strings.Replace(m.Objects[i].Key, ms[0].BatchName().String(),
				m.BatchName().String(), 1)
		}
	})
	r := b.run(Options{Clean: true})
	require.False(t, r.OK)
	require.Empty(t, r.Cleaned, "the source has faults")
	require.Equal(t, keysOf(ms[0]), r.Superseded)
	require.Equal(t, keysOf(ms[1]), r.Unfinished)
}

// Two batches at one start is a fault, but what either names is not a leftover.
func TestRun_Clean_SparesWhatAFoundBatchNames(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	b.epoch.Encoder = table.EncoderVersion + 1
	b.putEpoch()
	again := b.leftover("one.log", source.Origin(), 1000)[1]
	require.Equal(t, ms[1].Range(), again.Range())
	b.store.Plant(table.FoundKey(again.SourceKey(), again.Start), again.JSON())
	r := b.run(Options{Clean: true})
	require.Equal(t, []string{rangeOf(ms[1])}, r.Overlaps)
	for _, key := range keysOf(again) {
		require.NotContains(t, r.Superseded, key)
	}
	require.NotEmpty(t, r.Superseded)
	require.Empty(t, r.Cleaned, "the source has faults")
}

// late is a store whose lists leave out what a writer puts meanwhile, or a part of it.
type late struct {
	sink.Store
	hide func(key string) bool
}

func (s late) List(ctx context.Context, prefix string) iter.Seq2[sink.Info, error] {
	return func(yield func(sink.Info, error) bool) {
		for info, err := range s.Store.List(ctx, prefix) {
			if err == nil && s.hide(info.Key) {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

func TestRun_BesideWriters_ALateListIsNoFinding(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 700)
	require.Greater(t, len(ms), 6)
	b.declareLost(ms[6], true)
	found := table.FoundKey(ms[6].SourceKey(), ms[6].Start)
	for name, hidden := range map[string][]string{
		"objects":                     keysOf(ms[4], ms[5]),
		"manifests in the middle":     {ms[2].Key(), ms[3].Key()},
		"manifests at the end":        {ms[len(ms)-1].Key()},
		"a found batch":               {found},
		"manifests and their objects": append(keysOf(ms[3]), ms[3].Key()),
	} {
		t.Run(name, func(t *testing.T) {
			before := b.store.Snapshot()
			store := late{b.store, func(key string) bool { return slices.Contains(hidden, key) }}
			r, err := Run(t.Context(), Options{Store: store, Clean: true, Deep: true})
			require.NoError(t, err)
			requireOnly(t, r, map[Kind][]string{})
			require.Empty(t, r.Cleaned)
			require.Equal(t, before, b.store.Snapshot())
		})
	}
}

// A writer that lost its place deletes its leftover between the list and the report.
func TestRun_BesideWriters_ALeftoverThatGoesIsNoFinding(t *testing.T) {
	b := newBucket(t)
	b.load("one.log", content("one", 100), 0, 1000)
	ms := b.rival("one.log", 1000)
	store := late{b.store, func(key string) bool {
		if strings.HasPrefix(key, table.ManifestFolder) {
			for _, key := range keysOf(ms...) {
				b.store.Plant(key, nil)
			}
		}
		return false
	}}
	r, err := Run(t.Context(), Options{Store: store})
	require.NoError(t, err)
	requireOnly(t, r, map[Kind][]string{})
}

func TestRun_Since_LeavesOutOldObjects(t *testing.T) {
	b := newBucket(t)
	ms := b.load("one.log", content("one", 100), 0, 1000)
	b.store.Plant(ms[0].Objects[0].Key, nil)
	r := b.run(Options{Since: time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)})
	require.Equal(t, int64(len(ms)), r.Batches)
	require.Equal(t, []string{ms[0].Objects[0].Key}, r.Missing)

	b.leftover("one.log", source.Origin(), 1700)
	r = b.run(Options{Since: time.Date(2024, 1, 4, 0, 0, 0, 0, time.UTC)})
	require.Empty(t, r.Missing)
	require.Zero(t, r.Batches)
	for _, key := range r.Superseded {
		require.True(t, strings.HasPrefix(key, table.QuarantineFolder))
	}
	b.store.Plant(ms[1].Key(), nil)
	r = b.run(Options{Since: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.Equal(t, []string{rangeOf(ms[1])}, r.Gaps)
}

func TestFiles_NamesWhatManifestsName(t *testing.T) {
	b := newBucket(t)
	one := b.load("one.log", content("one", 100), 0, 1000)
	two := b.load("two.log", content("two", 100), 0, 1000)
	want := keysOf(append(one, two...)...)
	b.leftover("one.log", source.Origin(), 1700)
	names := func() (got []string) {
		require.NoError(t, Files(t.Context(), Options{Store: b.store}, func(key string) error {
			got = append(got, key)
			return nil
		}))
		slices.Sort(got)
		return got
	}
	require.Equal(t, want, names())

	b.declareLost(two[1], true)
	require.Equal(t, want, names())
	b.store.Plant(table.FoundKey(two[1].SourceKey(), two[1].Start), nil)
	require.Len(t, names(), len(want)-len(two[1].Objects))

	err := Files(t.Context(), Options{Store: b.store}, func(string) error { return context.Canceled })
	require.ErrorIs(t, err, context.Canceled)
	b.store.Plant(one[1].Key(), []byte("rubbish"))
	err = Files(t.Context(), Options{Store: b.store}, func(string) error { return nil })
	require.ErrorContains(t, err, one[1].Key())
}
