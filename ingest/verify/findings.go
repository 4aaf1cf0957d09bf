package verify

import (
	"slices"
	"strings"
	"sync"

	"logseal/ingest/source"
)

// Progress is how far a run is, in objects under data/ and quarantine/.
type Progress struct {
	Objects, Bytes int64 // listed so far
	Listed         bool  // these are all
	Done, DoneSize int64 // of these, dealt with: objects and their bytes
}

// findings are what a run has found so far, and how far it is. Its tasks add to them at once.
type findings struct {
	tell func(Progress) // nil for nobody
	told map[told]bool  // one goroutine uses it

	mu        sync.Mutex // guards what follows, but for the counts of the report, which have one writer
	report    *Report
	condemned []condemned
	progress  Progress
}

func newFindings(tell func(Progress)) *findings {
	return &findings{tell: tell, told: map[told]bool{}, report: &Report{}}
}

// condemned is an object that can never be committed: a manifest that does not name it has been read at its
// start. Manifests are never replaced, so no writer can name it any more, whenever its delete arrives.
type condemned struct {
	key string
	of  source.ID
}

// told names a finding about twins: each source is told once of its own origin and once of others.
type told struct {
	short      source.Key
	sameOrigin bool
}

// add reports a finding.
func (f *findings) add(k Kind, what, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.add(k, what, format, args...)
}

// stray reports a key that is no name of ours and that no reader counts.
func (f *findings) stray(key string) {
	f.add(Differing, key, "%s is not a name that Logseal gives; someone else put it there, "+
		"move it away", key)
}

// addTwin reports two sources that hold the same bytes.
func (f *findings) addTwin(t *twins, short, long int32) {
	a, b := t.key(short), t.key(long)
	r, _ := t.shared(short, long)
	what := told{a, a.Origin == b.Origin}
	if f.told[what] {
		return
	}
	f.told[what] = true
	if what.sameOrigin {
		f.add(Overlap, a.String()+" "+r.String(), "bytes %s of source %s are in source %s too; unless "+
			"these are two logs with the same lines, their rows are there twice: leave out one _sid, or load "+
			"the log to a new version", r, a, b)
		return
	}
	names := []string{a.String(), b.String()}
	slices.Sort(names)
	f.add(Twin, strings.Join(names, " "), "bytes %s of source %s are in source %s of another origin "+
		"too; unless these are two logs with the same lines, their rows are there twice: leave out one "+
		"_sid, or load the log to a new version", r, a, b)
}

// addUnfinished counts the bytes of an object that no manifest names.
func (f *findings) addUnfinished(size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.UnfinishedBytes += size
}

// condemn notes an object that can never be committed, of a source.
func (f *findings) condemn(key string, of source.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.condemned = append(f.condemned, condemned{key, of})
}

// cleaned notes that an object was deleted.
func (f *findings) cleaned(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Cleaned = append(f.report.Cleaned, key)
}

// advance changes the progress and tells it.
func (f *findings) advance(change func(p *Progress)) {
	if f.tell == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.progress)
	f.tell(f.progress)
}

// done counts an object that was listed, once nothing of it is left to look at.
func (f *findings) done(size int64) {
	f.advance(func(p *Progress) {
		p.Done++
		p.DoneSize += size
	})
}
