package verify

import (
	"context"
	"errors"
	"fmt"

	"logseal/ingest/files"
	"logseal/ingest/sink"
	"logseal/ingest/source"
	"logseal/ingest/table"
)

// proofs are the log files that the sink is proved against.
type proofs struct {
	fsys  files.FS
	files []*proof
	ids   map[family]map[source.ID][]*proof
	asked map[source.Key]bool // sources whose first manifest was asked for
}

// family are the sources that differ by their head only.
type family struct {
	origin, stream string
	k              uint64
}

// proof is one log file and what was found about it.
type proof struct {
	path   string
	head   []byte // nil: it has none
	broken error  // no head can be read
	tables map[source.Table]*held
}

// openProofs reads the heads of log files.
func openProofs(fsys files.FS, paths []string) (*proofs, error) {
	ps := &proofs{fsys: fsys, ids: map[family]map[source.ID][]*proof{},
		asked: map[source.Key]bool{}}
	for _, path := range paths {
		p := &proof{path: path, tables: map[source.Table]*held{}}
		if err := p.readHead(fsys); err != nil {
			return nil, err
		}
		ps.files = append(ps.files, p)
	}
	return ps, nil
}

func (p *proof) readHead(fsys files.FS) error {
	f, err := files.Open(fsys, p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	head, ok, err := f.Head(true)
	var corrupt *files.CorruptError
	switch {
	case ok:
		p.head = head
	case errors.As(err, &corrupt):
		p.broken = corrupt
	case err != nil:
		return err
	}
	return nil
}

// match gives the files whose head makes them the k-th source of its kind.
func (ps *proofs) match(key source.Key, k uint64) []*proof {
	f := family{key.Origin, key.Table.Stream, k}
	ids, ok := ps.ids[f]
	if !ok {
		ids = map[source.ID][]*proof{}
		for _, p := range ps.files {
			if p.head != nil {
				id := source.NewID(f.origin, f.stream, k, p.head)
				ids[id] = append(ids[id], p)
			}
		}
		ps.ids[f] = ids
	}
	return ids[key.ID]
}

func (ps *proofs) wanted(key source.Key, k uint64) bool { return len(ps.match(key, k)) > 0 }

// prove holds a source against the files that begin as it does.
func (v *verifier) prove(ctx context.Context, c *coverage) error {
	for _, p := range v.proofs.match(c.key, *c.k) {
		if err := v.proveFile(ctx, c, p); err != nil {
			return fmt.Errorf("prove %s: %w", p.path, err)
		}
		if err := v.proveNumbers(ctx, c, p); err != nil {
			return fmt.Errorf("prove %s: %w", p.path, err)
		}
	}
	return nil
}

// proveNumbers looks for the sources that begin as a file does and were there before this one: k
// has no holes, so one that is missing was deleted by hand, all of it.
func (v *verifier) proveNumbers(ctx context.Context, c *coverage, p *proof) error {
	for k := range *c.k {
		lower := c.key
		lower.ID = source.NewID(lower.Origin, lower.Table.Stream, k, p.head)
		if v.proofs.asked[lower] {
			continue
		}
		v.proofs.asked[lower] = true
		key := table.ManifestKey(lower, 0)
		_, err := v.Store.Stat(ctx, key)
		if errors.Is(err, sink.ErrNotFound) {
			v.found.add(Missing, key, "%s, the first manifest of source %d that begins as %s does, is "+
				"missing although source %d is there; restore it from a copy of the sink", key, k, p.path,
				*c.k)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) proveFile(ctx context.Context, c *coverage, p *proof) error {
	f, err := files.Open(v.proofs.fsys, p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	var offsets []int64
	for _, m := range c.chainPoints() {
		offsets = append(offsets, m.Offset)
	}
	marks, end, err := f.Marks(ctx, offsets)
	var corrupt *files.CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		return err
	}
	h := p.in(c.key.Table)
	agrees, proved := h.judge(c, marks, end)
	if !agrees {
		return nil
	}
	d := &derivation{v: v, key: c.key, file: f, marks: marks}
	for _, commit := range c.commits {
		if commit.Manifest == nil || commit.Manifest.End > end.Offset {
			continue
		}
		err := d.check(ctx, commit.Manifest)
		if errors.As(err, &corrupt) {
			h.damaged = err.Error()
			return nil
		}
		if err != nil {
			return err
		}
	}
	if !proved {
		return nil
	}
	h.proved = true
	h.twins.close(c)
	record := int64(table.DefaultMaxRecordBytes)
	if d.record > 0 {
		record = d.record // of the last batch
	}
	last := edgesOf(c.commits[len(c.commits)-1]).End
	return h.checkRest(ctx, c.key, f, marks[last], end, int(record))
}
