package pipeline

import (
	"fmt"
	"strings"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// sighting is how long the file of a source was last seen to be.
type sighting struct {
	path   string
	file   offsets.FileState
	k      uint64
	size   int64 // 0 when it is not known
	sealed int64
}

// A file that is followed is remembered under its path and its source: the path alone may be
// another's by then.
const sightingMark = "\x00"

func sightingPath(path string, key source.Key) string { return path + sightingMark + key.ID.String() }

// sightings gives what the ledger knows of the sources of a table, also of those that nothing was
// sealed of. The size of a compressed file does not tell.
func (t *Tail) sightings(table source.Table) (map[source.Key]*sighting, error) {
	all := map[source.Key]*sighting{}
	records, err := t.Ledger.Files(table)
	if err != nil {
		return nil, err
	}
	for _, rec := range records {
		path, _, ok := strings.Cut(rec.Path, sightingMark)
		if s := all[rec.Key]; ok && path != "" && (s == nil || rec.Offset > s.size) {
			all[rec.Key] = &sighting{path: path, file: rec.State, k: rec.K, size: rec.Offset}
		}
	}
	err = t.eachSource(func(key source.Key, src *offsets.Source) error {
		if key.Table != table {
			return nil
		}
		s := all[key]
		if s == nil {
			s = &sighting{}
			all[key] = s
		}
		s.k, s.sealed = src.K, src.Sealed.Offset
		if src.Marker != (source.Digest{}) && src.File.Size > s.size {
			s.size, s.path, s.file = src.File.Size, src.Path, src.File
		}
		return nil
	})
	return all, err
}

// noteGrowth lets the ledger know, in one transaction a table, which files have more than what is
// sealed of them: if they are gone when it is opened again, so much is known to be lost.
func (t *Tail) noteGrowth() {
	if _, why := t.paused.now(); why == pausedDisk {
		return // a transaction that fails ends the tail
	}
	records := map[source.Table][]offsets.FileRecord{}
	t.mu.Lock()
	for _, f := range t.table {
		v := &f.view
		if v.standing != isOwner || f.stat.Size <= v.sealed || f.noted > v.sealed {
			continue
		}
		f.noted = f.stat.Size
		records[v.key.Table] = append(records[v.key.Table], offsets.FileRecord{
			Path: sightingPath(f.path, v.key), State: stateOf(f.stat), Key: v.key,
			Offset: f.stat.Size, K: v.k,
		})
	}
	t.mu.Unlock()
	for table, some := range records {
		if err := t.Ledger.PutFile(table, some...); err != nil && !diskFull(err) {
			t.failed(fmt.Errorf("note in the ledger how long files are: %w", err))
		}
	}
}

// forgetSightings lets the ledger forget how long the file of a source was.
func (t *Tail) forgetSightings(key source.Key) error {
	records, err := t.Ledger.Files(key.Table)
	if err != nil {
		return err
	}
	var none []offsets.FileRecord
	for _, rec := range records {
		if rec.Key == key && strings.Contains(rec.Path, sightingMark) {
			none = append(none, offsets.FileRecord{Path: rec.Path, Key: key})
		}
	}
	if _, ok, err := t.Ledger.Get(key); !ok || err != nil {
		if err == nil && len(none) > 0 {
			err = t.Ledger.PutFile(key.Table, none...)
		}
		return err
	}
	return t.Ledger.Update(key, func(s *offsets.Source) error {
		for _, rec := range none {
			s.PutFile(rec)
		}
		s.File = offsets.FileState{}
		return nil
	})
}
