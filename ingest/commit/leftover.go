package commit

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// leftovers are the data objects whose batch has no manifest, by source and start: what a run that
// died together with its state had put. Cutting where it cut makes them ours again. That is
// tidiness: nothing depends on it.
type leftovers map[leftoverAt][]table.BatchName

type leftoverAt struct {
	table source.Table
	id    source.ID
	start int64
}

// FindLeftovers lists the tables once: data first, so that what is committed meanwhile is not taken
// for a leftover, then the manifests.
func (r *Engine) FindLeftovers(ctx context.Context) (leftovers, error) {
	found := leftovers{}
	for i := range r.Streams {
		t := r.Streams[i].Table()
		for _, prefix := range []string{
			table.DataPrefix(t), table.QuarantinePrefix(t), table.ManifestPrefix(t),
		} {
			for info, err := range r.Store.List(ctx, prefix) {
				if err != nil {
					return nil, err
				}
				if k, err := table.ParseKey(info.Key); err == nil {
					found.note(k)
				}
			}
		}
	}
	return found, nil
}

func (l leftovers) note(k table.ParsedKey) {
	switch k.Kind {
	case table.DataKind, table.QuarantineKind:
		at := leftoverAt{k.Table, k.Batch.ID, k.Batch.Range.Start}
		if !slices.Contains(l[at], k.Batch) {
			l[at] = append(l[at], k.Batch)
		}
	case table.ManifestKind:
		delete(l, leftoverAt{k.Table, k.Source.ID, k.Start})
	}
}

// limit is how large the next range may be: the stream's limit or, where a leftover starts, its
// size, when it is within the limit and the file and its seal is the one that this file and epoch
// give there. Of several the longest counts.
func (w *Writer) limit(ctx context.Context) (int64, error) {
	most := w.Stream.MaxBytes
	at := leftoverAt{w.Key.Table, w.Key.ID, w.Src.Sealed.Offset}
	names := slices.Clone(w.Leftovers[at])
	if len(names) == 0 {
		return most, nil
	}
	slices.SortFunc(names, func(a, b table.BatchName) int { return cmp.Compare(b.Range.End, a.Range.End) })
	var ends []int64
	for _, n := range names {
		ends = append(ends, n.Range.End)
	}
	slices.Sort(ends)
	marks, _, err := MarksTo(ctx, w.File, slices.Compact(ends))
	if errors.As(err, new(*files.ShrunkError)) {
		return most, nil // the bytes before it are gone: what is left of them is sealed as it comes
	}
	if err != nil {
		return 0, err
	}
	for _, n := range names {
		m, ok := marks[n.Range.End]
		fits := most == 0 || n.Range.Len() <= most
		if ok && fits && source.NewSeal(m.Chain, w.Stream.Epoch.ID()) == n.Seal {
			return n.Range.Len(), nil
		}
	}
	return most, nil
}
