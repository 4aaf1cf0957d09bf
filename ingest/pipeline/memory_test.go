package pipeline

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
	files   map[string]offsets.FileRecord
}

type memSource struct {
	src  offsets.Source
	ends map[int64]source.Digest
}

func newMemLedger() *memLedger {
	return &memLedger{sources: map[source.Key]*memSource{}, files: map[string]offsets.FileRecord{}}
}

func (l *memLedger) clone() *memLedger {
	c := newMemLedger()
	maps.Copy(c.files, l.files)
	for k, s := range l.sources {
		c.sources[k] = &memSource{src: cloneSource(s.src), ends: maps.Clone(s.ends)}
	}
	return c
}

func cloneSource(s offsets.Source) offsets.Source {
	c := offsets.Source{
		K: s.K, Path: s.Path, File: s.File, Marker: s.Marker, Sealed: s.Sealed, Shipped: s.Shipped,
		LastStart: s.LastStart, Highest: s.Highest, OpenEnd: s.OpenEnd,
		Outbox: slices.Clone(s.Outbox), LowerRefuted: s.LowerRefuted, Barrier: s.Barrier,
	}
	if len(c.Outbox) == 0 {
		c.Outbox = nil
	}
	return c
}

func (l *memLedger) digest() source.Digest {
	h := sha256.New()
	for _, k := range l.keys() {
		s := l.sources[k]
		fmt.Fprintf(h, "%v %+v\n", k, s.src)
		for _, off := range slices.Sorted(maps.Keys(s.ends)) {
			fmt.Fprintf(h, "%d %v\n", off, s.ends[off])
		}
	}
	for _, p := range slices.Sorted(maps.Keys(l.files)) {
		fmt.Fprintf(h, "%s %v\n", p, l.files[p])
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
	if err := src.Validate(); err != nil {
		return err
	}
	ends, files := src.Queued()
	s := &memSource{src: cloneSource(*src), ends: map[int64]source.Digest{}}
	if ok {
		s.ends = maps.Clone(l.sources[key].ends)
	}
	for _, p := range ends {
		if have, ok := s.ends[p.Offset]; ok && have != p.Chain {
			return fmt.Errorf("source %v has another chain at %d", key, p.Offset)
		}
		s.ends[p.Offset] = p.Chain
	}
	l.sources[key] = s
	l.putFiles(key.Table, files)
	return nil
}

func (l *memLedger) delete(key source.Key) {
	delete(l.sources, key)
	maps.DeleteFunc(l.files, func(_ string, f offsets.FileRecord) bool { return f.Key == key })
}

func (l *memLedger) putFiles(t source.Table, files []offsets.FileRecord) {
	for _, f := range files {
		l.files[t.String()+" "+f.Path] = f
	}
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

func (s *memStage) Abort() error { return nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
