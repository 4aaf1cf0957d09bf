package verify

import (
	"context"
	"errors"
	"fmt"
	"io"

	"logseal/ingest/files"
	"logseal/ingest/seal"
	"logseal/ingest/sink"
	"logseal/ingest/source"
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
	path string
	head []byte // nil: it has none

	broken  error // no head can be read
	proved  bool
	whole   bool // some source holds it to its end
	rest    source.Range
	restOf  source.Key
	short   string // why the best source that is not proved was neither refuted
	differs string // where the best source that was refuted disagrees
	agreed  int64  // how far that one agreed
}

// openProofs reads the heads of log files.
func openProofs(fsys files.FS, paths []string) (*proofs, error) {
	ps := &proofs{fsys: fsys, ids: map[family]map[source.ID][]*proof{},
		asked: map[source.Key]bool{}}
	for _, path := range paths {
		p := &proof{path: path}
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
	head, ok, err := f.Head(true, nil)
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
		key := seal.ManifestKey(lower, 0)
		_, err := v.Store.Stat(ctx, key)
		if errors.Is(err, sink.ErrNotFound) {
			v.add(Missing, key, "%s, the first manifest of source %d that begins as %s does, is "+
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
	for _, commit := range c.commits {
		e := edgesOf(commit)
		offsets = append(offsets, e.Start, e.End)
	}
	marks, end, err := f.Marks(ctx, offsets)
	var corrupt *files.CorruptError
	if err != nil && !errors.As(err, &corrupt) {
		return err
	}
	agrees, proved := p.judge(c, marks, end)
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
			proved, p.short = false, err.Error()
			break
		}
		if err != nil {
			return err
		}
	}
	if !proved {
		return nil
	}
	p.proved = true
	record := int64(seal.DefaultMaxRecordBytes)
	if d.record > 0 {
		record = d.record // of the last batch
	}
	last := edgesOf(c.commits[len(c.commits)-1]).End
	return p.checkRest(ctx, c.key, f, marks[last], end, int(record))
}

// judge compares the chains at all batch ends. The file agrees unless it is another source, and is
// proved to be this one when it holds all of it; it may agree with another one as well that goes on
// after the file's end.
func (p *proof) judge(c *coverage, marks map[int64]source.Point,
	end source.Point) (agrees, proved bool) {
	agreed := int64(0)
	for _, commit := range c.commits {
		e := edgesOf(commit)
		for _, at := range []struct {
			offset int64
			chain  source.Digest
		}{{e.Start, e.chainIn}, {e.End, e.chainOut}} {
			mark, reached := marks[at.offset]
			if reached && mark.Chain != at.chain {
				if agreed >= p.agreed {
					p.agreed = agreed
					p.differs = fmt.Sprintf("it says the same as source %s up to byte %d and something "+
						"else before byte %d", c.key, agreed, at.offset)
				}
				return false, false
			}
			if reached {
				agreed = at.offset
			}
		}
	}
	last := edgesOf(c.commits[len(c.commits)-1]).End
	if last > end.Offset {
		p.short = fmt.Sprintf("it ends at byte %d and source %s goes on to byte %d", end.Offset, c.key,
			last)
		return true, false
	}
	return true, true
}

// checkRest looks for records of the file after the last batch of its source, which ends at from.
func (p *proof) checkRest(ctx context.Context, key source.Key, f *files.File, from,
	end source.Point, record int) error {
	r, err := f.Reader(ctx, from, record)
	if err == nil {
		r.Begin(0, 0)
		_, err = r.Next()
	}
	var corrupt *files.CorruptError
	if err == io.EOF || errors.As(err, &corrupt) { // before a fault is no whole record any more
		p.whole = true
		return nil
	}
	if err != nil {
		return err
	}
	if from.Offset >= p.rest.Start {
		p.rest, p.restOf = source.Range{Start: from.Offset, End: end.Offset}, key
	}
	return nil
}

// report adds what was found about each file.
func (ps *proofs) report(r *Report) {
	for _, p := range ps.files {
		switch {
		case p.broken != nil:
			r.add(Missing, p.path, "nothing of %s can be proved: %v", p.path, p.broken)
		case p.head == nil || p.whole: // an empty file is no source
		case p.proved:
			r.add(Gap, p.restOf.String()+" "+p.rest.String(), "bytes %s of %s are in no batch yet; load "+
				"it again", p.rest, p.path)
		case p.short != "":
			r.add(Differing, p.path, "%s cannot be proved: %s; give the whole file", p.path, p.short)
		case p.agreed > 0:
			r.add(Differing, p.path, "%s is not what was loaded: %s; it was changed since, or is another "+
				"log that begins alike and was never loaded", p.path, p.differs)
		default:
			r.add(Missing, p.path, "no source in the sink is %s; load it, or give the stream that it was "+
				"loaded to", p.path)
		}
	}
}
