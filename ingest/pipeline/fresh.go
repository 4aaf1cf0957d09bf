package pipeline

import (
	"context"
	"fmt"

	"logseal/ingest/offsets"
	"logseal/ingest/source"
)

// findFresh notes the tables of which neither ledger nor, where that is empty, the sink has
// anything.
func (t *Tail) findFresh(ctx context.Context) error {
	keys, err := t.Ledger.All()
	if err != nil {
		return err
	}
	for _, s := range t.streams {
		if s := s.Load(); s.StartAtEnd {
			t.fresh[s.Table()] = true
		}
	}
	underWay := map[source.Table]bool{}
	for table := range t.fresh {
		if underWay[table], err = t.firstUnderWay(table); err != nil {
			return err
		}
	}
	for _, key := range keys {
		if !underWay[key.Table] {
			delete(t.fresh, key.Table)
		}
	}
	if len(keys) > 0 {
		return nil
	}
	for _, ref := range t.streams {
		s := ref.Load()
		if !t.fresh[s.Table()] {
			continue
		}
		origin := s.Follow.Origin
		if s.OriginPath != nil {
			origin = ""
		}
		some, err := t.anyManifest(ctx, s.Table(), origin)
		if err != nil {
			return err
		}
		if some {
			delete(t.fresh, s.Table())
			continue
		}
		if err := t.noteFirst(s.Table(), true); err != nil {
			return err
		}
	}
	return nil
}

// firstLook is what the ledger remembers, in place of a file, of a table whose first files have not
// all been told who they are: so that a tail which is killed meanwhile begins anew with them.
const firstLook = sightingMark + "first look"

// noteFirst lets the ledger know that the first files of a table are being looked at, or all were.
func (t *Tail) noteFirst(table source.Table, underWay bool) error {
	rec := offsets.FileRecord{Path: firstLook, Key: source.Key{Table: table}}
	if underWay {
		rec.Offset = 1
	}
	if err := t.Ledger.PutFile(table, rec); err != nil {
		return fmt.Errorf("note the first look in the ledger: %w", err)
	}
	return nil
}

// firstUnderWay tells whether an earlier run had not come to the end of the first files of a table.
func (t *Tail) firstUnderWay(table source.Table) (bool, error) {
	rec, ok, err := t.Ledger.GetFile(table, firstLook)
	return ok && rec.Offset > 0, err
}

// endFirst notes the tables of whose first files all were told who they are.
func (t *Tail) endFirst() {
	t.mu.Lock()
	var done []source.Table
	for table := range t.fresh {
		if t.fresh[table] && !t.firstOpen(table) {
			delete(t.fresh, table)
			done = append(done, table)
		}
	}
	t.mu.Unlock()
	for _, table := range done {
		if err := t.noteFirst(table, false); err != nil {
			t.failed(err)
		}
	}
}

// firstOpen tells whether a first file of a table still has to be told who it is. Tail.mu is held.
func (t *Tail) firstOpen(table source.Table) bool {
	for _, f := range t.table {
		if f.first == 0 || f.stream().Table() != table {
			continue
		}
		switch f.view.standing {
		case isNew, isUnreadable, isStopped:
			return true
		}
	}
	return false
}
