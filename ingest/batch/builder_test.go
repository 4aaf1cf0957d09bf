package batch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
	"logseal/ingest/source"
)

// flushed is what a Builder handed on at once.
type flushed struct {
	partition string // or "rejects"
	offsets   []int64
	texts     []string // each row's text, or each reject's bytes
}

// recorder keeps what is flushed.
type recorder struct {
	all []flushed
	err error
}

func (r *recorder) WriteGroup(g *Group) error {
	f := flushed{partition: g.Path(), offsets: slices.Clone(g.Offsets)}
	for i := range g.Offsets {
		f.texts = append(f.texts, string(g.Columns[1].Value(i)))
	}
	r.all = append(r.all, f)
	return r.err
}

func (r *recorder) WriteRejects(b *quarantine.Buffer) error {
	vs := b.Vectors(quarantine.Where{})
	f := flushed{partition: "rejects", offsets: slices.Clone(vs[1].Int64s)}
	for i := range b.Len() {
		f.texts = append(f.texts, string(vs[3].Value(i)))
	}
	r.all = append(r.all, f)
	return r.err
}

// testParser reads lines of a time and a text; without a time of digits they are rejects.
func testParser(t require.TestingT) *parse.Parser {
	p, err := parse.New(parse.Definition{Pattern: `(?P<t>\d+) (?P<text>.*)`,
		Columns: []parse.Column{
			{Name: "t", Type: parse.Timestamp, Layout: "epoch_s", EventTime: true},
			{Name: "text"}},
		Window: parse.Window{To: parse.DefaultWindow().To}})
	require.NoError(t, err)
	return p
}

// record is a line, as a person would describe what must become of it.
type record struct {
	at     int64
	line   []byte
	hour   int // -1 for a reject, -2 for a blank
	text   string
	reason parse.Reason
}

func drawRecords(t *rapid.T) (records []record, data []byte) {
	base := time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC).Unix()
	for range rapid.IntRange(1, 60).Draw(t, "records") {
		r := record{at: int64(len(data)), hour: rapid.IntRange(-2, 5).Draw(t, "hour")}
		r.text = string(bytes.Repeat([]byte{'x'}, rapid.SampledFrom([]int{0, 1, 50, 300}).Draw(t, "len")))
		switch r.hour {
		case -2:
			r.line = []byte("\n")
		case -1:
			r.line, r.reason = []byte("-"+r.text+"\n"), parse.NoMatch
		default:
			r.line = fmt.Appendf(nil, "%d %s\n", base+int64(r.hour)*3600, r.text)
		}
		records = append(records, r)
		data = append(data, r.line...)
	}
	return records, data
}

// model is the rule, record by record, in the plainest words.
type model struct {
	limit, maxPartitions int64
	held                 map[string]*flushed
	costs                map[string]int64
	seen                 map[string]bool
	out                  []flushed
	sum                  Summary
}

// take takes a record; false when it would open one partition too many.
func (m *model) take(r record) bool {
	var name string
	var cost int64
	switch r.hour {
	case -2:
		m.sum.Skipped++
		m.sum.SkippedBytes += int64(len(r.line))
		return true
	case -1:
		name, cost = "rejects", int64(192+len(r.line)+len(r.reason))
		m.sum.Rejects++
		m.sum.RejectBytes += int64(len(r.line))
		if m.sum.Rejects == 1 {
			text := strings.TrimRight(string(r.line), "\r\n")
			m.sum.First = &Sample{Offset: r.at, Reason: r.reason, Text: text[:min(120, len(text))]}
		}
	default:
		name, cost = fmt.Sprintf("dt=2024-01-15/hour=%02d", r.hour), int64(8+8+8+len(r.text))
		if !m.seen[name] && int64(len(m.seen)) == m.maxPartitions {
			return false
		}
		m.seen[name] = true
		m.sum.Rows++
		m.sum.RowBytes += int64(len(r.line))
	}
	m.sum.Records++
	if m.held[name] == nil {
		m.held[name] = &flushed{partition: name}
	}
	f := m.held[name]
	f.offsets = append(f.offsets, r.at)
	f.texts = append(f.texts, r.text)
	if r.hour == -1 {
		f.texts[len(f.texts)-1] = string(r.line)
	}
	m.costs[name] += cost
	total := int64(0)
	for _, c := range m.costs {
		total += c
	}
	if total > m.limit {
		m.flush(m.largest())
	}
	return true
}

func (m *model) largest() (name string) {
	for _, n := range m.names() {
		if name == "" || m.costs[n] > m.costs[name] {
			name = n
		}
	}
	return name
}

// names are the held ones in order; "rejects" sorts after "dt=".
func (m *model) names() (names []string) {
	for n := range m.held {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (m *model) flush(name string) {
	m.out = append(m.out, *m.held[name])
	delete(m.held, name)
	delete(m.costs, name)
}

func newModel(limit, maxPartitions int64) *model {
	return &model{limit: limit, maxPartitions: maxPartitions, held: map[string]*flushed{},
		costs: map[string]int64{}, seen: map[string]bool{}}
}

func TestBuilder_EqualsTheModel_HoweverChunked(t *testing.T) {
	p := testParser(t)
	rapid.Check(t, func(t *rapid.T) {
		records, data := drawRecords(t)
		limit := rapid.SampledFrom([]int64{1, 100, 500, 2000, 10000}).Draw(t, "limit")
		parts := rapid.IntRange(1, 6).Draw(t, "partitions")

		want := newModel(limit, int64(parts))
		wantCut := int64(len(data))
		for _, r := range records {
			if !want.take(r) {
				wantCut = r.at
				break
			}
		}
		for _, n := range want.names() {
			want.flush(n)
		}

		got := &recorder{}
		b := NewBuilder(Config{Parser: p, Granularity: Hour, MaxPartitions: parts}, 0, got)
		b.limit = limit
		b.piece = rapid.SampledFrom([]int{1, 20, 100, pieceBytes}).Draw(t, "piece")
		cut := addAll(t, b, records, data)
		require.Equal(t, wantCut, cut)
		sum, err := b.Finish(cut)
		require.NoError(t, err)
		require.Equal(t, want.out, got.all)
		reasons := map[parse.Reason]int64{}
		if want.sum.Rejects > 0 {
			reasons[parse.NoMatch] = want.sum.Rejects
		}
		require.Equal(t, len(reasons), len(sum.Reasons))
		require.Equal(t, reasons[parse.NoMatch], sum.Reasons[parse.NoMatch])
		requireTimes(t, got.all, sum)
		sum.Reasons, sum.MinTime, sum.MaxTime = nil, nil, nil
		require.Equal(t, want.sum, sum)
	})
}

// requireTimes checks the least and greatest time, which are whole hours of the test's day.
func requireTimes(t require.TestingT, all []flushed, sum Summary) {
	var names []string
	for _, f := range all {
		if f.partition != "rejects" {
			names = append(names, f.partition)
		}
	}
	if len(names) == 0 {
		require.Nil(t, sum.MinTime)
		require.Nil(t, sum.MaxTime)
		return
	}
	slices.Sort(names)
	require.Equal(t, names[0], Hour.PartitionOf(*sum.MinTime).Path())
	require.Equal(t, names[len(names)-1], Hour.PartitionOf(*sum.MaxTime).Path())
}

// addAll adds the records in chunks of any size, up to the cut.
func addAll(t *rapid.T, b *Builder, records []record, data []byte) int64 {
	for i := 0; i < len(records); {
		j := rapid.IntRange(i+1, len(records)).Draw(t, "chunk")
		end := int64(len(data))
		if j < len(records) {
			end = records[j].at
		}
		c := source.Chunk{Offset: records[i].at, Line: records[i].at, Data: data[records[i].at:end]}
		cut, full, err := b.Add(c)
		require.NoError(t, err)
		if full {
			return cut
		}
		require.Equal(t, end, cut)
		i = j
	}
	return int64(len(data))
}

func TestBuilder_PartsOfLinesAndBOM(t *testing.T) {
	got := &recorder{}
	b := NewBuilder(Config{Parser: testParser(t), MaxPartitions: 1}, 0, got)
	for _, c := range []source.Chunk{
		{Kind: source.ByteOrderMark, Data: []byte(source.BOM)},
		{Kind: source.TooLong, Offset: 3, Line: 3, Data: []byte("aaaa")},
		{Kind: source.TooLong, Offset: 7, Line: 3, Data: []byte("aa\n")},
		{Kind: source.Lines, Offset: 10, Line: 10, Data: []byte("7 x\n")},
		{Kind: source.Continued, Offset: 14, Line: 12, Data: []byte("b\n")},
	} {
		cut, full, err := b.Add(c)
		require.NoError(t, err)
		require.False(t, full)
		require.Equal(t, c.End(), cut)
	}
	sum, err := b.Finish(16)
	require.NoError(t, err)
	least := int64(7e6)
	require.Equal(t, Summary{Records: 4, Rows: 1, Rejects: 3, RowBytes: 4, RejectBytes: 9,
		SkippedBytes: 3, MinTime: &least, MaxTime: &least,
		Reasons: map[parse.Reason]int64{parse.TooLong: 2, parse.Continued: 1},
		First:   &Sample{Offset: 3, Reason: parse.TooLong, Text: "aaaa"}}, sum)
	require.Equal(t, []flushed{
		{"dt=1970-01-01", []int64{10}, []string{"x"}},
		{"rejects", []int64{3, 7, 14}, []string{"aaaa", "aa\n", "b\n"}},
	}, got.all)
}

func TestBuilder_WithoutEventTime_HasOnePartition(t *testing.T) {
	p, err := parse.New(parse.Definition{Pattern: `(?P<a>\S*) (?P<b>.*)`,
		Columns: []parse.Column{{Name: "a"}, {Name: "b"}}})
	require.NoError(t, err)
	got := &recorder{}
	b := NewBuilder(Config{Parser: p, Granularity: Hour}, 100, got)
	_, full, err := b.Add(source.Chunk{Offset: 100, Line: 100, Data: []byte("a b\nc d\n")})
	require.NoError(t, err)
	require.False(t, full)
	sum, err := b.Finish(108)
	require.NoError(t, err)
	require.Nil(t, sum.MinTime)
	require.Equal(t, []flushed{{"dt=__HIVE_DEFAULT_PARTITION__", []int64{100, 104},
		[]string{"b", "d"}}}, got.all)
}

func TestBuilder_WriterErrorsAreReturned(t *testing.T) {
	broken := errors.New("disk full")
	for _, line := range []string{"7 x\n", "reject\n"} {
		w := &recorder{err: broken}
		b := NewBuilder(Config{Parser: testParser(t), MaxPartitions: 1}, 0, w)
		_, _, err := b.Add(source.Chunk{Data: []byte(line)})
		require.NoError(t, err)
		_, err = b.Finish(int64(len(line)))
		require.ErrorIs(t, err, broken)

		b = NewBuilder(Config{Parser: testParser(t), MaxPartitions: 1}, 0, w)
		b.limit = 1
		_, _, err = b.Add(source.Chunk{Data: []byte(line)})
		require.ErrorIs(t, err, broken)
	}
}

func TestBuilder_UnknownKind(t *testing.T) {
	b := NewBuilder(Config{Parser: testParser(t)}, 0, &recorder{})
	_, _, err := b.Add(source.Chunk{Kind: 99, Data: []byte("x")})
	require.Error(t, err)
}

// What is buffered never costs more than the limit and one record, and a flushed partition's
// memory is given to the next that needs some.
func TestBuilder_HoldsNoMoreThanItsLimit(t *testing.T) {
	w := &recorder{}
	b := NewBuilder(Config{Parser: testParser(t), Granularity: Hour, MaxPartitions: 100}, 0, w)
	b.limit = 1000
	at := int64(0)
	for i := range 500 {
		line := []byte(strconv.Itoa(i%50*3600) + " some text\n")
		_, _, err := b.Add(source.Chunk{Offset: at, Data: line})
		require.NoError(t, err)
		at += int64(len(line))
		require.LessOrEqual(t, b.total, b.limit)
		held := b.rejectCost
		for _, f := range b.open {
			held += f.cost
			require.Equal(t, f.cost == 0, f.group.Columns == nil)
		}
		require.Equal(t, b.total, held)
	}
	require.Greater(t, len(w.all), 10)
}

// The costs are part of the format: exactly the limit is not too much, and of equals the least
// partition goes first, the rejects last.
func TestBuilder_Flush_AtTheLimitAndOfEquals(t *testing.T) {
	const cost = 192 + len("x\n") + len(parse.NoMatch)
	text := string(bytes.Repeat([]byte{'y'}, cost-3*8))
	w := &recorder{}
	b := NewBuilder(Config{Parser: testParser(t), Granularity: Hour, MaxPartitions: 9}, 0, w)
	b.limit = 3 * int64(cost)
	at := int64(0)
	add := func(line string) {
		_, _, err := b.Add(source.Chunk{Offset: at, Data: []byte(line)})
		require.NoError(t, err)
		at += int64(len(line))
	}
	add("x\n")
	add("7200 " + text + "\n")
	add("3600 " + text + "\n")
	require.Empty(t, w.all)
	require.Equal(t, b.limit, b.total)
	for _, want := range []string{"dt=1970-01-01/hour=01", "dt=1970-01-01/hour=02", "rejects"} {
		w.all = nil
		b.limit = b.total
		add("0 \n")
		require.Len(t, w.all, 1)
		require.Equal(t, want, w.all[0].partition)
	}
}
