package verify

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Whatever is cut however, what was sealed has no finding.
func TestRun_Property_CleanBucketHasNoFinding(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBucket(t)
		b.epoch.MaxRecordBytes = rapid.Int64Range(1, 60).Draw(rt, "max_record_bytes")
		b.putEpoch()
		piece := rapid.SampledFrom([]string{"\n", "\r\n", "\r", "x", "2024-01-02T10:00:00Z 1 a\n",
			"2024-01-03T10:00:00Z 2 b\r\n", "\xff\n", "\xef\xbb\xbf", "2024-01-04T10:00:00Z 3 half"})
		data := strings.Join(rapid.SliceOfN(piece, 1, 20).Draw(rt, "data"), "")
		b.load("log", []byte(data), 0, rapid.Int64Range(1, 100).Draw(rt, "max bytes"))
		requireOnly(t, b.run(everything("log")), map[Kind][]string{})
	})
}

// A fault is one change of the bucket that verify must see. It gives the kinds that may tell of
// it; one of them must.
type fault struct {
	name  string
	kinds []Kind
	plant func(t *rapid.T, b *bucket, all []*table.Manifest)
}

var faults = []fault{
	{"object deleted", []Kind{Missing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		b.store.Plant(drawObject(t, all), nil)
	}},
	{"object truncated", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		key := drawObject(t, all)
		body := b.store.Body(key)
		b.store.Plant(key, body[:rapid.IntRange(1, len(body)-1).Draw(t, "length")])
	}},
	{"bit flipped", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		key := drawObject(t, all)
		body := bytes.Clone(b.store.Body(key))
		bit := rapid.IntRange(0, 8*len(body)-1).Draw(t, "bit")
		body[bit/8] ^= 1 << (bit % 8)
		b.store.Plant(key, body)
	}},
	{"objects swapped", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		x, y := drawObject(t, all), drawObject(t, all)
		if x == y {
			t.Skip("one object")
		}
		bx, by := b.store.Body(x), b.store.Body(y)
		b.store.Plant(x, by)
		b.store.Plant(y, bx)
	}},
	{"object doubled", []Kind{Superseded, Differing, Unfinished}, func(t *rapid.T, b *bucket,
		all []*table.Manifest) {
		b.store.Plant(drawOtherKey(t, b, all), b.store.Body(drawObject(t, all)))
	}},
	{"object renamed", []Kind{Missing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		key := drawObject(t, all)
		b.store.Plant(drawOtherKey(t, b, all), b.store.Body(key))
		b.store.Plant(key, nil)
	}},
	{"manifest lost", []Kind{Gap}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		m := drawManifest(t, all)
		if isLast(m, all) {
			t.Skip("nobody can see that")
		}
		b.store.Plant(m.Key(), nil)
	}},
	{"last manifest lost", []Kind{Unfinished, Gap}, func(t *rapid.T, b *bucket,
		all []*table.Manifest) {
		b.store.Plant(all[len(all)-1].Key(), nil)
	}},
	{"manifests swapped", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		x, y := drawManifest(t, all), drawManifest(t, all)
		if x == y {
			t.Skip("one manifest")
		}
		b.store.Plant(x.Key(), y.JSON())
		b.store.Plant(y.Key(), x.JSON())
	}},
	{"manifest's bit flipped", []Kind{Differing, Missing, Overlap, Gap}, func(t *rapid.T, b *bucket,
		all []*table.Manifest) {
		key := drawManifest(t, all).Key()
		body := bytes.Clone(b.store.Body(key))
		bit := rapid.IntRange(0, 8*len(body)-1).Draw(t, "bit")
		body[bit/8] ^= 1 << (bit % 8)
		b.store.Plant(key, body)
	}},
	{"count edited", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		m := drawManifest(t, all)
		counts := []func(m *table.Manifest) *int64{
			func(m *table.Manifest) *int64 { return &m.Records },
			func(m *table.Manifest) *int64 { return &m.Rows },
			func(m *table.Manifest) *int64 { return &m.Rejects },
			func(m *table.Manifest) *int64 { return &m.Skipped },
			func(m *table.Manifest) *int64 { return &m.RowBytes },
			func(m *table.Manifest) *int64 { return &m.RejectBytes },
			func(m *table.Manifest) *int64 { return &m.SkippedBytes },
			func(m *table.Manifest) *int64 { return &m.Objects[0].Rows },
			func(m *table.Manifest) *int64 { return &m.Objects[0].Bytes },
		}
		of := rapid.SampledFrom(counts).Draw(t, "count")
		by := rapid.Int64Range(1, 3).Draw(t, "by")
		b.edit(m, func(m *table.Manifest) { *of(m) += by })
	}},
	{"superseded leftover", []Kind{Superseded}, func(t *rapid.T, b *bucket,
		all []*table.Manifest) {
		b.epoch.Encoder = 7 // another seal, so other names
		b.leftover("one.log", source.Origin(), rapid.Int64Range(100, 5000).Draw(t, "max bytes"))
	}},
	{"epoch missing", []Kind{Missing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		b.store.Plant(b.epoch.Key(), nil)
	}},
	{"epoch edited", []Kind{Differing}, func(t *rapid.T, b *bucket, all []*table.Manifest) {
		key := b.epoch.Key()
		body := bytes.Clone(b.store.Body(key))
		body[rapid.IntRange(0, len(body)-1).Draw(t, "at")] ^= 1
		b.store.Plant(key, body)
	}},
}

func drawManifest(t *rapid.T, all []*table.Manifest) *table.Manifest {
	return rapid.SampledFrom(all).Draw(t, "manifest")
}

func drawObject(t *rapid.T, all []*table.Manifest) string {
	return rapid.SampledFrom(keysOf(all...)).Draw(t, "object")
}

func isLast(m *table.Manifest, all []*table.Manifest) bool {
	return !slices.ContainsFunc(all, func(o *table.Manifest) bool {
		return o.SID == m.SID && o.Start > m.Start
	})
}

// drawOtherKey gives a key of ours, or nearly, that has no object: another partition, range, seal,
// source or ending.
func drawOtherKey(t *rapid.T, b *bucket, all []*table.Manifest) string {
	k, err := table.ParseKey(drawObject(t, all))
	require.NoError(t, err)
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		k.Kind = table.DataKind
		k.Partition.Date += rapid.Int32Range(1, 99).Draw(t, "days") * 100
	case 1:
		k.Batch.Range.Start, k.Batch.Range.End = k.Batch.Range.End, k.Batch.Range.End+1
	case 2:
		k.Batch.Range.End++
	case 3:
		k.Batch.Seal[0]++
	case 4:
		k.Batch.ID[0]++
	case 5:
		return k.String() + "x"
	}
	key := k.String()
	if b.store.Body(key) != nil {
		t.Skip("taken")
	}
	require.NoError(t, sink.CheckKey(key))
	return key
}

func TestRun_Property_PlantedFaultIsFound(t *testing.T) {
	clean := newBucket(t)
	all := slices.Concat(clean.load("two.log", content("two", 40), 0, 700),
		clean.load("one.log", content("one", 40), 0, 700))
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(faults)-1).Draw(rt, "fault")
		f := faults[i]
		rt.Log(f.name)
		b := *clean
		epoch := *clean.epoch
		b.epoch, b.store = &epoch, clean.store.Clone()
		f.plant(rt, &b, all)
		r := b.run(everything("one.log", "two.log"))
		require.True(rt, slices.ContainsFunc(r.Findings, func(x Finding) bool {
			return slices.Contains(f.kinds, x.Kind)
		}), "%v", r.Findings)
		if !slices.Contains(f.kinds, Unfinished) {
			require.False(rt, r.OK)
		}
	})
}
