package seal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"logseal/ingest/batch"
	"logseal/ingest/parquet"
	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// createdBy stands in every object. It names the encoder, not the program: a new program with the
// same encoder writes the same bytes.
var createdBy = fmt.Sprintf("logseal version %d.0.0", table.EncoderVersion)

// A reader refuses larger row groups than a batch writes.
const _ = uint(parquet.MaxGroupBytes - batch.GroupBytes)

// objects writes the objects of one batch: one for each partition and one for the rejects, each
// begun with its first group.
type objects struct {
	in     Input
	files  Files
	chunks parquet.ChunkWriter
	data   *parquet.Layout
	reject *parquet.Layout
	all    []*object
	rows   map[batch.Partition]*object
	dead   *object // the rejects'
	sid    []byte
	origin []byte // nil for none
}

// object is one of them.
type object struct {
	*parquet.FileWriter
	name      string // of its file
	rejects   bool
	partition batch.Partition
}

var _ batch.GroupWriter = (*objects)(nil)

func newObjects(in Input, files Files) (*objects, error) {
	o := &objects{in: in, files: files, rows: make(map[batch.Partition]*object),
		sid: []byte(in.Key.ID.String())}
	if in.Key.Origin != "" {
		o.origin = []byte(in.Key.Origin)
	}
	var err error
	if o.data, err = parquet.NewLayout(dataColumns(in.Parser.Definition().Columns), createdBy); err != nil {
		return nil, err
	}
	if o.reject, err = parquet.NewLayout(rejectColumns(), createdBy); err != nil {
		return nil, err
	}
	return o, nil
}

// The columns that every table has.
const (
	sidColumn    = "_sid"
	offsetColumn = "_offset"
	originColumn = "_origin"
	epochColumn  = "epoch" // of a quarantine table
	lengthColumn = "length"
)

// dataColumns are the columns of a data object: where the row comes from, then the schema's.
func dataColumns(schema []parse.Column) []parquet.Column {
	cols := []parquet.Column{
		{Name: sidColumn, Type: parse.String},
		{Name: offsetColumn, Type: parse.Int64, Rising: true},
		{Name: originColumn, Type: parse.String, Optional: true},
	}
	for _, c := range schema {
		cols = append(cols, parquet.Column{Name: c.Name, Type: c.Type, Optional: c.Optional,
			Rising: c.Type == parse.Timestamp})
	}
	return cols
}

// rejectColumns are the columns of a quarantine object.
func rejectColumns() []parquet.Column {
	var cols []parquet.Column
	for _, c := range quarantine.Columns() {
		cols = append(cols, parquet.Column{Name: c.Name, Type: c.Type, Optional: c.Optional,
			Binary: c.Binary, Rising: c.Name == offsetColumn || c.Name == lengthColumn})
	}
	return cols
}

// WriteGroup appends a row group to the partition's object.
func (o *objects) WriteGroup(g *batch.Group) error {
	x := o.rows[g.Partition]
	if x == nil {
		var err error
		if x, err = o.begin(o.data); err != nil {
			return err
		}
		x.partition = g.Partition
		o.rows[g.Partition] = x
	}
	offsets := parse.Vector{Type: parse.Int64, Int64s: g.Offsets}
	cols := []parquet.Values{{Constant: o.sid}, {Vector: &offsets}, {Constant: o.origin}}
	for i := range g.Columns {
		cols = append(cols, parquet.Values{Vector: &g.Columns[i]})
	}
	if err := x.WriteGroup(&o.chunks, len(g.Offsets), cols); err != nil {
		return fmt.Errorf("encode rows of %s: %w", g.Partition, err)
	}
	return nil
}

// WriteRejects appends a row group to the quarantine's object.
func (o *objects) WriteRejects(b *quarantine.Buffer) error {
	if o.dead == nil {
		var err error
		if o.dead, err = o.begin(o.reject); err != nil {
			return err
		}
		o.dead.rejects = true
	}
	epoch := o.in.Epoch.ID()
	vectors := b.Vectors(quarantine.Where{Source: o.in.Key.ID, Origin: o.in.Key.Origin,
		Epoch: epoch})
	cols := make([]parquet.Values, len(vectors))
	for i, c := range o.reject.Columns {
		switch c.Name {
		case sidColumn:
			cols[i].Constant = o.sid
		case originColumn:
			cols[i].Constant = o.origin
		case epochColumn:
			cols[i].Constant = []byte(epoch.String())
		default:
			cols[i].Vector = &vectors[i]
		}
	}
	if err := o.dead.WriteGroup(&o.chunks, b.Len(), cols); err != nil {
		return fmt.Errorf("encode rejects: %w", err)
	}
	return nil
}

// begin makes an object's file.
func (o *objects) begin(l *parquet.Layout) (*object, error) {
	name := strconv.Itoa(len(o.all))
	f, err := o.files.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create object file %s: %w", name, err)
	}
	x := &object{FileWriter: parquet.NewFileWriter(f, l), name: name}
	o.all = append(o.all, x)
	return x, nil
}

// close ends all objects, adds them to m in the order of their keys and gives the names of their
// files in the same order.
func (o *objects) close(m *table.Manifest) (names []string, err error) {
	type entry struct {
		table.Object
		name string
	}
	var entries []entry
	for len(o.all) > 0 {
		x := o.all[0]
		o.all = o.all[1:]
		e := entry{table.Object{Key: o.key(x, m), Rows: x.Rows}, x.name}
		if e.Bytes, e.SHA256, err = x.Close(); err != nil {
			return nil, fmt.Errorf("close object file %s: %w", x.name, err)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.Key, b.Key) })
	for _, e := range entries {
		m.Objects = append(m.Objects, e.Object)
		names = append(names, e.name)
	}
	return names, nil
}

func (o *objects) key(x *object, m *table.Manifest) string {
	r := source.Range{Start: m.Start, End: m.End}
	if x.rejects {
		return table.QuarantineKey(m.Table(), m.SID, r, m.Seal)
	}
	return table.DataKey(m.Table(), x.partition, m.SID, r, m.Seal)
}

// abort closes the files that are open. Their errors do not matter: nobody will read them.
func (o *objects) abort() {
	for _, x := range o.all {
		_ = x.Abort()
	}
	o.all = nil
}
