package verify

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// podBucket holds what pods write: dates inside of CRI.
func podBucket(t testing.TB, maxRecord int64) *bucket {
	b := newBucket(t)
	def := parse.Framed(parse.CRI, parse.Definition{Pattern: `(?P<day>\S+) ?(?P<text>.*)`,
		Columns: []parse.Column{{Name: "day", Type: parse.Timestamp, Layout: "2006-01-02",
			EventTime: true}, {Name: "text"}}}, nil)
	b.epoch = table.NewEpoch(source.Table{Stream: "pods", Version: 1}, def)
	b.epoch.MaxRecordBytes = maxRecord
	require.NoError(t, b.epoch.Validate())
	b.putEpoch()
	return b
}

// drawPods draws what pods write on both streams, which each write one line after the other.
func drawPods(t *rapid.T) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, "2024-01-01T00:00:00Z stdout F 2024-01-01 %d\n", rapid.Int().Draw(t, "head"))
	for i := range rapid.IntRange(0, 40).Draw(t, "lines") {
		at := fmt.Sprintf("2024-01-01T00:00:%02dZ ", 1+i)
		stream := rapid.SampledFrom([]string{"stdout", "stdout", "stderr"}).Draw(t, "stream")
		text := rapid.SampledFrom([]string{"2024-01-01", "2024-01-02 x", "2024-01-03", " y",
			strings.Repeat("z", 70), ""}).Draw(t, "text")
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			w.WriteString("rubbish\n")
		case 1:
			w.WriteString("\n")
		case 2, 3, 4:
			w.WriteString(at + stream + " P " + text + "\n")
		default:
			w.WriteString(at + stream + " F " + text + "\r\n")
		}
	}
	return w.Bytes()
}

// A log of records of several lines that is loaded as it grows is derived again from the whole of
// it, wherever its ranges ended, by force or not.
func TestRun_Source_OfRecordsOfSeveralLines(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := podBucket(t, int64(rapid.IntRange(40, 400).Draw(rt, "max record")))
		b.partitions = rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "partitions")
		data := drawPods(rt)
		ends := rapid.SliceOfN(rapid.IntRange(bytes.IndexByte(data, '\n')+1, len(data)), 0, 4).
			Draw(rt, "ends")
		slices.Sort(ends)
		at := source.Origin()
		var all []*table.Manifest
		for _, end := range append(ends, len(data)) {
			b.fsys.Write("pod.log", data[:end])
			more := b.seal("pod.log", 0, at, int64(rapid.IntRange(0, 300).Draw(rt, "max bytes")), 0)
			if len(more) == 0 {
				continue
			}
			all = append(all, more...)
			last := all[len(all)-1]
			at = chainTo(data[:last.End])
			at.Carry = last.Rest
		}
		b.fsys.Write("pod.log", data)
		require.Equal(rt, len(data), int(all[len(all)-1].End))
		rep := b.run(Options{Deep: true, Sources: []string{"pod.log"}})
		require.True(rt, rep.OK, "%v", rep.Findings)
		require.Equal(rt, len(all), int(rep.Batches))
	})
}

func chainTo(data []byte) source.Point {
	c := source.NewChain()
	c.Write(data)
	return c.Point()
}

// How ranges are cut by size decides nothing about records.
func TestSeal_OfRecordsOfSeveralLines_CutsDecideNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		maxRecord := int64(rapid.IntRange(40, 400).Draw(rt, "max record"))
		data := drawPods(rt)
		sums := map[int64]batch.Summary{}
		for _, maxBytes := range []int64{0, int64(rapid.IntRange(1, 300).Draw(rt, "max bytes"))} {
			b := podBucket(t, maxRecord)
			var sum batch.Summary
			for _, m := range b.load("pod.log", data, 0, maxBytes) {
				sum.Rows += m.Rows
				sum.Rejects += m.Rejects
				sum.Skipped += m.Skipped
				sum.RowBytes += m.RowBytes
				sum.RejectBytes += m.RejectBytes
				sum.SkippedBytes += m.SkippedBytes
			}
			sums[maxBytes] = sum
			require.Equal(rt, int64(len(data)), sum.RowBytes+sum.RejectBytes+sum.SkippedBytes)
			require.Equal(rt, sums[0], sum)
		}
	})
}

// A manifest that says nothing of what it carries over, or something else, is found.
func TestRun_RestThatDoesNotFit(t *testing.T) {
	b := podBucket(t, 1000)
	data := []byte("2024-01-01T00:00:00Z stdout P 2024-01-01\n2024-01-01T00:00:01Z stdout F  a\n")
	half := bytes.IndexByte(data, '\n') + 1
	first := b.load("pod.log", data[:half], 0, 0)
	require.Len(t, first, 1)
	require.True(t, first[0].OpenEnd)
	require.Equal(t, "stdout:continued:0", first[0].Rest.String())
	b.fsys.Write("pod.log", data)
	at := chainTo(data[:half])
	at.Carry = first[0].Rest
	second := b.seal("pod.log", 0, at, 0, 0)
	require.Len(t, second, 1)
	require.Equal(t, int64(1), second[0].Rejects)
	require.True(t, b.run(Options{Deep: true, Sources: []string{"pod.log"}}).OK)

	second[0].Carry.Rest = source.Carry{{Kind: source.TooLong}}
	b.store.Plant(second[0].Key(), second[0].JSON())
	rep := b.run(Options{})
	require.Equal(t, []string{second[0].Key()}, rep.Differing)
	require.Contains(t, rep.Findings[0].Text, `carries over "stdout:too_long:0" where the batch `+
		`before it has "stdout:continued:0"`)
}
