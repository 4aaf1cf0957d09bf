package seal

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"logseal/ingest/batch"
	"logseal/ingest/parse"
	"logseal/ingest/quarantine"
	"logseal/ingest/source"
)

// objects writes the objects of one batch: one for each partition and one for the rejects, each
// begun with its first group.
type objects struct {
	in     Input
	files  Files
	chunks chunkWriter
	data   *layout
	reject *layout
	all    []*object
	rows   map[batch.Partition]*object
	dead   *object // the rejects'
	sid    []byte
	origin []byte // nil for none
}

// object is one of them.
type object struct {
	*fileWriter
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
	if o.data, err = newLayout(dataColumns(in.Parser.Definition().Columns)); err != nil {
		return nil, err
	}
	if o.reject, err = newLayout(rejectColumns()); err != nil {
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
func dataColumns(schema []parse.Column) []column {
	cols := []column{
		{name: sidColumn, typ: parse.String},
		{name: offsetColumn, typ: parse.Int64, rising: true},
		{name: originColumn, typ: parse.String, optional: true},
	}
	for _, c := range schema {
		cols = append(cols, column{name: c.Name, typ: c.Type, optional: c.Optional,
			rising: c.Type == parse.Timestamp})
	}
	return cols
}

// rejectColumns are the columns of a quarantine object.
func rejectColumns() []column {
	var cols []column
	for _, c := range quarantine.Columns() {
		cols = append(cols, column{name: c.Name, typ: c.Type, optional: c.Optional,
			binary: c.Binary, rising: c.Name == offsetColumn || c.Name == lengthColumn})
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
	cols := []values{{constant: o.sid}, {vector: &offsets}, {constant: o.origin}}
	for i := range g.Columns {
		cols = append(cols, values{vector: &g.Columns[i]})
	}
	if err := x.writeGroup(&o.chunks, len(g.Offsets), cols); err != nil {
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
	cols := make([]values, len(vectors))
	for i, c := range o.reject.columns {
		switch c.name {
		case sidColumn:
			cols[i].constant = o.sid
		case originColumn:
			cols[i].constant = o.origin
		case epochColumn:
			cols[i].constant = []byte(epoch.String())
		default:
			cols[i].vector = &vectors[i]
		}
	}
	if err := o.dead.writeGroup(&o.chunks, b.Len(), cols); err != nil {
		return fmt.Errorf("encode rejects: %w", err)
	}
	return nil
}

// begin makes an object's file.
func (o *objects) begin(l *layout) (*object, error) {
	name := strconv.Itoa(len(o.all))
	f, err := o.files.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create object file %s: %w", name, err)
	}
	x := &object{fileWriter: newFileWriter(f, l), name: name}
	o.all = append(o.all, x)
	return x, nil
}

// close ends all objects, adds them to m in the order of their keys and gives the names of their
// files in the same order.
func (o *objects) close(m *Manifest) (names []string, err error) {
	type entry struct {
		Object
		name string
	}
	var entries []entry
	for len(o.all) > 0 {
		x := o.all[0]
		o.all = o.all[1:]
		e := entry{Object{Key: o.key(x, m), Rows: x.rows}, x.name}
		if e.Bytes, e.SHA256, err = x.close(); err != nil {
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

func (o *objects) key(x *object, m *Manifest) string {
	r := source.Range{Start: m.Start, End: m.End}
	if x.rejects {
		return QuarantineKey(m.Table(), m.SID, r, m.Seal)
	}
	return DataKey(m.Table(), x.partition, m.SID, r, m.Seal)
}

// abort closes the files that are open. Their errors do not matter: nobody will read them.
func (o *objects) abort() {
	for _, x := range o.all {
		_ = x.abort()
	}
	o.all = nil
}
