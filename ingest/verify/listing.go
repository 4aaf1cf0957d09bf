package verify

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sort"

	"logseal/ingest/batch"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// placed is an object that stands under data/ or quarantine/. There may be millions: it holds what
// its key says and no string.
type placed struct {
	name      table.BatchName
	size      int64
	table     int32 // index into listing.tables
	partition batch.Partition
	kind      table.KeyKind
	state     state
	owner     int32 // index into listing.owners: the source that state speaks of
}

// state is what is known of an object that was listed.
type state uint8

const (
	unknown state = iota // no manifest of its source was seen
	named                // a manifest names it
	open                 // its place is free: someone may still name it
	dead                 // its place is taken: nobody can ever name it
)

// listing is all that stands under data/ and quarantine/.
type listing struct {
	objects []placed // sorted by table, then name, then kind and partition
	tables  []source.Table
	owners  []source.Key
}

// list reads what stands under data/ and quarantine/ of a stream, or of all. A key that is no
// name of ours is a finding.
func (v *verifier) list(ctx context.Context) error {
	l := &listing{}
	v.objects = l
	tables := map[source.Table]int32{}
	for _, folder := range []string{table.DataFolder, table.QuarantineFolder} {
		for info, err := range v.Store.List(ctx, streamPrefix(folder, v.Stream)) {
			if err != nil {
				return err
			}
			k, err := table.ParseKey(info.Key)
			if err != nil {
				v.found.add(Differing, info.Key, "%s is not a name that Logseal gives, so a glob counts what "+
					"nothing accounts for; move it out of %s", info.Key, folder)
				continue
			}
			t, ok := tables[k.Table]
			if !ok {
				t = int32(len(l.tables))
				tables[k.Table] = t
				l.tables = append(l.tables, k.Table)
			}
			l.objects = append(l.objects, placed{name: k.Batch, size: info.Size, table: t,
				partition: k.Partition, kind: k.Kind})
			v.found.advance(func(p *Progress) { p.Objects, p.Bytes = p.Objects+1, p.Bytes+info.Size })
		}
	}
	slices.SortFunc(l.objects, compare)
	v.found.advance(func(p *Progress) { p.Listed = true })
	return nil
}

// streamPrefix begins the keys of a stream in a folder; an empty stream is all.
func streamPrefix(folder, stream string) string {
	if stream == "" {
		return folder
	}
	return folder + stream + "/"
}

func compare(a, b placed) int {
	return cmp.Or(compareSource(a, b.table, b.name.ID),
		cmp.Compare(a.name.Range.Start, b.name.Range.Start),
		cmp.Compare(a.name.Range.End, b.name.Range.End),
		bytes.Compare(a.name.Seal[:], b.name.Seal[:]),
		cmp.Compare(a.kind, b.kind), a.partition.Compare(b.partition))
}

func compareSource(a placed, table int32, id source.ID) int {
	return cmp.Or(cmp.Compare(a.table, table), bytes.Compare(a.name.ID[:], id[:]))
}

// block gives the objects of a source. They may be changed.
func (l *listing) block(t source.Table, id source.ID) []placed {
	table := slices.Index(l.tables, t)
	if table < 0 {
		return nil
	}
	first := sort.Search(len(l.objects), func(i int) bool {
		return compareSource(l.objects[i], int32(table), id) >= 0
	})
	rest := l.objects[first:]
	n := sort.Search(len(rest), func(i int) bool {
		return compareSource(rest[i], int32(table), id) > 0
	})
	return rest[:n]
}

// find gives the object at a key of data or quarantine, nil when it was not listed.
func (l *listing) find(k table.ParsedKey) *placed {
	want := placed{name: k.Batch, kind: k.Kind, partition: k.Partition}
	b := l.block(k.Table, k.Batch.ID)
	if len(b) == 0 {
		return nil
	}
	want.table = b[0].table
	i, ok := slices.BinarySearchFunc(b, want, compare)
	if !ok {
		return nil
	}
	return &b[i]
}

// key gives the key that the object was listed by.
func (l *listing) key(p *placed) string {
	return table.ParsedKey{Kind: p.kind, Table: l.tables[p.table], Partition: p.partition,
		Batch: p.name}.String()
}
