package load

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
	"logseal/ingest/spool"
)

// memLedger is a ledger in memory, as strict as the real one.
type memLedger struct {
	sources map[source.Key]*memSource
	files   map[string]memFile
	serial  uint64 // the last that a source got
}

// memFile is a file that was remembered, with the serial number of its source.
type memFile struct {
	offsets.FileRecord
	serial uint64
}

type memSource struct {
	src  offsets.Source
	ends map[int64]source.Digest
}

func newMemLedger() *memLedger {
	return &memLedger{sources: map[source.Key]*memSource{}, files: map[string]memFile{}}
}

func (l *memLedger) clone() *memLedger {
	c := newMemLedger()
	maps.Copy(c.files, l.files)
	c.serial = l.serial
	for k, s := range l.sources {
		c.sources[k] = &memSource{src: cloneSource(s.src), ends: maps.Clone(s.ends)}
	}
	return c
}

func cloneSource(s offsets.Source) offsets.Source {
	c := offsets.Source{
		Serial: s.Serial, K: s.K, Path: s.Path, File: s.File, Marker: s.Marker, Sealed: s.Sealed, Shipped: s.Shipped,
		LastStart: s.LastStart, Highest: s.Highest, OpenEnd: s.OpenEnd,
		Outbox: slices.Clone(s.Outbox), LowerRefuted: s.LowerRefuted, Barrier: s.Barrier,
		Head: slices.Clone(s.Head), Lost: slices.Clone(s.Lost),
	}
	if len(c.Outbox) == 0 {
		c.Outbox = nil
	}
	return c
}

// digest is of all that can be read: which serial numbers there are makes no difference.
func (l *memLedger) digest() source.Digest {
	h := sha256.New()
	for _, k := range l.keys() {
		s := l.sources[k]
		src := s.src
		src.Serial = 0
		fmt.Fprintf(h, "%v %+v\n", k, src)
		for _, off := range slices.Sorted(maps.Keys(s.ends)) {
			fmt.Fprintf(h, "%d %v\n", off, s.ends[off])
		}
	}
	for _, p := range slices.Sorted(maps.Keys(l.files)) {
		if f, ok := l.file(p); ok {
			fmt.Fprintf(h, "%s %v\n", p, f)
		}
	}
	return source.Digest(h.Sum(nil))
}

func (l *memLedger) keys() []source.Key {
	return slices.SortedFunc(maps.Keys(l.sources), func(a, b source.Key) int {
		return cmp.Compare(a.String(), b.String())
	})
}

func (l *memLedger) get(key source.Key) (*offsets.Source, bool) {
	s, ok := l.sources[key]
	if !ok {
		return nil, false
	}
	c := cloneSource(s.src)
	return &c, true
}

func (l *memLedger) endsOf(key source.Key) []offsets.End {
	s, ok := l.sources[key]
	if !ok {
		return nil
	}
	var ends []offsets.End
	for _, off := range slices.Sorted(maps.Keys(s.ends)) {
		ends = append(ends, offsets.End{Offset: off, Chain: s.ends[off]})
	}
	return ends
}

func (l *memLedger) update(key source.Key, fn func(*offsets.Source) error) error {
	src, ok := l.get(key)
	if !ok {
		src = &offsets.Source{Sealed: source.Origin(), LastStart: -1}
	}
	if err := fn(src); err != nil {
		return err
	}
	if !ok {
		if src.Sealed.Offset == 0 {
			return offsets.ErrNoSource
		}
		l.serial++
		src.Serial = l.serial
	}
	if err := src.Validate(); err != nil {
		return err
	}
	ends, files := src.Queued()
	s := &memSource{src: cloneSource(*src), ends: map[int64]source.Digest{}}
	if ok {
		was := l.sources[key]
		s.ends = maps.Clone(was.ends)
		maps.DeleteFunc(s.ends, func(off int64, _ source.Digest) bool {
			return src.Sealed.Offset < was.src.Sealed.Offset && off > src.Sealed.Offset
		})
	}
	for _, p := range ends {
		if have, ok := s.ends[p.Offset]; ok && have != p.Chain {
			return fmt.Errorf("source %v has another chain at %d", key, p.Offset)
		}
		s.ends[p.Offset] = p.Chain
	}
	l.sources[key] = s
	return l.putFiles(key.Table, files)
}

func (l *memLedger) delete(key source.Key) {
	delete(l.sources, key)
}

// file gives what is remembered under a name, if its source is still there.
func (l *memLedger) file(name string) (offsets.FileRecord, bool) {
	f, ok := l.files[name]
	if !ok {
		return offsets.FileRecord{}, false
	}
	s, ok := l.sources[f.Key]
	return f.FileRecord, ok && s.src.Serial == f.serial && s.ends[f.Offset] == f.Chain
}

func (l *memLedger) putFiles(t source.Table, files []offsets.FileRecord) error {
	for _, f := range files {
		s, ok := l.sources[f.Key]
		if !ok {
			return fmt.Errorf("remember file %s: %w", f.Path, offsets.ErrNoSource)
		}
		l.files[t.String()+" "+f.Path] = memFile{f, s.src.Serial}
	}
	return nil
}

// memSpool is a spool in memory: batches are there whole or not at all, as package spool's own
// tests prove of the real one.
type memSpool map[string]memBatch

type memBatch struct {
	manifest []byte
	files    [][]byte
}

func (s memSpool) digest() source.Digest {
	h := sha256.New()
	for _, n := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(h, "%s\n", n)
	}
	return source.Digest(h.Sum(nil))
}

func (s memSpool) entries() []spool.Entry {
	var all []spool.Entry
	for _, n := range slices.Sorted(maps.Keys(s)) {
		all = append(all, spool.Entry{Name: n, Manifest: s[n].manifest})
	}
	return all
}

func (s memSpool) manifest(name string) ([]byte, error) {
	b, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("batch %s: %w", name, fs.ErrNotExist)
	}
	return b.manifest, nil
}

func (s memSpool) open(name string, i int) (io.ReadCloser, error) {
	b, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("batch %s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b.files[i])), nil
}

// memStage gathers a batch in memory.
type memStage struct {
	files  map[string]*bytes.Buffer
	commit func(name string, b memBatch) error
}

func (s *memStage) Create(name string) (io.WriteCloser, error) {
	s.files[name] = &bytes.Buffer{}
	return nopCloser{s.files[name]}, nil
}

func (s *memStage) Commit(name string, objects []string, manifest []byte) error {
	if len(objects) != len(s.files) {
		return fmt.Errorf("commit %s: %d files named, %d staged", name, len(objects), len(s.files))
	}
	b := memBatch{manifest: bytes.Clone(manifest)}
	for _, o := range objects {
		b.files = append(b.files, s.files[o].Bytes())
	}
	return s.commit(name, b)
}

func (s *memStage) CommitHeld(string, []string, []byte) error { return nil }

func (s *memStage) Abort() error { return nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
