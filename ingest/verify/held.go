package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"logseal/ingest/files"
	"logseal/ingest/source"
)

// held is what was found of a log file in one table.
type held struct {
	proved  bool  // the file holds all of some source
	twins   twins // these sources: each is the beginning of the file
	whole   bool  // one of them goes to the file's end
	rest    source.Range
	restOf  source.Key
	damaged string // why nothing more can be said although the file holds all of some source
	short   string // why a source was neither proved nor refuted
	differs string // where the best source that was refuted disagrees
	agreed  int64  // how far that one agreed
}

// in gives what was found in a table so far.
func (p *proof) in(t source.Table) *held {
	h := p.tables[t]
	if h == nil {
		h = &held{twins: twins{table: t}}
		p.tables[t] = h
	}
	return h
}

// judge compares the chains at the start of each range and at all its points. The file agrees unless
// it is another source, and is proved to be this one when it holds all of it; it may agree with
// another one as well that goes on after the file's end.
func (h *held) judge(c *coverage, marks map[int64]source.Point,
	end source.Point) (agrees, proved bool) {
	agreed := int64(0)
	for _, at := range c.chainPoints() {
		mark, reached := marks[at.Offset]
		if !reached {
			continue
		}
		if mark.Chain != at.Chain {
			h.disagrees(c.key, agreed, at.Offset)
			return false, false
		}
		agreed = at.Offset
	}
	last := edgesOf(c.commits[len(c.commits)-1]).End
	if last > end.Offset {
		h.short = fmt.Sprintf("it ends at byte %d, but source %s continues to byte %d", end.Offset, c.key,
			last)
		return true, false
	}
	return true, true
}

// disagrees notes that a source is refuted, unless another one that was agrees with more of the file.
func (h *held) disagrees(key source.Key, agreed, at int64) {
	if agreed >= h.agreed {
		h.agreed = agreed
		h.differs = fmt.Sprintf("it says the same as source %s up to byte %d and something "+
			"else before byte %d", key, agreed, at)
	}
}

// checkRest looks for records of the file after the last batch of its source, which ends at from.
func (h *held) checkRest(ctx context.Context, key source.Key, f *files.File, from,
	end source.Point, record int) error {
	r, err := f.Reader(ctx, from, record)
	if err == nil {
		r.Begin(0, 0)
		_, err = r.Next()
	}
	var corrupt *files.CorruptError
	if err == io.EOF || errors.As(err, &corrupt) { // before a fault is no whole record any more
		h.whole = true
		return nil
	}
	if err != nil {
		return err
	}
	if from.Offset >= h.rest.Start {
		h.rest, h.restOf = source.Range{Start: from.Offset, End: end.Offset}, key
	}
	return nil
}

// reportProofs adds what was found about each file.
func (v *verifier) reportProofs() {
	for _, p := range v.proofs.files {
		switch {
		case p.broken != nil:
			v.found.add(Missing, p.path, "nothing of %s can be proved: %v", p.path, p.broken)
		case p.head != nil: // an empty file is no source
			v.reportProof(p)
		}
	}
}

// reportProof wants of each table that has something of a file that it has it whole and once, and
// that there is one. A table whose sources are refuted has nothing of it. Of one whose source goes
// on after the file's end nothing is wrong: it is another log, or it has the file and more.
func (v *verifier) reportProof(p *proof) {
	var short, differs string
	agreed, settled := int64(0), false
	tables := slices.SortedFunc(maps.Keys(p.tables), func(a, b source.Table) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Version, b.Version))
	})
	for _, t := range tables {
		h := p.tables[t]
		h.twins.pairs(h.twins.all(), math.MaxInt64, v.found.addTwin)
		settled = settled || h.whole || h.proved || h.damaged != ""
		switch {
		case h.whole:
		case h.proved:
			v.found.add(Gap, h.restOf.String()+" "+h.rest.String(), "bytes %s of %s are in no batch of %s yet; "+
				"load it again", h.rest, p.path, t)
		case h.damaged != "":
			v.found.add(Differing, p.path, "%s cannot be proved to be in %s: %s; give the whole file", p.path, t,
				h.damaged)
		}
		short = cmp.Or(h.short, short)
		if h.agreed > agreed {
			agreed, differs = h.agreed, h.differs
		}
	}
	switch {
	case settled:
	case short != "":
		v.found.add(Differing, p.path, "%s cannot be proved: %s; give the whole file", p.path, short)
	case agreed > 0:
		v.found.add(Differing, p.path, "%s is not what was loaded: %s; it was changed since, or is another "+
			"log that begins alike and was never loaded", p.path, differs)
	default:
		v.found.add(Missing, p.path, "no source in the sink is %s; load it, or give the stream that it was "+
			"loaded to", p.path)
	}
}
