package batch

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
	"logseal/ingest/source"
)

// Config is what a range is batched under.
type Config struct {
	Parser      *parse.Parser
	Granularity Granularity
	// MaxPartitions is how many partitions a batch may have; less than 1 is 1.
	MaxPartitions int
}

// Builder gathers one range. It is used by one goroutine: Add for each chunk in order, then
// Finish. After an error it is of no more use.
type Builder struct {
	cfg   Config
	w     GroupWriter
	limit int64 // GroupBytes; less in tests
	piece int   // how much is parsed next
	start int64 // of the range
	end   int64 // of the chunks taken
	next  int64 // where the next record may begin

	table  parse.Table
	costs  []int64
	window window // of the row looked at last

	open    map[Partition]*buffer // every partition there is or was
	rejects quarantine.Buffer
	// What is buffered costs total; rejectCost of it are the rejects.
	total      int64
	rejectCost int64
	spare      *Group // memory of a flushed group
	sum        Summary
}

// NewBuilder begins a range at start.
func NewBuilder(cfg Config, start int64, w GroupWriter) *Builder {
	cfg.MaxPartitions = max(1, cfg.MaxPartitions)
	return &Builder{cfg: cfg, w: w, limit: GroupBytes, piece: firstPiece, start: start,
		end: start, next: start, open: make(map[Partition]*buffer)}
}

// Add takes the next chunk. full says that the record at cut would open one partition more than
// allowed: nothing from there on was taken, and the range ends. Else cut is the chunk's end.
func (b *Builder) Add(c source.Chunk) (cut int64, full bool, err error) {
	if c.Offset != b.end {
		return 0, false, b.imbalance("start of a chunk", b.end, c.Offset)
	}
	switch c.Kind {
	case source.Lines:
		if b.cfg.Parser.Joins() {
			return b.addGroups(c)
		}
		return b.addLines(c.Data)
	case source.ByteOrderMark, source.Padding:
		err = b.take(&parse.Table{SkippedBytes: int64(len(c.Data))}, c.End())
	case source.TooLong:
		err = b.takePart(c, parse.TooLong)
	case source.Continued:
		err = b.takePart(c, parse.Continued)
	default:
		err = errors.New("batch: unknown kind of chunk")
	}
	return c.End(), false, err
}

// pieceBytes is how much is parsed at a time at most, but for longer lines. It bounds the table, which for
// lines of two bytes is many times larger than they are. A range begins with firstPiece and takes twice as
// much each time: where it is cut for its partitions after a few lines, little is parsed past the cut.
const (
	pieceBytes = 128 << 10
	firstPiece = 4 << 10
)

// addLines takes whole lines, piece by piece.
func (b *Builder) addLines(data []byte) (cut int64, full bool, err error) {
	for len(data) > 0 && !full {
		piece := data[:pieceEnd(data, b.piece)]
		data = data[len(piece):]
		start := b.end
		b.cfg.Parser.Parse(start, piece, &b.table)
		if cut, full = b.openPartitions(&b.table, start+int64(len(piece))); full {
			b.cfg.Parser.Parse(start, piece[:cut-start], &b.table)
		}
		if err := b.take(&b.table, cut); err != nil {
			return cut, full, err
		}
		b.piece = min(2*b.piece, pieceBytes)
	}
	return b.end, full, nil
}

// pieceEnd is where the first piece of data ends, after a line end: at size if it can, or at the
// end of a longer first line.
func pieceEnd(data []byte, size int) int {
	if len(data) <= size {
		return len(data)
	}
	i := bytes.LastIndexByte(data[:size], '\n')
	if i < 0 {
		i = bytes.IndexByte(data, '\n')
	}
	if i < 0 {
		return len(data)
	}
	return i + 1
}

// addGroups takes groups of records of several lines. What package files gives at a time is small,
// or one group.
func (b *Builder) addGroups(c source.Chunk) (cut int64, full bool, err error) {
	Parse(b.cfg.Parser, b.cfg.Granularity, c, &b.table)
	if cut, full = b.openPartitions(&b.table, c.End()); full {
		c.Data, c.Over = c.Data[:cut-c.Offset], false
		Parse(b.cfg.Parser, b.cfg.Granularity, c, &b.table)
	}
	return cut, full, b.take(&b.table, cut)
}

// Parse parses a chunk of lines.
func Parse(p *parse.Parser, g Granularity, c source.Chunk, t *parse.Table) {
	if !p.Joins() {
		p.Parse(c.Offset, c.Data, t)
		return
	}
	in := parse.Joined{Offset: c.Offset, Data: c.Data, Over: c.Over, Partition: g.number}
	for s, r := range c.Carry {
		switch r.Kind {
		case source.Continued:
			in.Rest[s] = parse.Rest{Reason: parse.Continued, Of: r.Of}
		case source.TooLong:
			in.Rest[s] = parse.Rest{Reason: parse.TooLong, Of: r.Of}
		}
	}
	p.ParseJoined(in, t)
}

// takePart takes a chunk that is no whole line as one reject.
func (b *Builder) takePart(c source.Chunk, why parse.Reason) error {
	r := parse.Reject{Offset: c.Offset, Raw: c.Data, Reason: why,
		Detail: strconv.FormatInt(c.Line, 10)}
	return b.take(&parse.Table{Rejects: []parse.Reject{r}}, c.End())
}

// openPartitions makes a buffer for every partition of t's rows. If there are too many it stops
// and gives the offset of the row at fault, or of the group that it begins in: a group is not cut,
// and has all its partitions when it is the first to have any.
func (b *Builder) openPartitions(t *parse.Table, end int64) (cut int64, full bool) {
	groups := t.Groups
	var group parse.Group
	before := 0 // partitions that are there without the group
	for i, n := 0, t.Rows(); i < n; i++ {
		for len(groups) > 0 && groups[0].Start <= t.Offsets[i] {
			group, groups, before = groups[0], groups[1:], len(b.open)
		}
		if b.window.holds(b.eventTime(t, i)) {
			continue
		}
		p := b.partition(t, i)
		if b.open[p] == nil {
			switch inside := t.Offsets[i] < group.End; {
			case len(b.open) < b.cfg.MaxPartitions, inside && before == 0:
			case inside:
				return group.Start, true
			default:
				return t.Offsets[i], true
			}
			b.open[p] = &buffer{group: Group{Partition: p}}
		}
		b.window = b.windowOf(p)
	}
	return end, false
}

// take takes the outcome of the bytes up to end: its rows and rejects in the order of the source.
func (b *Builder) take(t *parse.Table, end int64) error {
	if err := b.count(t, end); err != nil {
		return err
	}
	b.costs = rowCosts(b.costs, t)
	run := run{table: t}
	rejects := t.Rejects
	for i := 0; i < t.Rows() || len(rejects) > 0; {
		if len(rejects) > 0 && (i == t.Rows() || rejects[0].Offset < t.Offsets[i]) {
			if err := b.takeReject(rejects[0], &run, i); err != nil {
				return err
			}
			rejects = rejects[1:]
			continue
		}
		if err := b.takeRow(t, i, &run); err != nil {
			return err
		}
		i++
	}
	b.copyRun(&run, t.Rows())
	if b.next > end {
		return b.imbalance("end of a record, at most", end, b.next)
	}
	b.end = end
	return nil
}

// run is rows of one partition, one after the other, that are counted but not yet copied.
type run struct {
	table *parse.Table
	to    *buffer
	from  int
}

func (b *Builder) takeRow(t *parse.Table, i int, r *run) error {
	if err := b.record(t.Offsets[i], int64(t.Lengths[i])); err != nil {
		return err
	}
	at := b.eventTime(t, i)
	if at.ok {
		b.sum.addTime(at.micros)
	}
	if r.to == nil || !b.window.holds(at) {
		b.copyRun(r, i)
		p := b.partition(t, i)
		r.to, b.window = b.open[p], b.windowOf(p)
	}
	r.to.cost += b.costs[i]
	b.total += b.costs[i]
	return b.relieve(r, i+1)
}

// takeReject takes a reject that stands before row i.
func (b *Builder) takeReject(x parse.Reject, r *run, i int) error {
	if err := b.record(x.Offset, int64(len(x.Raw))); err != nil {
		return err
	}
	if b.sum.First == nil {
		b.sum.First = sampleOf(x)
	}
	b.rejects.Add(x)
	b.rejectCost += costOf(x)
	b.total += costOf(x)
	return b.relieve(r, i)
}

// copyRun copies the rows of r before row end.
func (b *Builder) copyRun(r *run, end int) {
	if r.to != nil && r.from < end {
		g := &r.to.group
		if g.Columns == nil {
			b.furnish(g)
		}
		g.Offsets = append(g.Offsets, r.table.Offsets[r.from:end]...)
		for c := range g.Columns {
			g.Columns[c].AppendFrom(&r.table.Columns[c], r.from, end)
		}
	}
	r.from = end
}

// furnish gives an empty group memory.
func (b *Builder) furnish(g *Group) {
	if b.spare == nil {
		g.Columns = parse.NewVectors(b.cfg.Parser.Definition().Columns)
		return
	}
	g.Offsets, g.Columns = b.spare.Offsets, b.spare.Columns
	b.spare = nil
}

// relieve flushes the largest buffer if all together cost too much: of equals the least partition,
// the rejects last. One is enough, as the largest costs at least what the last record did. The
// rows of r before row end are part of it.
func (b *Builder) relieve(r *run, end int) error {
	if b.total <= b.limit {
		return nil
	}
	b.copyRun(r, end)
	var largest *buffer
	for _, f := range b.open {
		if largest == nil || f.cost > largest.cost ||
			f.cost == largest.cost && f.group.Compare(largest.group.Partition) < 0 {
			largest = f
		}
	}
	if largest == nil || b.rejectCost > largest.cost {
		return b.flushRejects()
	}
	return b.flush(largest)
}

// flush hands on a group and keeps the memory of one for the next that needs some.
func (b *Builder) flush(f *buffer) error {
	if f.cost == 0 {
		return nil
	}
	if err := b.w.WriteGroup(&f.group); err != nil {
		return err
	}
	b.total -= f.cost
	f.cost = 0
	if b.spare == nil {
		b.spare = &Group{Offsets: f.group.Offsets[:0], Columns: f.group.Columns}
		for c := range b.spare.Columns {
			b.spare.Columns[c].Reset()
		}
	}
	f.group.Offsets, f.group.Columns = nil, nil
	return nil
}

func (b *Builder) flushRejects() error {
	if b.rejects.Len() == 0 {
		return nil
	}
	if err := b.w.WriteRejects(&b.rejects); err != nil {
		return err
	}
	b.rejects.Reset()
	b.total -= b.rejectCost
	b.rejectCost = 0
	return nil
}

// Finish flushes what is left, the partitions in their order and then the rejects, and proves that
// the range up to end is balanced.
func (b *Builder) Finish(end int64) (Summary, error) {
	if end != b.end {
		return Summary{}, b.imbalance("end of the range", b.end, end)
	}
	s := &b.sum
	s.Records = s.Rows + s.Rejects
	if have := s.RowBytes + s.RejectBytes + s.SkippedBytes; have != end-b.start {
		return Summary{}, b.imbalance("bytes of the range", end-b.start, have)
	}
	left := make([]*buffer, 0, len(b.open))
	for _, f := range b.open {
		left = append(left, f)
	}
	slices.SortFunc(left, func(x, y *buffer) int { return x.group.Compare(y.group.Partition) })
	for _, f := range left {
		if err := b.flush(f); err != nil {
			return Summary{}, err
		}
	}
	if err := b.flushRejects(); err != nil {
		return Summary{}, err
	}
	s.Reasons = b.rejects.Counts()
	return *s, nil
}
