package verify

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// Faults that an object and its manifest agree on, so that no digest shows them.
func TestRun_Deep_ForgedObjects(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		forge func(b *bucket, other []*table.Manifest, m *table.Manifest)
	}{
		"of another source": {"is of another source", func(b *bucket, other []*table.Manifest,
			m *table.Manifest) {
			b.give(m, 0, other[1].Objects[0])
		}},
		"of another batch": {"is outside", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			b.give(m, 0, b.one[0].Objects[0])
		}},
		"of another partition": {"is of partition dt=2024-01-02", func(b *bucket,
			other []*table.Manifest, m *table.Manifest) {
			b.give(m, 0, b.one[1].Objects[1])
		}},
		"offsets in two objects": {"is in another object of the batch too", func(b *bucket,
			other []*table.Manifest, m *table.Manifest) {
			b.give(m, 0, b.one[1].Objects[1])
		}},
		"of another epoch": {"is of another epoch", func(b *bucket, other []*table.Manifest,
			m *table.Manifest) {
			b.epoch.MaxRecordBytes = 99
			b.putEpoch()
			o := *b
			o.store = b.store.Clone()
			i := len(m.Objects) - 1
			for _, again := range o.seal("one.log", 0, source.Origin(), 1000, 0) {
				if again.Start == m.Start {
					b.store.Plant("body", o.store.Body(objectOf(b.t, again, table.QuarantineKind).Key))
				}
			}
			b.give(m, i, table.Object{Key: "body", Rows: m.Objects[i].Rows})
			b.store.Plant("body", nil)
		}},
		"rejects as rows": {"column", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			b.give(m, 0, objectOf(b.t, b.one[1], table.QuarantineKind))
		}},
		"rows as rejects": {"column", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			b.give(m, len(m.Objects)-1, b.one[1].Objects[0])
		}},
		"no Parquet": {"cannot be read", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			b.give(m, 0, table.Object{Key: table.RootKey, Rows: m.Objects[0].Rows})
		}},
		"reject bytes": {"bytes of rejects", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			m.RejectBytes, m.RowBytes = m.RejectBytes+1, m.RowBytes-1
		}},
		"min time": {"min_time", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			*m.MinTime++
		}},
		"max time": {"max_time", func(b *bucket, other []*table.Manifest, m *table.Manifest) {
			*m.MaxTime--
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.one = b.load("one.log", content("one", 100), 0, 1000)
			other := b.load("two.log", content("two", 100), 0, 1000)
			m := *b.one[1]
			m.Objects = append([]table.Object(nil), m.Objects...)
			c.forge(b, other, &m)
			m.Rows, m.Rejects = 0, 0
			for _, o := range m.Objects {
				if strings.HasPrefix(o.Key, table.DataFolder) {
					m.Rows += o.Rows
				} else {
					m.Rejects += o.Rows
				}
			}
			m.Records = m.Rows + m.Rejects
			require.NoError(t, m.Validate())
			b.store.Plant(m.Key(), m.JSON())
			if name != "no Parquet" {
				require.Empty(t, b.run(Options{}).Differing)
			}
			r := b.run(Options{Deep: true})
			require.False(t, r.OK)
			require.Contains(t, fmt.Sprint(r.Findings), c.text)
		})
	}
}

// give makes the i-th object of a manifest have the bytes and rows of another object.
func (b *bucket) give(m *table.Manifest, i int, from table.Object) {
	body := bytes.Clone(b.store.Body(from.Key))
	require.NotEmpty(b.t, body)
	key := m.Objects[i].Key
	b.store.Plant(key, body)
	m.Objects[i] = table.Object{Key: key, Bytes: int64(len(body)), Rows: from.Rows,
		SHA256: source.DigestOf(body)}
}

// What package batch never lets into an object.
func TestBatchCheck_OffsetsAndLengths(t *testing.T) {
	newCheck := func() *batchCheck { return &batchCheck{m: &table.Manifest{Start: 10, End: 20}} }
	last := int64(9)
	require.Empty(t, newCheck().checkOffsets([]int64{10, 12, 19}, nil, &last))
	require.Equal(t, int64(19), last)
	last = 9
	require.Empty(t, newCheck().checkOffsets([]int64{10, 12}, []int64{2, 8}, &last))
	require.Equal(t, int64(19), last)
	for _, c := range []struct {
		offsets, lengths []int64
		want             string
	}{
		{[]int64{9}, nil, "_offset 9 is outside"},
		{[]int64{20}, nil, "_offset 20 is outside"},
		{[]int64{18}, []int64{3}, "_offset 18 is outside"},
		{[]int64{11, 11}, nil, "row 1: _offset 11 is not after"},
		{[]int64{12, 11}, nil, "row 1: _offset 11 is not after"},
		{[]int64{11, 12}, []int64{2, 1}, "row 1: _offset 12 is not after"},
	} {
		last := int64(9)
		require.Contains(t, newCheck().checkOffsets(c.offsets, c.lengths, &last), c.want)
	}
	raw := parse.NewVectors([]parse.Column{{Type: parse.String}})[0]
	raw.AppendString("ab")
	raw.AppendString("c")
	b := newCheck()
	require.Empty(t, b.checkLengths([]int64{2, 1}, &raw))
	require.Equal(t, int64(3), b.rejectBytes)
	require.Contains(t, b.checkLengths([]int64{2, 2}, &raw), "row 1 has 1 raw bytes")
}

func TestMarks_AgainstASliceOfBools(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 5 * pageBits
		model := make([]bool, size)
		var m marks
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			i := rapid.IntRange(0, size-1).Draw(t, "i")
			j := i + rapid.OneOf(rapid.Just(1), rapid.IntRange(1, size-i)).Draw(t, "length")
			want := true
			for k := i; k < min(j, size); k++ {
				want = want && !model[k]
				model[k] = true
			}
			require.Equal(t, want, m.set(int64(i), int64(min(j, size))))
		}
	})
}
