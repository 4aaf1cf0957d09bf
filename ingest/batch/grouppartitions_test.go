package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/parse"
	"logseal/ingest/source"
)

// A group of records cannot be cut, so its rows lie in at most 64 partitions, whatever is allowed for the batch:
// a record that would lie in one more is a reject, and those after it in partitions that are there are rows.
func TestBuilder_GroupOverManyPartitions(t *testing.T) {
	p, err := parse.New(parse.Framed(parse.CRI, parse.Definition{}, nil))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 200).Draw(t, "max_partitions")
		granularity := rapid.SampledFrom([]Granularity{Day, Hour}).Draw(t, "granularity")
		lines := []string{"2024-01-01T00:00:00Z stdout P begins \n"}
		partitions, wantRejects := map[string]bool{"2024-01-01T00": true}, 0
		for range rapid.IntRange(0, 150).Draw(t, "records") {
			at := fmt.Sprintf("2024-%02d-%02dT%02d", rapid.IntRange(1, 12).Draw(t, "month"),
				rapid.IntRange(1, 28).Draw(t, "day"), rapid.IntRange(0, 2).Draw(t, "hour"))
			lines = append(lines, at+":30:00Z stderr F between\n")
			if granularity == Day {
				at = at[:10] + "T00"
			}
			switch {
			case partitions[at]:
			case len(partitions) == 64:
				wantRejects++
			default:
				partitions[at] = true
			}
		}
		lines = append(lines, "2024-01-01T00:00:01Z stdout F ends\n")
		data := []byte(strings.Join(lines, ""))
		var all recorder
		b := NewBuilder(Config{Parser: p, Granularity: granularity, MaxPartitions: most}, 0, &all)
		_, full, err := b.Add(source.Chunk{Data: data, Kind: source.Lines})
		require.NoError(t, err)
		require.False(t, full, "the first group of a range is taken whole")
		sum, err := b.Finish(int64(len(data)))
		require.NoError(t, err)
		require.Equal(t, len(partitions), len(b.open))
		require.EqualValues(t, wantRejects, sum.Rejects)
		require.EqualValues(t, len(lines)-1-wantRejects, sum.Rows)
		if wantRejects > 0 {
			require.Equal(t, parse.OutOfRange, sum.First.Reason)
		}
	})
}
