package commit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
)

func TestCounts_RejectedNamesTheMostFrequentReasonsAndTheFirstReject(t *testing.T) {
	var c Counts
	first := func(path string, off int64) *Reject {
		return &Reject{path, batch.Sample{Offset: off, Text: path}}
	}
	c.Add(Counts{Reasons: map[parse.Reason]int64{parse.NoMatch: 2, parse.BadType: 5}, First: first("b", 1)}, 1)
	c.Add(Counts{Reasons: map[parse.Reason]int64{parse.TooLong: 3}, First: first("a", 7)}, 1)
	c.Add(Counts{First: first("a", 9)}, 1)
	require.Equal(t, `5 bad_type, 3 too_long; the first is "a"`, c.rejected())
	require.Equal(t, int64(7), c.First.Offset)
}

func TestRejectLimit_OfMany(t *testing.T) {
	l := RejectLimit{MaxRatio: 0.1, MinRecords: 100}
	few := func(records, rows int64) *Counts {
		return &Counts{Records: records, Rows: rows, Rejects: records - rows, First: &Reject{Path: "p"}}
	}
	require.Empty(t, l.OfMany(&Counts{}))
	require.Empty(t, l.OfMany(few(99, 1)))
	require.Empty(t, l.OfMany(few(100, 90)))
	require.Contains(t, l.OfMany(few(1, 0)), "none of 1 records became a row")
	require.Contains(t, l.OfMany(few(100, 89)), "11 of 100 records are rejects")
	require.Empty(t, RejectLimit{MaxRatio: 1}.OfMany(few(5, 0)), "all may be rejects")
}
