package batch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// Wrong inputs, and outcomes of a parser that lost or doubled something.
func TestBuilder_Imbalance(t *testing.T) {
	line := []byte("7 x\n")
	row := func(offset int64, size int32) *parse.Table {
		vs := parse.NewVectors(testParser(t).Definition().Columns)
		vs[0].AppendInt64(7)
		vs[1].AppendString("x")
		return &parse.Table{Offsets: []int64{offset}, Lengths: []int32{size}, Columns: vs}
	}
	reject := func(offset int64, raw string) parse.Reject {
		return parse.Reject{Offset: offset, Raw: []byte(raw), Reason: parse.NoMatch}
	}
	for name, c := range map[string]struct {
		do   func(b *Builder) error
		want string
	}{
		"a gap between chunks": {func(b *Builder) error {
			_, _, err := b.Add(source.Chunk{Offset: 11, Data: line})
			return err
		}, "start of a chunk: want 10, have 11"},
		"a chunk twice": {func(b *Builder) error {
			b.Add(source.Chunk{Offset: 10, Data: line})
			_, _, err := b.Add(source.Chunk{Offset: 10, Data: line})
			return err
		}, "start of a chunk: want 14, have 10"},
		"an end that was not reached": {func(b *Builder) error {
			b.Add(source.Chunk{Offset: 10, Data: line})
			_, err := b.Finish(15)
			return err
		}, "end of the range: want 14, have 15"},
		"an end that was passed": {func(b *Builder) error {
			b.Add(source.Chunk{Offset: 10, Data: line})
			_, err := b.Finish(13)
			return err
		}, "end of the range: want 14, have 13"},
		"a byte lost": {func(b *Builder) error { return b.take(row(10, 3), 14) },
			"bytes of a chunk: want 4, have 3"},
		"a byte twice": {func(b *Builder) error {
			x := row(10, 4)
			x.SkippedBytes = 1
			return b.take(x, 14)
		}, "bytes of a chunk: want 4, have 5"},
		"a length lost": {func(b *Builder) error {
			x := row(10, 4)
			x.Offsets = append(x.Offsets, 14)
			return b.take(x, 14)
		}, "lengths of rows: want 2, have 1"},
		"a row before the range": {func(b *Builder) error { return b.take(row(9, 4), 14) },
			"offset of a record, at least: want 10, have 9"},
		"a row past the chunk": {func(b *Builder) error { return b.take(row(11, 4), 14) },
			"end of a record, at most: want 14, have 15"},
		"a row within a reject": {func(b *Builder) error {
			x := row(12, 4)
			x.Rejects = []parse.Reject{reject(10, "abcd")}
			return b.take(x, 18)
		}, "offset of a record, at least: want 14, have 12"},
		"rejects out of order": {func(b *Builder) error {
			return b.take(&parse.Table{Rejects: []parse.Reject{reject(12, "ab"), reject(10, "cd")}}, 14)
		}, "offset of a record, at least: want 14, have 10"},
		"an empty reject": {func(b *Builder) error {
			return b.take(&parse.Table{Rejects: []parse.Reject{reject(10, "")}, SkippedBytes: 4}, 14)
		}, "bytes of a record, at least: want 1, have 0"},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBuilder(Config{Parser: testParser(t), MaxPartitions: 64}, 10, &recorder{})
			b.openPartitions(row(10, 4), 14)
			var imbalance *ImbalanceError
			err := c.do(b)
			require.ErrorAs(t, err, &imbalance)
			require.ErrorContains(t, err, c.want)
		})
	}
}
