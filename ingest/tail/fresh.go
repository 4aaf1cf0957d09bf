package tail

import (
	"context"
	"fmt"

	"logseal/ingest/source"
)

// findFresh notes the tables of which neither ledger nor, where that is empty, the sink has
// anything.
func (t *Tail) findFresh(ctx context.Context) error {
	for _, s := range t.streams {
		if s := s.Load(); s.StartAtEnd {
			t.fresh[s.Table()] = true
		}
	}
	for table := range t.fresh {
		fresh, err := t.isFirst(table)
		if err != nil {
			return err
		}
		if !fresh {
			delete(t.fresh, table)
		}
	}
	if !t.Ledger.Empty() {
		return nil
	}
	for _, ref := range t.streams {
		s := ref.Load()
		if !t.fresh[s.Table()] {
			continue
		}
		origin := source.OriginName(s.Origin)
		if s.OriginPath != nil {
			origin = ""
		}
		some, err := t.AnyManifest(ctx, s.Table(), origin)
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

// isFirst tells whether the ledger has nothing of a table, or only what an earlier run got that had not
// come to the end of the table's first files: a tail which is killed meanwhile begins anew with them.
func (t *Tail) isFirst(table source.Table) (bool, error) {
	has, err := t.Ledger.HasTable(table)
	if err != nil || !has {
		return !has, err
	}
	return t.Ledger.FirstLook(table)
}

// noteFirst lets the ledger know that the first files of a table are being looked at, or all were.
func (t *Tail) noteFirst(table source.Table, underWay bool) error {
	if err := t.Ledger.SetFirstLook(table, underWay); err != nil {
		return fmt.Errorf("note the first look in the ledger: %w", err)
	}
	return nil
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
